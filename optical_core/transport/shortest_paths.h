/* Shortest paths for the masses of one pair of sentences, in fp64.
 *
 * This is the Hungarian method for masses instead of ones (Ford and Fulkerson 1957). Duals keep
 * every reduced cost at least 0, and at 0 where mass flows. Each round finds the cheapest path from
 * a row with mass left to a column that lacks some (Dijkstra's algorithm; a path may run back along
 * a flow) and sends as much as the path takes.
 */
#include "lanes.h"

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
