/* Add up what a query's tokens gain from the centroids that they probe.
 *
 * A centroid's postings are the passages that have a vector near it: passages[starts[c]] to before
 * passages[starts[c + 1]]. A token's probes come in falling order of their gains, so the first one
 * with a passage in its postings is the best for that passage; `seen` tells the token that met a
 * passage last.
 */
#include <stdint.h>

/* Returns the number of passages that were met: they are written to `met`. The scores and `seen`
 * are zeros before. */
int64_t optical_gather(const int64_t *starts, const int32_t *passages, const int64_t *probes,
                       const float *gains, int64_t n, int64_t each, float *scores, int32_t *seen,
                       int32_t *met)
{
    int64_t count = 0;
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = j * each; i < (j + 1) * each; i++)
            for (int64_t at = starts[probes[i]]; at < starts[probes[i] + 1]; at++) {
                int32_t passage = passages[at];
                if (seen[passage] == j + 1)
                    continue;
                if (!seen[passage])
                    met[count++] = passage;
                seen[passage] = (int32_t)(j + 1);
                scores[passage] += gains[i];
            }
    return count;
}
