/* MaxSim over 8-bit token vectors.
 *
 * A passage token is a row of `width` bytes, a multiple of 4, each value plus 128 (VNNI multiplies
 * unsigned by signed bytes), and 4 more that hold its scale, a float; query tokens are signed
 * bytes. A product is an exact int32; it becomes a float, is multiplied by the passage token's
 * scale, and its best over the passage by the query token's, summed in the order of the query's
 * tokens. Every path rounds in the same places, so all give the same scores, as does torch
 * without a compiler: build with -ffp-contract=off.
 *
 * The vector paths keep a query token in each lane and broadcast the passage's values, so that no
 * sum across lanes is needed. A block that a passage does not fill repeats its last token, which
 * leaves the best as it is.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define X86 1
#define INLINE static inline __attribute__((always_inline))
#define AVX2 __attribute__((target("avx2")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum { PORTABLE, PATH_AVX2, PATH_VNNI };

/* The fastest path that this processor has. */
int optical_best_path(void)
{
#ifdef X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni"))
        return PATH_VNNI;
    if (__builtin_cpu_supports("avx2"))
        return PATH_AVX2;
#endif
    return PORTABLE;
}

static float scale_of(const uint8_t *row, int64_t width)
{
    float scale;
    memcpy(&scale, row + width, sizeof scale);
    return scale;
}

/* Best scaled product of each of n query tokens with a passage's tokens. */
static void passage_portable(const uint8_t *rows, int64_t tokens, int64_t width,
                             const int8_t *query, int64_t n, float *best)
{
    for (int64_t j = 0; j < n; j++)
        best[j] = -INFINITY;
    for (int64_t t = 0; t < tokens; t++) {
        const uint8_t *row = rows + t * (width + 4);
        for (int64_t j = 0; j < n; j++) {
            const int8_t *token = query + j * width;
            int32_t sum = 0;
            for (int64_t k = 0; k < width; k++)
                sum += (int16_t)(row[k] - 128) * (int16_t)token[k];
            float value = (float)sum * scale_of(row, width);
            best[j] = value > best[j] ? value : best[j];
        }
    }
}

#ifdef X86
/* Query tokens in lanes: [group of `lanes`][width / pack][lane][pack], tokens beyond n are 0. */
static int64_t packed_at(int64_t j, int64_t k, int64_t width, int64_t lanes, int64_t pack)
{
    return (j / lanes * width + k / pack * pack) * lanes + j % lanes * pack + k % pack;
}

#define AVX2_LANES 8
#define AVX2_PACK 2
#define AVX2_BLOCK 4

/* Products of 16-bit pairs: 8-bit ones (maddubs) would saturate. `wide` holds a block's rows. */
AVX2 INLINE void groups_avx2(const uint8_t *rows, int64_t tokens,
                             int64_t width, const int16_t *query, const int groups, int16_t *wide,
                             float *best)
{
    __m256 top[2];
    for (int g = 0; g < groups; g++)
        top[g] = _mm256_set1_ps(-INFINITY);
    for (int64_t t = 0; t < tokens; t += AVX2_BLOCK) {
        __m256i sum[AVX2_BLOCK][2];
        const uint8_t *row[AVX2_BLOCK];
        int64_t last = tokens - 1 - t;
        for (int b = 0; b < AVX2_BLOCK; b++) {
            row[b] = rows + (t + (b < last ? b : last)) * (width + 4);
            for (int64_t k = 0; k < width; k++)
                wide[b * width + k] = (int16_t)(row[b][k] - 128);
            for (int g = 0; g < groups; g++)
                sum[b][g] = _mm256_setzero_si256();
        }
        for (int64_t k = 0; k < width; k += AVX2_PACK) {
            __m256i token[2];
            for (int g = 0; g < groups; g++)
                token[g] = _mm256_loadu_si256(
                    (const __m256i *)(query + (g * width + k) * AVX2_LANES));
            UNROLL for (int b = 0; b < AVX2_BLOCK; b++) {
                int32_t pair;
                memcpy(&pair, wide + b * width + k, sizeof pair);
                __m256i both = _mm256_set1_epi32(pair);
                for (int g = 0; g < groups; g++)
                    sum[b][g] = _mm256_add_epi32(sum[b][g], _mm256_madd_epi16(both, token[g]));
            }
        }
        for (int b = 0; b < AVX2_BLOCK; b++)
            for (int g = 0; g < groups; g++)
                top[g] = _mm256_max_ps(top[g], _mm256_mul_ps(_mm256_cvtepi32_ps(sum[b][g]),
                                                       _mm256_set1_ps(scale_of(row[b], width))));
    }
    for (int g = 0; g < groups; g++)
        _mm256_storeu_ps(best + g * AVX2_LANES, top[g]);
}

AVX2 static void passage_avx2(const uint8_t *rows, int64_t tokens,
                              int64_t width, const int16_t *query, int64_t n, int16_t *wide,
                              float *best)
{
    for (int64_t j = 0; j < n; j += 2 * AVX2_LANES)
        if (n - j > AVX2_LANES)
            groups_avx2(rows, tokens, width, query + j * width, 2, wide, best + j);
        else
            groups_avx2(rows, tokens, width, query + j * width, 1, wide, best + j);
}

