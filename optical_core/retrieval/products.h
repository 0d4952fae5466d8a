/* Products of the query's tokens with a block of 16 passage tokens, and their maxima: one path
 * for any processor, one for AVX2, one for AVX-512 VNNI; products_neon.h has those of ARM64. See
 * maxsim.c. */
/* Scaled products [n][16] of the query's tokens with a block's; `ahead` is a block that will be
 * needed soon: memory is what there is to wait for. */
static void products_portable(const uint8_t *block, const uint8_t *ahead, const query_t *q,
                              float *values)
{
    const int64_t width = q->width;
    uint8_t *rows = (uint8_t *)q->room;
    float scales[TOKENS];
    (void)ahead;
    memcpy(scales, block + TOKENS * width, sizeof scales);
    for (int64_t k = 0; k < width; k += 4)
        for (int t = 0; t < TOKENS; t++)
            memcpy(rows + t * width + k, block + k * TOKENS + 4 * t, 4);
    for (int64_t j = 0; j < q->n; j++)
        for (int t = 0; t < TOKENS; t++) {
            const uint8_t *row = rows + t * width;
            const int8_t *token = q->tokens + j * width;
            int32_t sum = q->shift[j];
            for (int64_t k = 0; k < width; k++)
                sum += (int16_t)row[k] * (int16_t)token[k];
            values[j * TOKENS + t] = ((float)sum + q->starts[j * TOKENS + t]) * scales[t];
        }
}

/* Raise the best [n][16] by the products with the block's tokens from `from` to before `to`; in a
 * passage's first block they are the best, and lanes without a token of it fall to -INFINITY. */
static void raise_portable(const float *values, int64_t n, int from, int to, int first, float *best)
{
    for (int64_t j = 0; j < n; j++)
        for (int t = 0; t < TOKENS; t++) {
            float *top = best + j * TOKENS + t, value = values[j * TOKENS + t];
            if (first)
                *top = -INFINITY;
            if (from <= t && t < to && value > *top)
                *top = value;
        }
}

/* best[j]: the greatest of row j [16] in the lanes from `from` to before `to`. Rows may be the
 * best themselves. */
static void reduce_portable(const float *rows, int64_t n, int from, int to, float *best)
{
    for (int64_t j = 0; j < n; j++) {
        float top = -INFINITY;
        for (int t = from; t < to; t++)
            if (rows[j * TOKENS + t] > top)
                top = rows[j * TOKENS + t];
        best[j] = top;
    }
}

#ifdef X86
#define AVX2_TOGETHER 4 /* query tokens: their sums stay in registers */

/* `wide` holds the block's values in 16 bits, [width / 2][16 tokens][2]. */
AVX2 INLINE void some_avx2(const uint8_t *block, const query_t *q, int64_t j, const int together,
                           float *values)
{
    const int64_t width = q->width;
    const float *scales = (const float *)(block + TOKENS * width);
    const __m256i *wide = (const __m256i *)q->room;
    const int16_t *token = q->wide + j * width;
    __m256i sum[AVX2_TOGETHER][2];
    UNROLL for (int g = 0; g < together; g++)
        sum[g][0] = sum[g][1] = _mm256_set1_epi32(q->shift[j + g]);
    for (int64_t k = 0; k < width; k += 2, wide += 2, token += 2) {
        __m256i low = _mm256_loadu_si256(wide), high = _mm256_loadu_si256(wide + 1);
        UNROLL for (int g = 0; g < together; g++) {
            int32_t pair;
            memcpy(&pair, token + g * width, sizeof pair);
            __m256i both = _mm256_set1_epi32(pair);
            sum[g][0] = _mm256_add_epi32(sum[g][0], _mm256_madd_epi16(low, both));
            sum[g][1] = _mm256_add_epi32(sum[g][1], _mm256_madd_epi16(high, both));
        }
    }
    UNROLL for (int g = 0; g < together; g++)
        UNROLL for (int half = 0; half < 2; half++) {
            int64_t at = (j + g) * TOKENS + 8 * half;
            __m256 whole = _mm256_add_ps(_mm256_cvtepi32_ps(sum[g][half]),
                                         _mm256_loadu_ps(q->starts + at));
            _mm256_storeu_ps(values + at,
                             _mm256_mul_ps(whole, _mm256_loadu_ps(scales + 8 * half)));
        }
}

