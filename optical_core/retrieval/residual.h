/* Blocks of residual-compressed tokens (codec.py), opened for the products of maxsim.c.
 *
 * A block of 16 tokens: the numbers of their centroids, uint16; their scales, fp16; then
 * [width / 4][16 tokens] of four steps each, `bits` bits a step, the first in the lowest bits.
 * A product with a token is (its centroid's product + the sum of the query's values times its
 * steps), times its scale. The centroids' products are in a table, [centroids][n].
 */

static int64_t residual_bytes(int64_t width, int bits) { return TOKENS * 4 + 2 * width * bits; }

/* fp16 to fp32; the scales are neither negative nor subnormal. */
INLINE float half(uint16_t bits)
{
    uint32_t wide = bits ? ((uint32_t)bits << 13) + (112u << 23) : 0;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

typedef uint16_t __attribute__((aligned(1), may_alias)) pair_t;
typedef uint32_t __attribute__((may_alias)) word_t;

/* The four steps of `bits` bits in the lowest bits of a word, as bytes. */
INLINE uint32_t spread(uint32_t four, const int bits)
{
    if (bits == 2) {
        four = (four | four << 12) & 0x000F000F;
        return (four | four << 6) & 0x03030303;
    }
    if (bits == 4) {
        four = (four | four << 8) & 0x00FF00FF;
        return (four | four << 4) & 0x0F0F0F0F;
    }
    return four;
}

/* Write the block's steps as bytes and its scales as floats, in the form of an 8-bit block, to
 * q->opened; and the products of the tokens' centroids to q->starts, [n][16]. */
INLINE void open_block(const uint8_t *block, const uint8_t *ahead, const int bits,
                       const query_t *q)
{
    const int64_t width = q->width;
    const uint8_t *packed = block + TOKENS * 4;
    uint16_t heads[2 * TOKENS];
    memcpy(heads, block, sizeof heads);
    for (int64_t at = 0; at < residual_bytes(width, bits); at += 64)
        __builtin_prefetch(ahead + at);
    for (int t = 0; t < TOKENS; t++) {
        const float *row = q->table + heads[t] * q->n;
        float scale = half(heads[TOKENS + t]);
        memcpy(q->opened + TOKENS * width + 4 * t, &scale, sizeof scale);
        for (int64_t j = 0; j < q->n; j++)
            q->starts[j * TOKENS + t] = row[j];
    }
    word_t *restrict steps = (word_t *)q->opened;
    const int64_t fours = TOKENS * width / 4;
    if (bits == 8)
        memcpy(steps, packed, 4 * fours);
    for (int64_t k = 0; bits == 4 && k < fours; k++)
        steps[k] = spread(((const pair_t *)packed)[k], 4);
    for (int64_t k = 0; bits == 2 && k < fours; k++)
        steps[k] = spread(packed[k], 2);
}

#define OPENED(name, target)                                                                       \
    target static void name(const uint8_t *block, const uint8_t *ahead, int bits,                  \
                            const query_t *q)                                                      \
    {                                                                                              \
        if (bits == 2)                                                                             \
            open_block(block, ahead, 2, q);                                                        \
        else if (bits == 4)                                                                        \
            open_block(block, ahead, 4, q);                                                        \
        else                                                                                       \
            open_block(block, ahead, 8, q);                                                        \
    }

OPENED(open_portable, )
#ifdef X86
OPENED(open_avx2, AVX2)
OPENED(open_vnni, VNNI)
#endif
#undef OPENED

INLINE void decode_token(const uint8_t *packed, const int bits, int64_t width, int64_t k,
                         const float *restrict sizes, float middle, uint8_t *restrict steps,
                         float *restrict out)
{
    for (int64_t at = 0; at < width; at += 4, packed += TOKENS * bits / 2) {
        uint32_t four = 0;
        memcpy(&four, packed, bits / 2);
        four = spread(four, bits);
        memcpy(steps + at, &four, sizeof four);
    }
    for (int64_t d = 0; d < k; d++)
        out[d] = ((float)steps[d] - middle) * sizes[d];
}

/* Decode tokens: out [count][k] is the steps from `middle` times their `sizes` [k]. With
 * `centroids` [.][k], the centroid's values are added, and the scale multiplies the sums. Returns 0,
 * or 1 if memory ran out. */
int optical_decode(int bits, const uint8_t *blocks, const int64_t *tokens, int64_t count,
                   int64_t width, int64_t k, const float *centroids, const float *sizes,
                   float middle, float *out)
{
    uint8_t *steps = malloc(width + 1);
    for (int64_t i = 0; steps && i < count; i++, out += k) {
        const int64_t t = tokens[i] % TOKENS;
        const uint8_t *block = blocks + tokens[i] / TOKENS * residual_bytes(width, bits);
        const uint8_t *packed = block + TOKENS * 4 + t * bits / 2;
        uint16_t number, scale;
        memcpy(&number, block + 2 * t, sizeof number);
        memcpy(&scale, block + 2 * (TOKENS + t), sizeof scale);
        if (bits == 2)
            decode_token(packed, 2, width, k, sizes, middle, steps, out);
        else if (bits == 4)
            decode_token(packed, 4, width, k, sizes, middle, steps, out);
        else
            decode_token(packed, 8, width, k, sizes, middle, steps, out);
        if (centroids) {
            const float *restrict near = centroids + number * k;
            float factor = half(scale);
            for (int64_t d = 0; d < k; d++)
                out[d] = (near[d] + out[d]) * factor;
        }
    }
    free(steps);
    return !steps;
}
