/* Products of centroids with the tokens of a query, in fp32: for centroid_products.py.
 *
 * BLAS copies both matrices before it multiplies them. For the few tokens of a query, that takes
 * longer than the products. Here each centroid is read once, and the tokens stay in the cache.
 * Sums are in the order of the dimensions, whatever the width of the registers.
 */
#include <stdint.h>

/* Given: LANES, tokens in a group, as many as a register holds; ROWS, multiplied at once. */
#define LINE 16 /* floats of a cache line */

typedef float lanes_t __attribute__((vector_size(4 * LANES), aligned(4)));

/* Products [count][n] of `rows` rows [d] with groups [d][LANES] of tokens. */
static inline __attribute__((always_inline)) void multiply(const float *rows, int count,
                                                           int64_t d, const lanes_t *groups,
                                                           int64_t n, float *products)
{
    for (int64_t first = 0; first < n; first += LANES, groups += d) {
        lanes_t sums[ROWS] = {0};
        for (int64_t k = 0; k < d; k++) {
            if (k % LINE == 0)
                for (int i = 0; i < count; i++)
                    __builtin_prefetch(rows + (count + i) * d + k);
            for (int i = 0; i < count; i++)
                sums[i] += rows[i * d + k] * groups[k];
        }
        int64_t here = n - first < LANES ? n - first : LANES;
        for (int i = 0; i < count; i++)
            for (int64_t t = 0; t < here; t++)
                products[i * n + first + t] = sums[i][t];
    }
}

/* Products [count][n] of centroids [count][d] with n tokens, in groups of LANES, zeros behind. */
void optical_centroid_products(const float *centroids, int64_t count, int64_t d,
                               const float *groups, int64_t n, float *products)
{
    int64_t row = 0;
    for (; row + ROWS <= count; row += ROWS)
        multiply(centroids + row * d, ROWS, d, (const lanes_t *)groups, n, products + row * n);
    for (; row < count; row++)
        multiply(centroids + row * d, 1, d, (const lanes_t *)groups, n, products + row * n);
}
