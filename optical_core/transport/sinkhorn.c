/* Sinkhorn's matrix scaling, one pair of sentences at a time, in fp32.
 *
 * Tokens without mass are left out; rows are padded to whole vectors with kernel entries of zero.
 * The kernel is also kept transposed: both products run down its rows, with a sum in each lane. The
 * first potentials give every row and column a kernel entry of one. They absorb the scalings before
 * those leave the range of fp32.
 */
#include "lanes.h"

#define ABSORB 1e8f  /* Scalings beyond this factor go into the potentials. */
#define RELAX 0.1    /* Error below which scalings are over-relaxed; it may diverge earlier. */
#define LARGEST 60.f /* Largest exponent of the kernel: rounding of huge costs must not overflow. */

typedef struct {
    const float *cost, *a, *b; /* (B, height, width), (B, height), (B, width) */
    const int64_t *pairs;      /* which of the B to solve */
    int64_t count, height, width;
    float epsilon;
    double tolerance;
    int64_t most;
    float *plan; /* of zeros */
    int64_t *iterations;
    uint8_t *converged;
} task;

/* One side of a pair: its tokens with mass, padded. */
typedef struct {
    int64_t count, padded, *token;
    float *mass, *potential, *scaling, *reached;
} side;

/* L1 distance between the mass that a side's tokens send and the mass that they have. */
INLINE float error_of(const side *s)
{
    float partial[LANES] = {0}, total = 0;
    for (int64_t at = 0; at < s->padded; at += LANES)
        EACH(k, LANES) partial[k] += fabsf(s->scaling[at + k] * s->reached[at + k] - s->mass[at + k]);
    EACH(k, LANES) total += partial[k];
    return total;
}

INLINE void scale_side(side *s, int relaxing)
{
    scale(s->scaling, s->mass, s->reached, s->padded, relaxing);
}

/* Whether a scaling is so large or small that it must be absorbed. */
INLINE int extreme(const side *s)
{
    int32_t beyond[LANES] = {0};
    for (int64_t at = 0; at < s->padded; at += LANES)
        EACH(k, LANES) beyond[k] |=
            (s->scaling[at + k] > ABSORB) | (s->scaling[at + k] < 1 / ABSORB);
    int32_t any = 0;
    EACH(k, LANES) any |= beyond[k];
    return any;
}

/* Compute the potentials' kernel and its transpose, and set the scalings to one. */
INLINE void fill(const side *rows, const side *columns, const float *restrict inner,
                 float *restrict kernel, float *restrict transposed, float sharpness)
{
    int64_t n = rows->count, m = columns->count, wide = columns->padded, high = rows->padded;
    EACH(i, n) {
        float f = rows->potential[i];
        const float *restrict g = columns->potential;
        EACH(j, wide) {
            float exponent = (f + g[j] - inner[i * wide + j]) * sharpness;
            kernel[i * wide + j] = exponential(exponent < LARGEST ? exponent : LARGEST);
        }
        EACH(j, m) transposed[j * high + i] = kernel[i * wide + j];
    }
    EACH(k, high) rows->scaling[k] = 1;
    EACH(k, wide) columns->scaling[k] = 1;
}

/* Scale rows and columns until the rows are right (the columns then are, too) or a scaling must be
 * absorbed; counts `done` up. Near the end scalings are over-relaxed: where convergence is slow,
 * this takes a third of the iterations. */
INLINE double iterate(const float *kernel, const float *transposed, side *rows, side *columns,
                      double total, double limit, int64_t most, int64_t *done)
{
    double error = INFINITY, below = RELAX * total;
    int first = 1, relaxing = 0;
    while (*done < most) {
        product(transposed, rows->padded, columns->scaling, columns->padded, rows->reached);
        if (!first) {
            error = error_of(rows);
            if (error <= limit && !relaxing)
                break;
        }
        scale_side(rows, relaxing);
        product(kernel, columns->padded, rows->scaling, rows->padded, columns->reached);
        /* The last iteration isn't relaxed, so the columns are right. Where relaxing increases the
         * error, plain iterations reduce it before relaxing is tried again. */
        if (relaxing && (error <= limit || error > 2 * below)) {
            below = error <= limit ? 0 : below / 4;
            relaxing = 0;
        }
        scale_side(columns, relaxing);
        relaxing = relaxing || error <= below;
        ++*done;
        first = 0;
        if (extreme(rows) || extreme(columns))
            break;
    }
    return error;
}

/* Collect the tokens with mass and their mass; returns the sum. */
INLINE double gather(side *s, const float *mass, int64_t length)
{
    double total = 0;
    s->count = 0;
    EACH(k, length) if (mass[k] > 0) {
        s->token[s->count] = k;
        s->mass[s->count++] = mass[k];
        total += mass[k];
    }
    s->padded = padded(s->count);
    for (int64_t k = s->count; k < s->padded; k++)
        s->mass[k] = s->potential[k] = 0;
    return total;
}

