/* Exact transport of one pair of sentences at a time, in fp64: successive shortest paths.
 *
 * Sinkhorn's scaling guesses the duals, shortest_paths.h sends the masses along them. Rows are
 * padded to whole vectors with infinite costs.
 */
#include "shortest_paths.h"

#define NOTHING 1e-13 /* Share of the mass that counts as rounding. */
#define ROUNDS 24     /* Sinkhorn iterations that guess the first duals. */
#define PLAIN 4       /* How many of them, the first, aren't over-relaxed. */
#define SHARP 28      /* Mean exponent of their kernel. */

typedef struct {
    int single;           /* Are cost and plan floats? Else they are doubles. */
    const void *cost;     /* (B, height, width) */
    const double *a, *b;  /* (B, height), (B, width) */
    const int64_t *pairs; /* which of the B to solve */
    int64_t count, height, width, most;
    void *plan; /* of zeros */
    uint8_t *converged;
} task;

/* Collect the tokens with mass and their mass; returns how many there are. */
INLINE int64_t gather(int64_t *token, double *left, const double *mass, int64_t length)
{
    int64_t count = 0;
    EACH(k, length) if (mass[k] > 0) {
        token[count] = k;
        left[count++] = mass[k];
    }
    return count;
}

/* Guess the column duals with a few rounds of Sinkhorn's scaling in fp32. */
INLINE void guess(state *s)
{
    int64_t n = s->n, m = s->m, high = s->high, wide = s->wide;
    double spread = 0, *sums = s->distance;
    EACH(j, wide) {
        s->v[j] = INFINITY;
        sums[j] = 0;
    }
    EACH(i, n) {
        const double *restrict cost = s->cost + i * wide;
        double least = s->u[i] = least_of(cost, wide);
        EACH(j, wide) {
            double above = cost[j] - least;
            s->v[j] = above < s->v[j] ? above : s->v[j];
            sums[j] += above;
        }
    }
    EACH(j, m) spread += sums[j] - n * s->v[j];
    for (int64_t j = m; j < wide; j++)
        s->v[j] = 0;
    spread /= n * m;
    if (!(spread > 0))
        return;
    float sharpness = SHARP / spread;
    memset(s->kernel, 0, sizeof(float) * high * wide);
    memset(s->transposed, 0, sizeof(float) * high * wide);
    EACH(i, n) {
        float *kernel = s->kernel + i * wide;
        EACH(j, wide) kernel[j] = (float)(s->u[i] + s->v[j] - s->cost[i * wide + j]) * sharpness;
        EACH(j, wide) kernel[j] = exponential(kernel[j]);
        EACH(j, m) s->transposed[j * high + i] = kernel[j];
    }
    EACH(i, high) {
        s->row_mass[i] = i < n ? s->supply[i] : 0;
        s->rows[i] = 1;
    }
    EACH(j, wide) {
        s->column_mass[j] = j < m ? s->demand[j] : 0;
        s->columns[j] = 1;
    }
    EACH(round, ROUNDS) {
        product(s->transposed, high, s->columns, wide, s->sent);
        scale(s->rows, s->row_mass, s->sent, high, round >= PLAIN);
        product(s->kernel, wide, s->rows, high, s->sent);
        scale(s->columns, s->column_mass, s->sent, wide, round >= PLAIN);
    }
    EACH(j, m) {
        double change = logf(s->columns[j]) / sharpness;
        s->v[j] += isfinite(change) ? change : 0;
    }
}

