/* Which functions a path has, and which path this processor has. */
#ifdef ARM
#include "products_neon.h"
#ifdef __linux__
#include <sys/auxv.h>
#define HAS_DOTPROD (getauxval(AT_HWCAP) >> 20 & 1) /* HWCAP_ASIMDDP */
#else
#define HAS_DOTPROD 1 /* Apple's */
#endif
#endif

typedef void products_t(const uint8_t *, const uint8_t *, const query_t *, float *);

typedef struct {
    products_t *products;
    void (*raise)(const float *, int64_t, int, int, int, float *);
    void (*reduce)(const float *, int64_t, int, int, float *);
    void (*open)(const uint8_t *, const uint8_t *, int, const query_t *);
} path_t;

static path_t path_of(int path)
{
#ifdef X86
    if (path == PATH_AVX2)
        return (path_t){products_avx2, raise_avx2, reduce_avx2, open_avx2};
    if (path == PATH_VNNI)
        return (path_t){products_vnni, raise_vnni, reduce_vnni, open_vnni};
#endif
#ifdef ARM
    if (path == PATH_NEON)
        return (path_t){products_neon, raise_neon, reduce_neon, open_portable};
    if (path == PATH_DOTPROD)
        return (path_t){products_dotprod, raise_neon, reduce_neon, open_portable};
#endif
    (void)path;
    return (path_t){products_portable, raise_portable, reduce_portable, open_portable};
}

/* The fastest path that this processor has. */
int optical_best_path(void)
{
#ifdef X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni"))
        return PATH_VNNI;
    if (__builtin_cpu_supports("avx2"))
        return PATH_AVX2;
#endif
#ifdef ARM
    return HAS_DOTPROD ? PATH_DOTPROD : PATH_NEON;
#endif
    return PORTABLE;
}