/* Products of 16-bit pairs: 8-bit ones (maddubs) would saturate. */
AVX2 static void products_avx2(const uint8_t *block, const uint8_t *ahead, const query_t *q,
                               float *values)
{
    int64_t j = 0;
    for (int64_t k = 0; k < q->width; k += 4) {
        _mm_prefetch((const char *)(ahead + k * TOKENS), _MM_HINT_T0);
        for (int half = 0; half < 2; half++) {
            /* Eight tokens' four values: the first two to one place, the others to the next. */
            __m256i fours =
                _mm256_loadu_si256((const __m256i *)(block + k * TOKENS + 32 * half));
            __m256i zero = _mm256_setzero_si256();
            __m256i low = _mm256_unpacklo_epi8(fours, zero);  /* tokens 0 1 4 5, four values */
            __m256i high = _mm256_unpackhi_epi8(fours, zero); /* 2 3 6 7 */
            __m256i first = _mm256_castps_si256(_mm256_shuffle_ps(
                _mm256_castsi256_ps(low), _mm256_castsi256_ps(high), 0x88));
            __m256i second = _mm256_castps_si256(_mm256_shuffle_ps(
                _mm256_castsi256_ps(low), _mm256_castsi256_ps(high), 0xDD));
            __m256i *wide = (__m256i *)q->room + k + half;
            _mm256_storeu_si256(wide, first);
            _mm256_storeu_si256(wide + 2, second);
        }
    }
    for (; j + AVX2_TOGETHER <= q->n; j += AVX2_TOGETHER)
        some_avx2(block, q, j, AVX2_TOGETHER, values);
    switch (q->n - j) {
#define REST(left) case left: some_avx2(block, q, j, left, values); break;
        REST(1) REST(2) REST(3)
#undef REST
    }
}

/* All ones in those of eight lanes, of which the first is `half`, that are outside. */
AVX2 INLINE __m256 outside_avx2(int half, int from, int to)
{
    __m256i lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
                                    _mm256_set1_epi32(half));
    return _mm256_castsi256_ps(
        _mm256_or_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(from), lane),
                        _mm256_cmpgt_epi32(lane, _mm256_set1_epi32(to - 1))));
}

AVX2 static void raise_avx2(const float *values, int64_t n, int from, int to, int first,
                            float *best)
{
    const __m256 lowest = _mm256_set1_ps(-INFINITY);
    for (int half = 0; half < TOKENS; half += 8) {
        __m256 outside = outside_avx2(half, from, to);
        for (int64_t j = half; j < n * TOKENS; j += TOKENS) {
            __m256 found = _mm256_blendv_ps(_mm256_loadu_ps(values + j), lowest, outside);
            __m256 top = first ? lowest : _mm256_loadu_ps(best + j);
            _mm256_storeu_ps(best + j, _mm256_max_ps(top, found));
        }
    }
}

AVX2 static void reduce_avx2(const float *rows, int64_t n, int from, int to, float *best)
{
    const __m256 lowest = _mm256_set1_ps(-INFINITY);
    __m256 low = outside_avx2(0, from, to), high = outside_avx2(8, from, to);
    for (int64_t j = 0; j < n; j++) {
        const float *row = rows + j * TOKENS;
        __m256 eight = _mm256_max_ps(_mm256_blendv_ps(_mm256_loadu_ps(row), lowest, low),
                                     _mm256_blendv_ps(_mm256_loadu_ps(row + 8), lowest, high));
        __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
        four = _mm_max_ps(four, _mm_movehl_ps(four, four));
        best[j] = _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
    }
}

/* sum = _mm512_dpbusd_epi32(sum, passage, _mm512_set1_epi32(four)), of which GCC 12 makes a
 * broadcast and copies of all sums. */
#define ADD_PRODUCTS(sum, passage, four) \
    __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(passage), "m"(four))

