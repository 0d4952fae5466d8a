/* maxsim.c on another processor: reads its arguments from standard input, writes the scores. */
#include "maxsim.c"

#include "on_arm.h"

int main(void)
{
    int64_t *sizes = read_all(8 * sizeof *sizes);
    int64_t path = sizes[0], bits = sizes[1], blocks = sizes[2], table = sizes[3];
    int64_t count = sizes[4], width = sizes[5], n = sizes[6], lowest = sizes[7];
    const uint8_t *block = read_all(blocks);
    const float *products = read_all(4 * table);
    const int64_t *begins = read_all(8 * count), *ends = read_all(8 * count);
    const int8_t *query = read_all(n * width);
    const float *scales = read_all(4 * n);
    float *scores = malloc(4 * count + 1);
    if (optical_best_path() < lowest)
        return 4;
    if (optical_maxsim(path, bits, block, products, begins, ends, count, width, query, scales, n,
                       scores))
        return 5;
    return fwrite(scores, 4, count, stdout) != (size_t)count;
}
