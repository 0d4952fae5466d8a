/* Candidates from the postings of centroids, for centroid_lists.py.
 *
 * Centroid c's postings are passages[starts[c]] to before passages[starts[c + 1]], ascending. Each
 * of a query's n tokens probes `each` centroids, the nearest first; a passage gains the gain of the
 * first of them that it is near to, and gains of tokens add up in their order.
 *
 * Passages are taken window by window: the sums of a window stay in the cache, and each list is
 * read once, in its order. The sums seen so far are counted in bins. So a passage is only noted if
 * its sum is in the bin of the `wanted`-th largest one or above.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The `each` largest of products [count][n] with each of n tokens, the largest first: their numbers
 * and values, [n][each]. The first of equal ones comes first. */
void optical_probe(const float *products, int64_t count, int64_t n, int64_t each, int64_t *numbers,
                   float *values)
{
    for (int64_t c = 0; c < count; c++)
        for (int64_t j = 0; j < n; j++) {
            const float value = products[c * n + j];
            float *best = values + j * each;
            int64_t *named = numbers + j * each, filled = c < each ? c : each, at = filled;
            if (filled == each && !(value > best[each - 1]))
                continue;
            for (at -= filled == each; at > 0 && best[at - 1] < value; at--)
                best[at] = best[at - 1], named[at] = named[at - 1];
            best[at] = value, named[at] = c;
        }
}

#define WINDOW 32768 /* passages: their sums are a quarter of a megabyte */
#define BINS 4096

typedef struct {
    float sum;
    int32_t seen; /* 1 + the last token that it has a gain of */
} gain_t;

typedef struct {
    int64_t at, end;
    float gain;
    int32_t token;
} list_t;

/* The first of ascending postings, from `begin` to before `end`, that is not below a passage. */
static int64_t first_from(const int32_t *passages, int64_t begin, int64_t end, int64_t passage)
{
    while (begin < end) {
        int64_t middle = begin + (end - begin) / 2;
        if (passages[middle] < passage)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

static int64_t bin_of(float share)
{
    return share < BINS - 1 ? (int64_t)share : BINS - 1;
}

/* Note passages, from `from` to before `to`, and their sums: the `wanted` largest, all that equal
 * the last of them, and some others; only those that are `allowed`, if it isn't NULL. `most` is
 * the largest sum there can be. There is room for to - from. Returns their number, or -1 if memory
 * ran out. */
int64_t optical_choose(const int64_t *starts, const int32_t *passages, const int64_t *probes,
                       const float *gains, int64_t n, int64_t each, float most, int64_t from,
                       int64_t to, const uint8_t *allowed, int64_t wanted, int32_t *chosen,
                       float *sums)
{
    gain_t *window = malloc(WINDOW * sizeof *window);
    int32_t *met = malloc(WINDOW * sizeof *met);
    int64_t *bins = calloc(BINS, sizeof *bins);
    list_t *lists = malloc((n * each + 1) * sizeof *lists);
    int64_t count = 0, above = 0, least = 0; /* above: how many sums are in the bin `least` or on */
    const float scale = most > 0 ? (BINS - 1) / most : 0;
    int failed = !window || !met || !bins || !lists;
    for (int64_t i = 0; !failed && i < n * each; i++) {
        int64_t begin = starts[probes[i]], end = starts[probes[i] + 1];
        lists[i].at = first_from(passages, begin, end, from);
        lists[i].end = first_from(passages, begin, end, to);
        lists[i].gain = gains[i], lists[i].token = (int32_t)(1 + i / each);
    }
    for (int64_t low = from; !failed && low < to; low += WINDOW) {
        const int64_t high = low + WINDOW < to ? low + WINDOW : to;
        int64_t here = 0;
        memset(window, 0, (high - low) * sizeof *window);
        for (int64_t i = 0; i < n * each; i++) {
            const int32_t token = lists[i].token;
            const float gain = lists[i].gain;
            const int64_t end = lists[i].end;
            int64_t at = lists[i].at;
            for (; at < end && passages[at] < high; at++) {
                gain_t *of = window + (passages[at] - low);
                if (of->seen == token)
                    continue;
                if (!of->seen)
                    met[here++] = passages[at];
                of->seen = token;
                of->sum += gain;
            }
            lists[i].at = at;
            __builtin_prefetch(passages + at + 16); /* of the next window */
        }
        for (int64_t i = 0; i < here; i++) {
            int64_t bin = bin_of(window[met[i] - low].sum * scale);
            if (bin >= least && (!allowed || allowed[met[i]]))
                bins[bin]++, above++;
        }
        while (above - bins[least] >= wanted)
            above -= bins[least++];
        for (int64_t i = 0; i < here; i++) {
            float sum = window[met[i] - low].sum;
            if (bin_of(sum * scale) >= least && (!allowed || allowed[met[i]]))
                chosen[count] = met[i], sums[count++] = sum;
        }
    }
    free(window), free(met), free(bins), free(lists);
    return failed ? -1 : count;
}
