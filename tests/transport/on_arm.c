/* A solver in C on another processor: reads its arguments from standard input, writes the plans. */
#ifdef EXACT
#include "exact.c"
#define NUMBER double
#else
#include "sinkhorn.c"
#define NUMBER float
#endif

#include "on_arm.h"

int main(void)
{
    const int64_t *sizes = read_all(4 * sizeof *sizes);
    const int64_t count = sizes[0], height = sizes[1], width = sizes[2], most = sizes[3];
    const double *settings = read_all(2 * sizeof *settings);
    const float *cost = read_all(4 * count * height * width);
    const NUMBER *a = read_all(count * height * sizeof *a);
    const NUMBER *b = read_all(count * width * sizeof *b);
    int64_t *pairs = calloc(count, sizeof *pairs), *iterations = calloc(count, sizeof *iterations);
    uint8_t *converged = calloc(count, 1);
    float *plan = calloc(count * height * width, sizeof *plan);
    for (int64_t i = 0; i < count; i++)
        pairs[i] = i;
#ifdef EXACT
    (void)settings, (void)iterations;
    int failed = optical_exact(1, cost, a, b, pairs, count, height, width, most, plan, converged);
#else
    int failed = optical_sinkhorn(cost, a, b, pairs, count, height, width, (float)settings[0],
                                  settings[1], most, plan, iterations, converged);
#endif
    if (failed)
        return 5;
    fwrite(converged, 1, count, stdout);
    return fwrite(plan, 4, count * height * width, stdout) != (size_t)(count * height * width);
}
