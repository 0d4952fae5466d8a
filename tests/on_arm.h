/* Arrays from standard input, for programs that run on another processor. */
#include <stdio.h>

static void *read_all(int64_t bytes)
{
    void *data = malloc(bytes + 1);
    if (!data || fread(data, 1, bytes, stdin) != (size_t)bytes)
        exit(3);
    return data;
}
