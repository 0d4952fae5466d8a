/* MaxSim over 8-bit token vectors.
 *
 * Tokens come in blocks of 16. A block holds `width` values of each, a multiple of 4, four of one
 * token and then four of the next: [width / 4][16 tokens][4], each value plus 128 (VNNI multiplies
 * unsigned by signed bytes); then the tokens' 16 scales, floats. Query tokens are signed bytes,
 * [n][width]. A product is an exact int32; it becomes a float, is multiplied by the passage
 * token's scale, and its best over the passage by the query token's, summed in the order of the
 * query's tokens. Every path rounds in the same places, so all give the same scores, as does torch
 * without a compiler: build with -ffp-contract=off.
 *
 * The vector paths keep a passage token in each lane and broadcast the query's values: all lanes
 * are in use however few tokens the query has. Passages follow one another without gaps, so a
 * block may hold the end of one and the begin of the next; its products are kept for both.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"
#include "products.h"
#include "residual.h"
#include "path.h"

/* Scores of `count` passages, whose tokens are begins[i] to before ends[i]; a passage without
 * tokens scores 0. The query has n tokens. With `bits`, the blocks are those of residual.h, and
 * `table` has the centroids' products; without, they are of 8-bit tokens. Returns 0, or 1 if
 * memory ran out. */
int optical_maxsim(int path, int bits, const uint8_t *blocks, const float *table,
                   const int64_t *begins, const int64_t *ends, int64_t count, int64_t width,
                   const int8_t *query, const float *query_scales, int64_t n, float *scores)
{
    const path_t way = path_of(path);
    const int64_t size = bits ? residual_bytes(width, bits) : TOKENS * (width + 4);
    int64_t room = (n + 15) / 16 * 16, held = -1;
    float *best = calloc(room * TOKENS, sizeof *best);
    float *values = calloc(room * TOKENS, sizeof *values);
    query_t q = {.table = table, .opened = bits ? calloc(TOKENS, width + 4) : NULL};
    int failed = new_query(&q, n, width, query) || !best || !values || (bits && !q.opened);
    if (!failed)
        fill_query(&q, bits);
    for (int64_t i = 0; !failed && i < count; i++) {
        scores[i] = 0;
        if (begins[i] == ends[i])
            continue;
        int64_t first = begins[i] / TOKENS, last = (ends[i] - 1) / TOKENS;
        int64_t skipped = i + 1 < count ? begins[i + 1] / TOKENS - last - 1 : 0; /* blocks */
        for (int64_t number = first; number <= last; number++) {
            int64_t from = begins[i] - number * TOKENS, to = ends[i] - number * TOKENS;
            int64_t next = number + AHEAD;
            if (next > last && skipped > 0)
                next += skipped;
            const uint8_t *block = blocks + number * size, *ahead = blocks + next * size;
            if (number != held && bits) {
                way.open(block, ahead, bits, &q);
                block = ahead = q.opened;
            }
            if (number != held)
                way.products(block, ahead, &q, values);
            held = number;
            from = from > 0 ? from : 0, to = to < TOKENS ? to : TOKENS;
            if (first == last)
                way.reduce(values, n, from, to, best);
            else
                way.raise(values, n, from, to, number == first, best);
        }
        if (first < last)
            way.reduce(best, n, 0, TOKENS, best);
        for (int64_t j = 0; j < n; j++)
            scores[i] += best[j] * query_scales[j];
    }
    free(best), free(values), free(q.opened);
    free_query(&q);
    return failed;
}

#include "nearest.h"
