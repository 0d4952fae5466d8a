/* Shared by the solvers in C: loops over vectors as wide as the processor's. A library is compiled
 * for each kind of processor (lanes.py). With vectors wider than the registers, a compiler would
 * keep every sum in memory. With LANES of 1, it vectorises plain floats as it can. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64
#define TINY 1e-30f

#define INLINE static inline __attribute__((always_inline))
#define EACH(k, count) for (int64_t k = 0; k < (count); k++)

#if LANES == 1
typedef float lanes;
#else
typedef float lanes __attribute__((vector_size(4 * LANES)));
#endif

/* Sums run in four chains: additions need not wait for one another, and their order is the same for
 * every width. `BLOCKS` vectors of sums fill half of the registers. */
#define CHAINS 4
#if LANES == 16 || defined(__aarch64__)
#define BLOCKS 4
#else
#define BLOCKS 2
#endif

/* Rows and columns are padded to a multiple of this. */
#define MULTIPLE (LANES > CHAINS ? LANES : CHAINS)

INLINE int64_t padded(int64_t count) { return (count + MULTIPLE - 1) / MULTIPLE * MULTIPLE; }

/* Take `items` of a size from the pool; its parts stay aligned. */
INLINE void *take(char **pool, int64_t items, size_t size)
{
    void *part = *pool;
    *pool += (items * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return part;
}

/* e^x for x up to 88, correct to the last digit but one; 0 below e^-87. It has no branch, because
 * the compiler would make several of one. */
INLINE float exponential(float x)
{
    const float shift = 12582912.f; /* 1.5 * 2^23: adding it rounds to an integer */
    union { float value; uint32_t bits; } k = {x * 1.44269504f + shift}, power, result;
    float whole = k.value - shift;
    float r = x - whole * 0.693359375f + whole * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.f;
    power.bits = (k.bits + 127) << 23;
    result.value = p * power.value;
    result.bits &= -(uint32_t)(x > -87.f);
    return result.value;
}

/* `blocks` vectors of sums over rows of x[row] * matrix[row]. */
INLINE void product_of(const float *matrix, int64_t stride, const float *x, int64_t rows,
                       float *sums, const int blocks)
{
    lanes sum[CHAINS][BLOCKS] = {0};
    for (int64_t row = 0; row < rows; row += CHAINS)
#pragma GCC unroll 4
        for (int c = 0; c < CHAINS; c++)
#pragma GCC unroll 4
            for (int block = 0; block < blocks; block++)
                sum[c][block] +=
                    x[row + c] * *(const lanes *)(matrix + (row + c) * stride + block * LANES);
#pragma GCC unroll 4
    for (int block = 0; block < blocks; block++)
        *(lanes *)(sums + block * LANES) =
            (sum[0][block] + sum[1][block]) + (sum[2][block] + sum[3][block]);
}

/* sums (stride) of x (rows) times matrix (rows, stride), both `padded`. */
INLINE void product(const float *matrix, int64_t stride, const float *x, int64_t rows, float *sums)
{
    for (int64_t at = 0; at < stride; at += BLOCKS * LANES) {
        int64_t blocks = (stride - at) / LANES;
        if (blocks >= BLOCKS)
            product_of(matrix + at, stride, x, rows, sums + at, BLOCKS);
        else if (blocks == 1)
            product_of(matrix + at, stride, x, rows, sums + at, 1);
#if BLOCKS > 2
        else if (blocks == 2)
            product_of(matrix + at, stride, x, rows, sums + at, 2);
        else
            product_of(matrix + at, stride, x, rows, sums + at, 3);
#endif
    }
}

/* Set the scalings with which the sums `reached` become the mass; 1 where there is no mass. When
 * relaxing, they go 1.5 times as far (Thibault, Chizat, Dossal and Papadakis 2021). */
INLINE void scale(float *restrict scaling, const float *restrict mass,
                  const float *restrict reached, int64_t count, int relaxing)
{
    if (relaxing)
        EACH(k, count) {
            float sent = scaling[k] * reached[k];
            float factor = mass[k] / (sent > TINY ? sent : TINY);
            float further = scaling[k] * factor * sqrtf(factor);
            scaling[k] = mass[k] > 0 ? further : 1.f;
        }
    else
        EACH(k, count) {
            float exact = mass[k] / (reached[k] > TINY ? reached[k] : TINY);
            scaling[k] = mass[k] > 0 ? exact : 1.f;
        }
}
