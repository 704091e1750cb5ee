// SPDX-License-Identifier: MIT
// The element type of activations, and the names of the functions of a set of kernels. The sources
// of this folder are compiled once for each set (meson.build), with KERNEL_SET, the set's suffix,
// and, where activations are bfloat16, KERNEL_BF16 defined.
#pragma once

#include <stdint.h>
#include <string.h>

#define KERNEL_JOIN(name, set) name##_##set
#define KERNEL_NAME_OF(name, set) KERNEL_JOIN(name, set)
#define KERNEL(name) \
    KERNEL_NAME_OF(name, KERNEL_SET) // a function that one set has: relu_v4_fp32, ...

// A loop over elements that its callers make special by constant arguments.
#define INLINE static inline __attribute__((always_inline))

#ifdef KERNEL_BF16
typedef uint16_t real; // the upper half of a float

static inline float load_real(real x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

// Rounds to nearest even; a NaN stays one, whatever is cut off.
static inline real store_real(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    const uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1), quiet = bits | 0x400000;
    return (real)(((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded) >> 16);
}
#else
typedef float real;

static inline float load_real(real x)
{
    return x;
}

static inline real store_real(float value)
{
    return value;
}
#endif
