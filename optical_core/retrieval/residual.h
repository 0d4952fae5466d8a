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
    uint32_t *restrict steps = (uint32_t *)q->opened;
    if (bits == 8)
        memcpy(steps, packed, TOKENS * width);
    for (int64_t k = 0; bits == 4 && k < TOKENS * width / 4; k += TOKENS)
        for (int t = 0; t < TOKENS; t++) {
            uint32_t four = packed[2 * (k + t)] | (uint32_t)packed[2 * (k + t) + 1] << 16;
            steps[k + t] = (four | four << 4) & 0x0F0F0F0F;
        }
    for (int64_t k = 0; bits == 2 && k < TOKENS * width / 4; k += TOKENS)
        for (int t = 0; t < TOKENS; t++) {
            uint32_t four = packed[k + t];
            four = (four | four << 12) & 0x000F000F;
            steps[k + t] = (four | four << 6) & 0x03030303;
        }
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