/* Whether a side's tokens follow one another without a gap. */
INLINE int contiguous(const side *s)
{
    return s->token[s->count - 1] - s->token[0] == s->count - 1;
}

/* Pick a side's tokens from a row of all tokens. */
INLINE void pick(const side *s, const float *restrict all, float *restrict picked)
{
    if (contiguous(s))
        memcpy(picked, all + s->token[0], sizeof(float) * s->count);
    else
        EACH(k, s->count) picked[k] = all[s->token[k]];
}

INLINE float least_of(const float *row, int64_t padded)
{
    float partial[LANES], least = INFINITY;
    EACH(k, LANES) partial[k] = INFINITY;
    for (int64_t at = 0; at < padded; at += LANES)
        EACH(k, LANES) partial[k] = row[at + k] < partial[k] ? row[at + k] : partial[k];
    EACH(k, LANES) least = partial[k] < least ? partial[k] : least;
    return least;
}

INLINE void solve_pair(const task *t, int64_t pair, side *rows, side *columns, float *inner,
                       float *kernel, float *transposed)
{
    const float *cost = t->cost + pair * t->height * t->width;
    double total = gather(rows, t->a + pair * t->height, t->height);
    gather(columns, t->b + pair * t->width, t->width);
    int64_t n = rows->count, m = columns->count, wide = columns->padded, high = rows->padded;
    if (!n || !m) {
        t->converged[pair] = total == 0;
        return;
    }
    float *f = rows->potential, *g = columns->potential;
    EACH(j, wide) g[j] = INFINITY;
    EACH(i, n) {
        float *row = inner + i * wide;
        pick(columns, cost + rows->token[i] * t->width, row);
        for (int64_t j = m; j < wide; j++)
            row[j] = INFINITY; /* its kernel is 0 */
        float least = f[i] = least_of(row, wide);
        EACH(j, wide) g[j] = row[j] - least < g[j] ? row[j] - least : g[j];
    }
    for (int64_t j = m; j < wide; j++)
        g[j] = 0;
    memset(kernel + n * wide, 0, sizeof(float) * (high - n) * wide);
    memset(transposed, 0, sizeof(float) * wide * high);
    int64_t done = 0;
    double error = INFINITY, limit = t->tolerance * total;
    while (done < t->most && error > limit) {
        fill(rows, columns, inner, kernel, transposed, 1 / t->epsilon);
        error = iterate(kernel, transposed, rows, columns, total, limit, t->most, &done);
        if (done < t->most && error > limit) {
            EACH(i, n) f[i] += t->epsilon * logf(rows->scaling[i]);
            EACH(j, m) g[j] += t->epsilon * logf(columns->scaling[j]);
        }
    }
    t->iterations[pair] = done;
    t->converged[pair] = error <= limit;
    EACH(i, n) {
        float *restrict to = t->plan + (pair * t->height + rows->token[i]) * t->width;
        const float *restrict row = kernel + i * wide;
        float scaling = rows->scaling[i];
        if (contiguous(columns))
            EACH(j, m) to[columns->token[0] + j] = scaling * row[j] * columns->scaling[j];
        else
            EACH(j, m) to[columns->token[j]] = scaling * row[j] * columns->scaling[j];
    }
}

INLINE void room(side *s, char **pool, int64_t longest)
{
    s->token = take(pool, longest, sizeof(int64_t));
    s->mass = take(pool, longest, sizeof(float));
    s->potential = take(pool, longest, sizeof(float));
    s->scaling = take(pool, longest, sizeof(float));
    s->reached = take(pool, longest, sizeof(float));
}

INLINE int solve_pairs(const task *t)
{
    int64_t high = padded(t->height), wide = padded(t->width);
    char *memory = aligned_alloc(ALIGNMENT, (3 * high * wide + 6 * (high + wide)) * sizeof(float)
                                                + 16 * ALIGNMENT);
    if (!memory)
        return 1;
    char *pool = memory;
    side rows, columns;
    room(&rows, &pool, high);
    room(&columns, &pool, wide);
    float *inner = take(&pool, high * wide, sizeof(float));
    float *kernel = take(&pool, high * wide, sizeof(float));
    float *transposed = take(&pool, high * wide, sizeof(float));
    EACH(k, t->count) solve_pair(t, t->pairs[k], &rows, &columns, inner, kernel, transposed);
    free(memory);
    return 0;
}

/* Solve the pairs into plan, iterations and converged; returns 1 if memory is short. */
int optical_sinkhorn(const float *cost, const float *a, const float *b,
                     const int64_t *pairs, int64_t count, int64_t height, int64_t width,
                     float epsilon, double tolerance, int64_t most, float *plan,
                     int64_t *iterations, uint8_t *converged)
{
    task t = {cost, a, b, pairs, count, height, width, epsilon,
              tolerance, most, plan, iterations, converged};
    return solve_pairs(&t);
}
