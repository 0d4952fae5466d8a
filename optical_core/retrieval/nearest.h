/* The nearest centroid of vectors, by the products of maxsim.c: for centroids.py.
 *
 * Centroids are 8-bit tokens in blocks, those of a group one after another. A vector is compared
 * with the means of all groups, and then with the centroids of the `probed` groups whose means are
 * nearest. Nearest is where the product less half the centroid's square is greatest; of equal ones,
 * the first.
 */

#define CHUNK 48 /* vectors that are compared together with a group's centroids */

typedef struct {
    const uint8_t *blocks;
    const float *halves; /* of the squares */
} points_t;

/* Fill q with the rows `which` of vectors [.][width], in 8 bits. */
static void take_rows(query_t *q, int8_t *tokens, const int8_t *vectors, const int32_t *which,
                      int64_t n)
{
    q->n = n;
    for (int64_t j = 0; j < n; j++)
        memcpy(tokens + j * q->width, vectors + which[j] * q->width, q->width);
    fill_query(q, 0);
}

/* nearness [n][(count + 15) / 16 * 16] of q's vectors to the points from `begin` to before `end`;
 * the first lane is that of the block of `begin`. Lanes of other points have -INFINITY. */
static void compare(products_t *products, const query_t *q, const float *scales,
                    const int32_t *which, points_t of, int64_t begin, int64_t end, float *values,
                    float *nearness)
{
    const int64_t size = TOKENS * (q->width + 4), first = begin / TOKENS;
    const int64_t count = (end - 1) / TOKENS + 1 - first;
    for (int64_t b = 0; b < count; b++) {
        const uint8_t *block = of.blocks + (first + b) * size;
        float half[TOKENS];
        for (int64_t t = 0, number = (first + b) * TOKENS; t < TOKENS; t++, number++)
            half[t] = begin <= number && number < end ? of.halves[number] : INFINITY;
        products(block, block + (b + 1 < count ? size : 0), q, values);
        for (int64_t j = 0; j < q->n; j++) {
            const float scale = scales[which[j]];
            float *out = nearness + (j * count + b) * TOKENS;
            for (int t = 0; t < TOKENS; t++)
                out[t] = values[j * TOKENS + t] * scale - half[t];
        }
    }
}

/* The `probed` nearest groups of each vector, [count][probed]. */
static void near_groups(products_t *products, query_t *q, int8_t *tokens, points_t means,
                        int64_t groups, const int8_t *vectors, const float *scales, int64_t count,
                        int64_t probed, float *values, float *nearness, int32_t *found)
{
    const int64_t lanes = (groups + TOKENS - 1) / TOKENS * TOKENS;
    int32_t which[CHUNK];
    for (int64_t begin = 0; begin < count; begin += CHUNK) {
        int64_t n = count - begin < CHUNK ? count - begin : CHUNK;
        for (int64_t j = 0; j < n; j++)
            which[j] = (int32_t)(begin + j);
        take_rows(q, tokens, vectors, which, n);
        compare(products, q, scales, which, means, 0, groups, values, nearness);
        for (int64_t j = 0; j < n; j++) {
            const float *row = nearness + j * lanes;
            int32_t *best = found + (begin + j) * probed;
            int64_t filled = 0;
            for (int32_t g = 0; g < groups; g++) {
                if (filled == probed && !(row[g] > row[best[probed - 1]]))
                    continue;
                int64_t at = filled < probed ? filled++ : probed - 1;
                for (; at > 0 && row[best[at - 1]] < row[g]; at--)
                    best[at] = best[at - 1];
                best[at] = g;
            }
        }
    }
}

/* Numbers [count] of the nearest centroids to vectors [count][width] of 8 bits, with their scales.
 * Group g's centroids are starts[g] to before starts[g + 1]; `most` is the size of the largest.
 * Returns 0, or 1 if memory ran out. */
int optical_nearest(int path, const uint8_t *blocks, const float *halves, const int64_t *starts,
                    const uint8_t *means, const float *mean_halves, int64_t groups, int64_t most,
                    int64_t width, const int8_t *vectors, const float *scales, int64_t count,
                    int64_t probed, int32_t *numbers)
{
    products_t *products = path_of(path).products;
    const int64_t lanes = (most > groups ? most : groups) + 2 * TOKENS;
    int8_t *tokens = calloc(CHUNK, width);
    float *values = malloc(CHUNK * TOKENS * sizeof *values);
    float *nearness = malloc(CHUNK * lanes * sizeof *nearness);
    float *best = malloc(count * sizeof *best);
    int32_t *found = malloc(count * probed * sizeof *found);
    int32_t *order = malloc(count * probed * sizeof *order);
    int64_t *ends = calloc(groups + 1, sizeof *ends);
    query_t q = {0};
    int failed = new_query(&q, CHUNK, width, tokens) || !tokens || !values || !nearness || !best ||
                 !found || !order || !ends;
    if (!failed) {
        near_groups(products, &q, tokens, (points_t){means, mean_halves}, groups, vectors, scales,
                    count, probed, values, nearness, found);
        for (int64_t i = 0; i < count * probed; i++)
            ends[found[i] + 1]++;
        for (int64_t g = 0; g < groups; g++)
            ends[g + 1] += ends[g];
        for (int64_t i = 0; i < count * probed; i++)
            order[ends[found[i]]++] = (int32_t)(i / probed);
        for (int64_t i = 0; i < count; i++)
            best[i] = -INFINITY, numbers[i] = 0;
    }
    for (int64_t g = 0, at = 0; !failed && g < groups; g++)
        for (int64_t n; at < ends[g]; at += n) {
            n = ends[g] - at < CHUNK ? ends[g] - at : CHUNK;
            const int32_t *which = order + at;
            take_rows(&q, tokens, vectors, which, n);
            compare(products, &q, scales, which, (points_t){blocks, halves}, starts[g],
                    starts[g + 1], values, nearness);
            const int64_t first = starts[g] / TOKENS * TOKENS;
            const int64_t row = ((starts[g + 1] - 1) / TOKENS + 1) * TOKENS - first;
            for (int64_t j = 0; j < n; j++) {
                const float *near = nearness + j * row;
                float top = best[which[j]];
                for (int64_t t = 0; t < row; t++)
                    if (near[t] > top)
                        top = near[t], numbers[which[j]] = (int32_t)(first + t);
                best[which[j]] = top;
            }
        }
    free(tokens), free(values), free(nearness), free(best), free(found), free(order), free(ends);
    free_query(&q);
    return failed;
}
