/* What the solvers in C share: loops over whole vectors, and a path for each kind of processor. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LANES 16 /* Rows are padded to a multiple. */
#define ALIGNMENT 64
#define TINY 1e-30f

#define INLINE static inline __attribute__((always_inline))
#define EACH(k, count) for (int64_t k = 0; k < (count); k++)

typedef float lanes __attribute__((vector_size(4 * LANES)));

INLINE int64_t padded(int64_t count) { return (count + LANES - 1) / LANES * LANES; }

/* Takes `items` of a size from the pool, whose parts stay aligned. */
INLINE void *take(char **pool, int64_t items, size_t size)
{
    void *part = *pool;
    *pool += (items * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return part;
}

/* e^x for x up to 88, to the last but one digit; 0 below e^-87. */
INLINE float exponential(float x)
{
    const float shift = 12582912.f; /* 1.5 * 2^23: adding it rounds to an integer */
    float kept = x < -87.f ? -87.f : x;
    float k = kept * 1.44269504f + shift - shift;
    float r = kept - k * 0.693359375f + k * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.f;
    union { int32_t bits; float value; } power = {.bits = ((int32_t)k + 127) << 23};
    return x < -87.f ? 0.f : p * power.value;
}

/* `blocks` vectors of sums over rows of x[row] * matrix[row], in `chains` independent sums. */
INLINE void product_of(const float *matrix, int64_t stride, const float *x, int64_t rows,
                       float *sums, const int blocks, const int chains)
{
    lanes sum[4][4] = {0};
    for (int64_t row = 0; row < rows; row += chains)
#pragma GCC unroll 4
        for (int c = 0; c < chains; c++)
#pragma GCC unroll 4
            for (int block = 0; block < blocks; block++)
                sum[c][block] +=
                    x[row + c] * *(const lanes *)(matrix + (row + c) * stride + block * LANES);
#pragma GCC unroll 4
    for (int block = 0; block < blocks; block++) {
        lanes total = sum[0][block];
#pragma GCC unroll 4
        for (int c = 1; c < chains; c++)
            total += sum[c][block];
        *(lanes *)(sums + block * LANES) = total;
    }
}

/* sums (stride) of x (rows) times matrix (rows, stride); both a multiple of LANES. */
INLINE void product(const float *matrix, int64_t stride, const float *x, int64_t rows, float *sums)
{
    for (int64_t at = 0; at < stride; at += 4 * LANES) {
        const float *part = matrix + at;
        switch ((stride - at) / LANES) {
        case 1: product_of(part, stride, x, rows, sums + at, 1, 4); break;
        case 2: product_of(part, stride, x, rows, sums + at, 2, 4); break;
        case 3: product_of(part, stride, x, rows, sums + at, 3, 2); break;
        default: product_of(part, stride, x, rows, sums + at, 4, 2);
        }
    }
}

/* The scalings that give what is reached the mass, 1 where there is none. Relaxing, they go 1.5
 * times as far (Thibault, Chizat, Dossal and Papadakis 2021). */
INLINE void scale(float *restrict scaling, const float *restrict mass,
                  const float *restrict reached, int64_t count, int relaxing)
{
    if (relaxing)
        EACH(k, count) {
            float exact = mass[k] / (reached[k] > TINY ? reached[k] : TINY);
            float further = exact * sqrtf(exact / scaling[k]);
            scaling[k] = mass[k] > 0 ? further : 1.f;
        }
    else
        EACH(k, count) {
            float exact = mass[k] / (reached[k] > TINY ? reached[k] : TINY);
            scaling[k] = mass[k] > 0 ? exact : 1.f;
        }
}

/* The same code three times, for the compiler to make the most of each kind of processor;
 * `optical_<name>_best_path` is the fastest that this one has. */
#if defined(__x86_64__) && defined(__GNUC__)
#define PATHS(name, solve)                                                                       \
    static int portable(const task *t) { return solve(t); }                                      \
    __attribute__((target("avx2,fma"))) static int avx2(const task *t) { return solve(t); }      \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,prefer-vector-width=512")))        \
    static int avx512(const task *t) { return solve(t); }                                        \
    static int (*const paths[])(const task *) = {portable, avx2, avx512};                        \
    int optical_##name##_best_path(void)                                                         \
    {                                                                                            \
        __builtin_cpu_init();                                                                    \
        if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&          \
            __builtin_cpu_supports("avx512bw"))                                                  \
            return 2;                                                                            \
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");                  \
    }
#else
#define PATHS(name, solve)                                                                       \
    static int portable(const task *t) { return solve(t); }                                      \
    static int (*const paths[])(const task *) = {portable};                                      \
    int optical_##name##_best_path(void) { return 0; }
#endif
