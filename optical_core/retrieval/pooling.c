/* Ward's clusters of a passage's tokens by cosine distance, for pooling.py.
 *
 * Clusters are merged by chains of nearest neighbours (Muellner 2011), the merges sorted, and all
 * but the last k - 1 of them done: the clusters are those of SciPy's ward linkage and fcluster.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct {
    double height;
    int32_t one, other, order;
} merge_t;

static int by_height(const void *a, const void *b)
{
    const merge_t *x = a, *y = b;
    if (x->height != y->height)
        return x->height < y->height ? -1 : 1;
    return x->order - y->order;
}

static int32_t root(int32_t *parent, int32_t i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

/* The n - 1 merges of n tokens, in the order in which they are found; squares [n][n] of the
 * distances are overwritten. */
static void merges_of(double *squares, int32_t n, int32_t *size, int32_t *chain, merge_t *merges)
{
    int32_t length = 0;
    for (int32_t i = 0; i < n; i++)
        size[i] = 1;
    for (int32_t done = 0; done < n - 1; done++) {
        int32_t x, y = 0;
        double least;
        if (!length)
            for (int32_t i = 0; !length; i++)
                if (size[i])
                    chain[length++] = i;
        for (;;) {
            x = chain[length - 1], least = INFINITY;
            if (length > 1)
                y = chain[length - 2], least = squares[x * n + y];
            for (int32_t i = 0; i < n; i++)
                if (size[i] && i != x && squares[x * n + i] < least)
                    least = squares[x * n + i], y = i;
            if (length > 1 && y == chain[length - 2])
                break;
            chain[length++] = y;
        }
        length -= 2;
        merges[done] = (merge_t){least, x, y, done};
        double nx = size[x], ny = size[y];
        size[x] = 0, size[y] += (int32_t)nx;
        for (int32_t i = 0; i < n; i++)
            if (size[i] && i != y) {
                double ni = size[i], of_x = squares[i * n + x], of_y = squares[i * n + y];
                squares[i * n + y] = squares[y * n + i] =
                    ((ni + nx) * of_x + (ni + ny) * of_y - ni * least) / (nx + ny + ni);
            }
    }
}

/* The unit means [k][d] of the clusters of vectors [n][d], in the order of their first tokens; zeros
 * where vectors cancel out. `products` [n][n] are the vectors' with one another. Returns 0, or 1 if
 * memory ran out. */
int optical_pool(const float *vectors, const float *products, int32_t n, int32_t d, int32_t k,
                 float *means)
{
    double *squares = malloc((int64_t)n * n * sizeof *squares);
    int32_t *size = malloc(n * sizeof *size), *chain = malloc((n + 1) * sizeof *chain);
    int32_t *parent = malloc(n * sizeof *parent);
    merge_t *merges = malloc(n * sizeof *merges);
    int failed = !squares || !size || !chain || !parent || !merges;
    if (!failed) {
        for (int64_t i = 0; i < (int64_t)n * n; i++) {
            float distance = 1 - products[i];
            distance = distance < 0 ? 0 : distance > 2 ? 2 : distance;
            squares[i] = (double)distance * distance;
        }
        merges_of(squares, n, size, chain, merges);
        qsort(merges, n - 1, sizeof *merges, by_height);
        for (int32_t i = 0; i < n; i++)
            parent[i] = i, chain[i] = -1;
        for (int32_t i = 0; i < n - k; i++)
            parent[root(parent, merges[i].one)] = root(parent, merges[i].other);
        int32_t count = 0;
        for (int32_t i = 0; i < n; i++) {
            int32_t of = root(parent, i);
            if (chain[of] < 0)
                chain[of] = count++;
            float *restrict mean = means + (int64_t)chain[of] * d;
            const float *restrict vector = vectors + (int64_t)i * d;
            for (int32_t j = 0; j < d; j++)
                mean[j] += vector[j];
        }
        for (float *mean = means; mean < means + (int64_t)k * d; mean += d) {
            double square = 0;
            for (int32_t j = 0; j < d; j++)
                square += (double)mean[j] * mean[j];
            float length = (float)sqrt(square);
            for (int32_t j = 0; j < d; j++)
                mean[j] /= length > 1e-12f ? length : 1;
        }
    }
    free(squares), free(size), free(chain), free(parent), free(merges);
    return failed;
}