#define VNNI_LANES 16
#define VNNI_PACK 4
#define VNNI_BLOCK 8
#define VNNI_AHEAD 3 /* blocks */

/* `shift` takes back what the 128 on each value of the passage adds: it depends on the query. */
VNNI INLINE void groups_vnni(const uint8_t *rows, int64_t tokens,
                             int64_t width, const int8_t *query, const int32_t *shift,
                             const int groups, float *best)
{
    /* Memory is what there is to wait for; rows are too short for the processor to foresee. */
    const int64_t ahead = VNNI_AHEAD * VNNI_BLOCK * (width + 4);
    __m512 top[2];
    for (int g = 0; g < groups; g++)
        top[g] = _mm512_set1_ps(-INFINITY);
    for (int64_t t = 0; t < tokens; t += VNNI_BLOCK) {
        __m512i sum[VNNI_BLOCK][2];
        const uint8_t *row[VNNI_BLOCK];
        int64_t last = tokens - 1 - t;
        for (int b = 0; b < VNNI_BLOCK; b++) {
            row[b] = rows + (t + (b < last ? b : last)) * (width + 4);
            for (int g = 0; g < groups; g++)
                sum[b][g] = _mm512_loadu_si512(shift + g * VNNI_LANES);
        }
        for (int64_t k = 0; k < width; k += VNNI_PACK) {
            __m512i token[2];
            _mm_prefetch((const char *)(row[0] + ahead + k * VNNI_BLOCK), _MM_HINT_T0);
            for (int g = 0; g < groups; g++)
                token[g] = _mm512_loadu_si512(query + (g * width + k) * VNNI_LANES);
            UNROLL for (int b = 0; b < VNNI_BLOCK; b++) {
                int32_t four;
                memcpy(&four, row[b] + k, sizeof four);
                __m512i all = _mm512_set1_epi32(four);
                for (int g = 0; g < groups; g++)
                    sum[b][g] = _mm512_dpbusd_epi32(sum[b][g], all, token[g]);
            }
        }
        for (int b = 0; b < VNNI_BLOCK; b++)
            for (int g = 0; g < groups; g++)
                top[g] = _mm512_max_ps(top[g], _mm512_mul_ps(_mm512_cvtepi32_ps(sum[b][g]),
                                                       _mm512_set1_ps(scale_of(row[b], width))));
    }
    for (int g = 0; g < groups; g++)
        _mm512_storeu_ps(best + g * VNNI_LANES, top[g]);
}

VNNI static void passage_vnni(const uint8_t *rows, int64_t tokens,
                              int64_t width, const int8_t *query, const int32_t *shift, int64_t n,
                              float *best)
{
    for (int64_t j = 0; j < n; j += 2 * VNNI_LANES)
        if (n - j > VNNI_LANES)
            groups_vnni(rows, tokens, width, query + j * width, shift + j, 2, best + j);
        else
            groups_vnni(rows, tokens, width, query + j * width, shift + j, 1, best + j);
}
#endif

/* Scores of `count` passages, whose tokens are the rows begins[i] to ends[i]; a passage without
 * tokens scores 0. The query has n tokens. Returns 0, or 1 if memory ran out. */
int optical_maxsim(int path, const uint8_t *rows, const int64_t *begins, const int64_t *ends,
                   int64_t count, int64_t width, const int8_t *query, const float *query_scales,
                   int64_t n, float *scores)
{
    int64_t room = (n + 31) / 32 * 32; /* two groups of the widest path */
    float *best = calloc(room, sizeof *best);
    int32_t *shift = calloc(room, sizeof *shift);
    int16_t *packed = calloc(room * width, sizeof *packed);
    int16_t *wide = calloc(4 * width, sizeof *wide);
    int failed = !best || !shift || !packed || !wide;
#ifdef X86
    for (int64_t j = 0; !failed && j < n; j++)
        for (int64_t k = 0; k < width; k++) {
            int8_t value = query[j * width + k];
            shift[j] -= 128 * value;
            if (path == PATH_VNNI)
                ((int8_t *)packed)[packed_at(j, k, width, VNNI_LANES, VNNI_PACK)] = value;
            else
                packed[packed_at(j, k, width, AVX2_LANES, AVX2_PACK)] = value;
        }
#endif
    for (int64_t i = 0; !failed && i < count; i++) {
        int64_t tokens = ends[i] - begins[i];
        const uint8_t *first = rows + begins[i] * (width + 4);
        scores[i] = 0;
        if (!tokens)
            continue;
#ifdef X86
        if (path == PATH_VNNI)
            passage_vnni(first, tokens, width, (int8_t *)packed, shift, n, best);
        else if (path == PATH_AVX2)
            passage_avx2(first, tokens, width, packed, n, wide, best);
        else
#endif
            passage_portable(first, tokens, width, query, n, best);
        for (int64_t j = 0; j < n; j++)
            scores[i] += best[j] * query_scales[j];
    }
    free(best), free(shift), free(packed), free(wide);
    return failed;
}