VNNI INLINE void some_vnni(const uint8_t *block, const uint8_t *ahead, const query_t *q,
                           int64_t j, const int together, float *values)
{
    const int64_t width = q->width;
    const int32_t *four = q->fours + j * (width / 4);
    __m512i sum[VNNI_TOGETHER];
    UNROLL for (int g = 0; g < together; g++)
        sum[g] = _mm512_set1_epi32(q->shift[j + g]);
    for (int64_t k = 0; k < width; k += 4, four += together) {
        __m512i passage = _mm512_loadu_si512(block + k * TOKENS);
        _mm_prefetch((const char *)(ahead + k * TOKENS), _MM_HINT_T0);
        UNROLL for (int g = 0; g < together; g++)
            ADD_PRODUCTS(sum[g], passage, four[g]);
    }
    __m512 scales = _mm512_loadu_ps(block + TOKENS * width);
    UNROLL for (int g = 0; g < together; g++) {
        __m512 whole = _mm512_add_ps(_mm512_cvtepi32_ps(sum[g]),
                                     _mm512_loadu_ps(q->starts + (j + g) * TOKENS));
        _mm512_storeu_ps(values + (j + g) * TOKENS, _mm512_mul_ps(whole, scales));
    }
}

VNNI static void products_vnni(const uint8_t *block, const uint8_t *ahead, const query_t *q,
                               float *values)
{
    int64_t j = 0;
    for (; j + VNNI_TOGETHER <= q->n; j += VNNI_TOGETHER)
        some_vnni(block, ahead, q, j, VNNI_TOGETHER, values);
    switch (q->n - j) {
#define REST(left) case left: some_vnni(block, ahead, q, j, left, values); break;
        REST(1) REST(2) REST(3) REST(4) REST(5) REST(6) REST(7) REST(8) REST(9) REST(10) REST(11)
#undef REST
    }
}

VNNI INLINE __mmask16 inside_vnni(int from, int to)
{
    return (__mmask16)((0xFFFFu >> (TOKENS - (to - from))) << from);
}

VNNI static void raise_vnni(const float *values, int64_t n, int from, int to, int first,
                            float *best)
{
    const __m512 lowest = _mm512_set1_ps(-INFINITY);
    __mmask16 inside = inside_vnni(from, to);
    for (int64_t j = 0; j < n * TOKENS; j += TOKENS) {
        __m512 found = _mm512_mask_loadu_ps(lowest, inside, values + j);
        __m512 top = first ? lowest : _mm512_loadu_ps(best + j);
        _mm512_storeu_ps(best + j, _mm512_max_ps(top, found));
    }
}

/* Sixteen query tokens at a time: halves are laid against halves until a lane is left for each. */
VNNI static void reduce_vnni(const float *rows, int64_t n, int from, int to, float *best)
{
    const __m512 lowest = _mm512_set1_ps(-INFINITY);
    __mmask16 inside = inside_vnni(from, to);
    const __m512i order =
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    for (int64_t j = 0; j < n; j += 16) {
        __m512 row[16];
        UNROLL for (int i = 0; i < 16; i++)
            row[i] = _mm512_mask_loadu_ps(lowest, inside, rows + (j + i) * TOKENS);
        UNROLL for (int i = 0; i < 8; i++)
            row[i] = _mm512_max_ps(_mm512_shuffle_f32x4(row[2 * i], row[2 * i + 1], 0x44),
                                   _mm512_shuffle_f32x4(row[2 * i], row[2 * i + 1], 0xEE));
        UNROLL for (int i = 0; i < 4; i++)
            row[i] = _mm512_max_ps(_mm512_shuffle_f32x4(row[2 * i], row[2 * i + 1], 0x88),
                                   _mm512_shuffle_f32x4(row[2 * i], row[2 * i + 1], 0xDD));
        UNROLL for (int i = 0; i < 2; i++)
            row[i] = _mm512_max_ps(_mm512_unpacklo_ps(row[2 * i], row[2 * i + 1]),
                                   _mm512_unpackhi_ps(row[2 * i], row[2 * i + 1]));
        __m512d low = _mm512_castps_pd(row[0]), high = _mm512_castps_pd(row[1]);
        row[0] = _mm512_max_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(low, high)),
                               _mm512_castpd_ps(_mm512_unpackhi_pd(low, high)));
        _mm512_storeu_ps(best + j, _mm512_permutexvar_ps(order, row[0]));
    }
}
#endif