/* Set the duals: no reduced cost is negative, one in each row is 0. Send flows where it is 0. */
INLINE void begin(state *s, const task *t, int64_t pair)
{
    EACH(i, s->n) {
        int64_t from = (pair * t->height + s->row[i]) * t->width;
        double *to = s->cost + i * s->wide;
        const int64_t *column = s->column;
        if (t->single)
            EACH(j, s->m) to[j] = ((const float *)t->cost)[from + column[j]];
        else
            EACH(j, s->m) to[j] = ((const double *)t->cost)[from + column[j]];
        for (int64_t j = s->m; j < s->wide; j++)
            to[j] = INFINITY;
    }
    for (int64_t j = s->m; j < s->wide; j++)
        s->v[j] = s->demand[j] = 0;
    memset(s->flow, 0, sizeof(double) * s->m * s->high);
    memset(s->senders, 0, sizeof(uint64_t) * s->m * s->words);
    guess(s);
    EACH(i, s->n) {
        double least = INFINITY;
        int64_t best = 0;
        EACH(j, s->m) {
            double here = s->cost[i * s->wide + j] - s->v[j];
            best = here < least ? j : best;
            least = here < least ? here : least;
        }
        s->u[i] = least;
        s->from[best] = i;
        if (s->demand[best] > 0)
            augment(s, i, best);
    }
}

INLINE void solve_pair(const task *t, int64_t pair, state *s)
{
    s->n = gather(s->row, s->supply, t->a + pair * t->height, t->height);
    s->m = gather(s->column, s->demand, t->b + pair * t->width, t->width);
    s->high = padded(s->n);
    s->wide = padded(s->m);
    s->words = (s->n + 63) / 64;
    if (!s->n || !s->m) {
        t->converged[pair] = 1;
        return;
    }
    double total = 0;
    EACH(i, s->n) total += s->supply[i];
    s->nothing = NOTHING * total;
    begin(s, t, pair);
    int64_t ways = 0, used = 1;
    EACH(i, s->n) while (s->supply[i] > s->nothing && used)
    {
        used = ways < t->most ? search(s, i) : 0;
        ways += used;
    }
    t->converged[pair] = ways < t->most;
    EACH(j, s->m) EACH(w, s->words)
        for (uint64_t rows = s->senders[j * s->words + w]; rows; rows &= rows - 1) {
            int64_t i = 64 * w + __builtin_ctzll(rows);
            int64_t to = (pair * t->height + s->row[i]) * t->width + s->column[j];
            if (t->single)
                ((float *)t->plan)[to] = s->flow[j * s->high + i];
            else
                ((double *)t->plan)[to] = s->flow[j * s->high + i];
        }
}

INLINE int solve_pairs(const task *t)
{
    int64_t high = padded(t->height), wide = padded(t->width), words = (high + 63) / 64;
    char *memory = aligned_alloc(
        ALIGNMENT, 8 * (3 * high * wide + padded(words) * (wide + 1) + 8 * high + 11 * wide));
    if (!memory)
        return 1;
    char *pool = memory;
    state s;
    s.row = take(&pool, high, 8);
    s.supply = take(&pool, high, 8);
    s.u = take(&pool, high, 8);
    s.reached = take(&pool, high, 8);
    s.back = take(&pool, high, 8);
    s.visited = take(&pool, words, 8);
    s.column = take(&pool, wide, 8);
    s.demand = take(&pool, wide, 8);
    s.v = take(&pool, wide, 8);
    s.distance = take(&pool, wide, 8);
    s.ahead = take(&pool, wide, 8);
    s.open = take(&pool, wide, 8);
    s.from = take(&pool, wide, 8);
    s.settled = take(&pool, wide, 8);
    s.cost = take(&pool, high * wide, 8);
    s.flow = take(&pool, high * wide, 8);
    s.senders = take(&pool, words * wide, 8);
    s.kernel = take(&pool, high * wide, 4);
    s.transposed = take(&pool, high * wide, 4);
    s.rows = take(&pool, high, 4);
    s.columns = take(&pool, wide, 4);
    s.row_mass = take(&pool, high, 4);
    s.column_mass = take(&pool, wide, 4);
    s.sent = take(&pool, high + wide, 4);
    EACH(k, t->count) solve_pair(t, t->pairs[k], &s);
    free(memory);
    return 0;
}

/* Solve the pairs into plan and converged; returns 1 if memory is short. */
int optical_exact(int single, const void *cost, const double *a, const double *b,
                  const int64_t *pairs, int64_t count, int64_t height, int64_t width,
                  int64_t most, void *plan, uint8_t *converged)
{
    task t = {single, cost, a, b, pairs, count, height, width, most, plan, converged};
    return solve_pairs(&t);
}
