/* Exact transport of one pair of sentences at a time, in fp64: successive shortest paths.
 *
 * This is the Hungarian method for masses instead of ones (Ford and Fulkerson 1957). Duals keep
 * every reduced cost at least 0, and at 0 where mass flows. Each round finds the cheapest path from
 * a row with mass left to a column that lacks some (Dijkstra's algorithm; a path may run back along
 * a flow) and sends as much as the path takes. Rows are padded to whole vectors with infinite
 * costs.
 */
#include "lanes.h"

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

/* One pair; n rows, m columns, each padded to `high` and `wide`. */
typedef struct {
    int64_t n, m, high, wide, *row, *column; /* their tokens' positions */
    double *supply, *demand;                 /* the mass they have left */
    double *u, *v;                           /* duals */
    double *cost;                            /* (n, wide) */
    double *flow;                            /* (m, high): to a column from each row */
    uint64_t *senders;                       /* (m, words): a bit for each row with flow */
    int64_t words;
    double nothing;
    /* For one search: */
    double *distance, *ahead; /* of each column; `ahead` is infinite where it is settled */
    double *open;             /* v, infinite where the column is settled */
    double *reached;          /* distance of each row reached */
    uint64_t *visited;        /* (words): a bit for each of them */
    int64_t *from, *back;     /* the row before a column; the column before a row */
    int64_t *settled;
    /* For the first guess: */
    float *kernel, *transposed, *rows, *columns, *row_mass, *column_mass, *sent;
} state;

INLINE void set_flow(state *s, int64_t row, int64_t column, double flow)
{
    uint64_t *word = s->senders + column * s->words + row / 64, bit = (uint64_t)1 << row % 64;
    s->flow[column * s->high + row] = flow;
    *word = flow > 0 ? *word | bit : *word & ~bit;
}

/* Reach a row at distance `at`: columns may be nearer through it. */
INLINE void reach(state *s, int64_t row, double at)
{
    const double *restrict cost = s->cost + row * s->wide, *restrict open = s->open;
    double *restrict ahead = s->ahead, base = at - s->u[row];
    int64_t *restrict from = s->from, wide = s->wide;
    s->reached[row] = at;
    EACH(j, wide) {
        double here = base + cost[j] - open[j], now = ahead[j];
        from[j] ^= (from[j] ^ row) & -(int64_t)(here < now); /* a store under a mask is slow */
        ahead[j] = here < now ? here : now;
    }
}

/* The smallest entry of a row that is padded with infinity. */
INLINE double least_of(const double *row, int64_t padded)
{
    double partial[MULTIPLE];
    EACH(k, MULTIPLE) partial[k] = row[k];
    for (int64_t at = MULTIPLE; at < padded; at += MULTIPLE)
        EACH(k, MULTIPLE) partial[k] = row[at + k] < partial[k] ? row[at + k] : partial[k];
    double least = partial[0];
    EACH(k, MULTIPLE) least = partial[k] < least ? partial[k] : least;
    return least;
}

/* The nearest column that isn't settled; -1 if none can be reached. */
INLINE int64_t nearest(const state *s)
{
    double best = least_of(s->ahead, s->wide);
    if (!(best < INFINITY))
        return -1;
    int64_t j = 0;
    while (s->ahead[j] != best)
        j++;
    return j;
}

/* Send as much as the path from `start` to `end` takes; returns whether a flow on it became 0. */
INLINE int augment(state *s, int64_t start, int64_t end)
{
    double most = s->supply[start] < s->demand[end] ? s->supply[start] : s->demand[end];
    for (int64_t i = s->from[end]; i != start; i = s->from[s->back[i]]) {
        double flow = s->flow[s->back[i] * s->high + i];
        most = flow < most ? flow : most;
    }
    int cut = 0;
    for (int64_t j = end;;) {
        int64_t i = s->from[j];
        set_flow(s, i, j, s->flow[j * s->high + i] + most);
        if (i == start)
            break;
        j = s->back[i];
        double left = s->flow[j * s->high + i] - most;
        cut |= left <= s->nothing;
        set_flow(s, i, j, left > s->nothing ? left : 0);
    }
    s->supply[start] -= most;
    s->demand[end] = s->demand[end] - most > s->nothing ? s->demand[end] - most : 0;
    return cut;
}

/* Settle a column and reach the rows that send to it. */
INLINE void settle(state *s, int64_t column, double at)
{
    s->distance[column] = at;
    s->ahead[column] = INFINITY;
    s->open[column] = -INFINITY;
    EACH(w, s->words) {
        uint64_t rows = s->senders[column * s->words + w] & ~s->visited[w];
        s->visited[w] |= rows;
        for (; rows; rows &= rows - 1) {
            int64_t i = 64 * w + __builtin_ctzll(rows);
            s->back[i] = column;
            reach(s, i, at);
        }
    }
}

/* Send a row's mass to the nearest columns with demand, until it is gone or the tree of shortest
 * paths changes, which it does when a flow on it becomes 0. Returns how many paths were used. */
INLINE int64_t search(state *s, int64_t start)
{
    int64_t count = 0, ways = 0, end;
    double whole = 0;
    EACH(j, s->wide) {
        s->ahead[j] = INFINITY;
        s->open[j] = s->v[j];
    }
    EACH(w, s->words) s->visited[w] = 0;
    s->visited[start / 64] = (uint64_t)1 << start % 64;
    reach(s, start, 0);
    while ((end = nearest(s)) >= 0) {
        whole = s->ahead[end];
        if (s->demand[end] > 0) {
            ways++;
            if (augment(s, start, end) || s->supply[start] <= s->nothing)
                break;
        }
        s->settled[count++] = end;
        settle(s, end, whole);
    }
    EACH(k, count) s->v[s->settled[k]] += s->distance[s->settled[k]] - whole;
    EACH(w, s->words)
        for (uint64_t rows = s->visited[w]; rows; rows &= rows - 1) {
            int64_t i = 64 * w + __builtin_ctzll(rows);
            s->u[i] += whole - s->reached[i];
        }
    return ways;
}

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
