/* The products and maxima of products.h for ARM64: NEON alone, and with its products of bytes. Both
 * read the passage's values as signed bytes, less their 128. */

/* Sixteen bytes: the four values of each of four passage tokens, at the k-th of their values. */
INLINE int8x16_t four_tokens(const uint8_t *block, int64_t k, int i)
{
    return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(block + k * TOKENS + 16 * i), vdupq_n_u8(128)));
}

/* Four values of a query token, for each of four passage tokens. */
INLINE int8x16_t four_times(const query_t *q, int64_t j, int64_t k)
{
    int32_t four;
    memcpy(&four, q->tokens + j * q->width + k, sizeof four);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

/* The scaled products of query token j with four passage tokens, of which the first is 4 i. */
INLINE void finish_neon(const uint8_t *block, const query_t *q, int64_t j, int i, int32x4_t sum,
                        float *values)
{
    const float *scales = (const float *)(block + TOKENS * q->width) + 4 * i;
    const int64_t at = j * TOKENS + 4 * i;
    float32x4_t whole = vaddq_f32(vcvtq_f32_s32(sum), vld1q_f32(q->starts + at));
    vst1q_f32(values + at, vmulq_f32(whole, vld1q_f32(scales)));
}

#define NEON_TOGETHER 2 /* query tokens: their sums stay in registers */

/* Sums of a token's first two values and of its last two are kept apart until the end. */
INLINE void some_neon(const uint8_t *block, const query_t *q, int64_t j, const int together,
                      float *values)
{
    int32x4_t sum[NEON_TOGETHER][4][2];
    UNROLL for (int g = 0; g < together; g++)
        UNROLL for (int i = 0; i < 4; i++)
            sum[g][i][0] = sum[g][i][1] = vdupq_n_s32(0);
    for (int64_t k = 0; k < q->width; k += 4)
        UNROLL for (int i = 0; i < 4; i++) {
            int8x16_t passage = four_tokens(block, k, i);
            UNROLL for (int g = 0; g < together; g++) {
                int8x16_t four = four_times(q, j + g, k);
                int16x8_t low = vmull_s8(vget_low_s8(passage), vget_low_s8(four));
                sum[g][i][0] = vpadalq_s16(sum[g][i][0], low);
                sum[g][i][1] = vpadalq_s16(sum[g][i][1], vmull_high_s8(passage, four));
            }
        }
    UNROLL for (int g = 0; g < together; g++)
        UNROLL for (int i = 0; i < 4; i++) {
            int32x4_t whole = vpaddq_s32(sum[g][i][0], sum[g][i][1]);
            whole = vaddq_s32(whole, vdupq_n_s32(q->shift_signed[j + g]));
            finish_neon(block, q, j + g, i, whole, values);
        }
}

static void products_neon(const uint8_t *block, const uint8_t *ahead, const query_t *q,
                          float *values)
{
    int64_t j = 0;
    for (int64_t k = 0; k < q->width; k += 4)
        __builtin_prefetch(ahead + k * TOKENS);
    for (; j + NEON_TOGETHER <= q->n; j += NEON_TOGETHER)
        some_neon(block, q, j, NEON_TOGETHER, values);
    if (j < q->n)
        some_neon(block, q, j, 1, values);
}

#define DOTPROD_TOGETHER 4

DOTPROD INLINE void some_dotprod(const uint8_t *block, const query_t *q, int64_t j,
                                 const int together, float *values)
{
    int32x4_t sum[DOTPROD_TOGETHER][4];
    UNROLL for (int g = 0; g < together; g++)
        UNROLL for (int i = 0; i < 4; i++)
            sum[g][i] = vdupq_n_s32(q->shift_signed[j + g]);
    for (int64_t k = 0; k < q->width; k += 4)
        UNROLL for (int i = 0; i < 4; i++) {
            int8x16_t passage = four_tokens(block, k, i);
            UNROLL for (int g = 0; g < together; g++)
                sum[g][i] = vdotq_s32(sum[g][i], passage, four_times(q, j + g, k));
        }
    UNROLL for (int g = 0; g < together; g++)
        UNROLL for (int i = 0; i < 4; i++)
            finish_neon(block, q, j + g, i, sum[g][i], values);
}

DOTPROD static void products_dotprod(const uint8_t *block, const uint8_t *ahead, const query_t *q,
                                     float *values)
{
    int64_t j = 0;
    for (int64_t k = 0; k < q->width; k += 4)
        __builtin_prefetch(ahead + k * TOKENS);
    for (; j + DOTPROD_TOGETHER <= q->n; j += DOTPROD_TOGETHER)
        some_dotprod(block, q, j, DOTPROD_TOGETHER, values);
    switch (q->n - j) {
#define REST(left) case left: some_dotprod(block, q, j, left, values); break;
        REST(1) REST(2) REST(3)
#undef REST
    }
}

/* `values` in those of four lanes, of which the first is `lane`, that are inside. */
INLINE float32x4_t inside_neon(const float *values, int lane, int from, int to)
{
    const int32_t steps[4] = {0, 1, 2, 3};
    int32x4_t at = vaddq_s32(vld1q_s32(steps), vdupq_n_s32(lane));
    uint32x4_t inside = vandq_u32(vcgeq_s32(at, vdupq_n_s32(from)), vcltq_s32(at, vdupq_n_s32(to)));
    return vbslq_f32(inside, vld1q_f32(values), vdupq_n_f32(-INFINITY));
}

static void raise_neon(const float *values, int64_t n, int from, int to, int first, float *best)
{
    for (int64_t j = 0; j < n * TOKENS; j += TOKENS)
        UNROLL for (int lane = 0; lane < TOKENS; lane += 4) {
            float32x4_t value = inside_neon(values + j + lane, lane, from, to);
            float32x4_t top = first ? value : vmaxq_f32(vld1q_f32(best + j + lane), value);
            vst1q_f32(best + j + lane, top);
        }
}

static void reduce_neon(const float *rows, int64_t n, int from, int to, float *best)
{
    for (int64_t j = 0; j < n; j++) {
        float32x4_t top = vdupq_n_f32(-INFINITY);
        UNROLL for (int lane = 0; lane < TOKENS; lane += 4)
            top = vmaxq_f32(top, inside_neon(rows + j * TOKENS + lane, lane, from, to));
        best[j] = vmaxvq_f32(top);
    }
}
