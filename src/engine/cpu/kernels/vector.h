// SPDX-License-Identifier: MIT
// One vector register of floats, as wide as the instruction set that a copy is compiled for has it.
// For kernels whose registers are planned by hand; the others leave vectors to the compiler.
#pragma once

#include "engine/cpu/kernels/real.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif

typedef float vec __attribute__((vector_size(LANES * 4)));
typedef uint32_t vec_bits __attribute__((vector_size(LANES * 4)));

static inline vec vec_set(float x)
{
    return x - (vec){0};
}

static inline vec vec_load(const float *from)
{
    vec v;
    memcpy(&v, from, sizeof(v));
    return v;
}

static inline void vec_store(float *to, vec v)
{
    memcpy(to, &v, sizeof(v));
}

// a * b + c, rounded once where the processor can.
static inline vec vec_fma(vec a, vec b, vec c)
{
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
    return _mm256_fmadd_ps(a, b, c);
#else
    return a * b + c;
#endif
}

// max(x, 0); NaN stays NaN.
static inline vec vec_relu(vec x)
{
    return (vec)((vec_bits)x & ~(vec_bits)(x < 0));
}

#ifdef KERNEL_BF16
typedef uint16_t vec_half __attribute__((vector_size(LANES * 2)));

// Nearest even, in the low half of each lane; NaN stays NaN.
static inline vec_bits vec_round(vec x)
{
    const vec_bits bits = (vec_bits)x, nan = (vec_bits)(x != x);
    const vec_bits rounded = bits + 0x7fff + (bits >> 16 & 1);
    return ((rounded & ~nan) | ((bits | 0x400000) & nan)) >> 16;
}

static inline vec vec_load_real(const real *from)
{
    vec_half half;
    memcpy(&half, from, sizeof(half));
    return (vec)(__builtin_convertvector(half, vec_bits) << 16);
}

static inline void vec_store_real(real *to, vec v)
{
#if defined(__AVX512BF16__)
    const __m256bh half = _mm512_cvtneps_pbh(v);
#else
    const vec_half half = __builtin_convertvector(vec_round(v), vec_half);
#endif
    memcpy(to, &half, sizeof(half));
}
#else
static inline vec vec_load_real(const real *from)
{
    return vec_load(from);
}

static inline void vec_store_real(real *to, vec v)
{
    vec_store(to, v);
}
#endif

// --- matrix products -----------------------------------------------------------------------------

// A unit is what one lane multiplies: a float, or two neighbouring bfloat16 (the lower one first)
// whose products are added up.

#ifdef KERNEL_BF16
typedef uint32_t unit;
#define PER_UNIT 2
#else
typedef float unit;
#define PER_UNIT 1
#endif

// a * b + c
static inline vec unit_fma(unit a, const unit *b, vec c)
{
#if !defined(KERNEL_BF16)
    return vec_fma(vec_set(a), vec_load(b), c);
#elif defined(__AVX512BF16__)
    return _mm512_dpbf16_ps(c, (__m512bh)_mm512_set1_epi32((int)a),
                            (__m512bh)_mm512_loadu_si512(b));
#else
    vec_bits pair, same = a - (vec_bits){0};
    memcpy(&pair, b, sizeof(pair));
    c = vec_fma((vec)(same << 16), (vec)(pair << 16), c);
    return vec_fma((vec)(same & 0xffff0000), (vec)(pair & 0xffff0000), c);
#endif
}

// Stores LANES units made of one vector, or of two.
static inline void unit_store(unit *to, const vec v[PER_UNIT])
{
#if !defined(KERNEL_BF16)
    vec_store(to, v[0]);
#else
#if defined(__AVX512BF16__)
    const __m512i interleave =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i units =
        _mm512_permutexvar_epi16(interleave, (__m512i)_mm512_cvtne2ps_pbh(v[1], v[0]));
#else
    const vec_bits units = vec_round(v[0]) | vec_round(v[1]) << 16;
#endif
    memcpy(to, &units, sizeof(units));
#endif
}
