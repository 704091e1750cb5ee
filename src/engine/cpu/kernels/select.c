// SPDX-License-Identifier: MIT
// Which set of kernels the processor can run. Compiled once, for any processor.
#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/loss.h"
#include "engine/cpu/kernels/walk.h"

#include <stdlib.h>
#include <string.h>

size_t sums_scratch(int n, int rows, int cols, int channels)
{
    const struct view shape = {.n = n, .rows = rows, .cols = cols, .channels = channels};
    return 2 * walk_over(shape, false).chunks * (size_t)channels;
}

size_t loss_scratch(int n, int pixels, int labels)
{
    return (size_t)n * loss_chunks(pixels) * (size_t)labels * LOSS_SUMS;
}

static bool has_baseline(void)
{
    return true;
}

#ifdef KERNELS_V3
// x86-64-v3 of the psABI, by what compilers use of it; the system must save the registers, which is
// asked too.
static bool has_v3(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}
#endif

#ifdef KERNELS_V4
static bool has_v4(void)
{
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

#ifdef KERNELS_V4BF16
static bool has_v4bf16(void)
{
    return has_v4() && __builtin_cpu_supports("avx512bf16");
}
#endif

#define SET(name) extern const struct cpu_kernels kernels_##name
SET(baseline_fp32);
SET(baseline_bf16);
SET(v3_fp32);
SET(v3_bf16);
SET(v4_fp32);
SET(v4_bf16);
SET(v4bf16_bf16);
#undef SET

// By rising ability.
static const struct level {
    const char *name; // as VKGRID_CPU_KERNELS says it
    bool (*usable)(void);
    const struct cpu_kernels *fp32, *bf16; // NULL: no better than the level before
} levels[] = {
    {"baseline", has_baseline, &kernels_baseline_fp32, &kernels_baseline_bf16},
#ifdef KERNELS_V3
    {"v3", has_v3, &kernels_v3_fp32, &kernels_v3_bf16},
#endif
#ifdef KERNELS_V4
    {"v4", has_v4, &kernels_v4_fp32, &kernels_v4_bf16},
#endif
#ifdef KERNELS_V4BF16
    {"v4bf16", has_v4bf16, NULL, &kernels_v4bf16_bf16},
#endif
};

const struct cpu_kernels *cpu_kernels(bool bfloat16)
{
    const char *limit = getenv("VKGRID_CPU_KERNELS");
    const struct cpu_kernels *best = NULL;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]) && levels[i].usable(); i++) {
        const struct cpu_kernels *kernels = bfloat16 ? levels[i].bf16 : levels[i].fp32;
        best = kernels ? kernels : best;
        if (limit && strcmp(limit, levels[i].name) == 0)
            break;
    }
    return best;
}
