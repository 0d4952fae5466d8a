/* The query as the paths of maxsim.c read it, and what they have in common. */
#define INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define X86 1
#define AVX2 __attribute__((target("avx2")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))
#endif
#if defined(__aarch64__) && defined(__GNUC__)
#include <arm_neon.h>
#define ARM 1
#ifdef __clang__
#define DOTPROD __attribute__((target("dotprod")))
#else
#define DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))
#endif
#endif
#define UNROLL _Pragma("GCC unroll 16")

#define TOKENS 16 /* of a block */
#define AHEAD 2   /* blocks, of which memory is asked for the one that will be needed then */

enum { PORTABLE, PATH_AVX2, PATH_VNNI, PATH_NEON = PATH_AVX2, PATH_DOTPROD = PATH_VNNI };

#define VNNI_TOGETHER 12 /* query tokens: their sums stay in registers */

/* What the query holds: n tokens, as 16-bit values for AVX2, by four values for VNNI (of each
 * token of a group, then the next four), and what each product starts with: with unsigned passage
 * values it takes back their 128, with signed ones it adds the 128 that steps lack. */
typedef struct {
    int64_t n, width;
    const int8_t *tokens;
    int16_t *wide;
    int32_t *fours;
    int32_t *shift, *shift_signed;
    int16_t *room; /* for a block in another form */
    float *starts; /* [n][16], added to the products with a block: zeros, or of residual.h */
    const float *table;
    uint8_t *opened;
} query_t;

/* Room for up to n tokens; q's other members stay. Returns whether memory ran out. */
static int new_query(query_t *q, int64_t n, int64_t width, const int8_t *tokens)
{
    const int64_t room = (n + 15) / 16 * 16;
    q->n = n, q->width = width, q->tokens = tokens;
    q->wide = calloc(room * width, sizeof *q->wide);
    q->fours = calloc(room * width, sizeof *q->fours);
    q->shift = calloc(room, sizeof *q->shift);
    q->shift_signed = calloc(room, sizeof *q->shift_signed);
    q->room = calloc(TOKENS * width, sizeof *q->room);
    q->starts = calloc(room * TOKENS, sizeof *q->starts);
    return !q->wide || !q->fours || !q->shift || !q->shift_signed || !q->room || !q->starts;
}

/* Bring the n tokens in the forms that the paths read. */
static void fill_query(query_t *q, int bits)
{
    const int64_t n = q->n, width = q->width;
    for (int64_t j = 0; j < n; j++) {
        int64_t first = j / VNNI_TOGETHER * VNNI_TOGETHER;
        int64_t together = n - first < VNNI_TOGETHER ? n - first : VNNI_TOGETHER;
        int32_t total = 0;
        for (int64_t k = 0; k < width; k++) {
            q->wide[j * width + k] = q->tokens[j * width + k];
            total += q->tokens[j * width + k];
        }
        q->shift[j] = bits ? 0 : -128 * total;
        q->shift_signed[j] = bits ? 128 * total : 0;
        for (int64_t k = 0; k < width / 4; k++)
            memcpy(&q->fours[first * (width / 4) + k * together + j - first],
                   q->tokens + j * width + 4 * k, 4);
    }
}

static void free_query(query_t *q)
{
    free(q->wide), free(q->fours), free(q->shift), free(q->shift_signed);
    free(q->room), free(q->starts);
}
