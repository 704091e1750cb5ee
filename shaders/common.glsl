// SPDX-License-Identifier: MIT
// What every kernel shares: element types, pointers, indices. With HALF defined activations are fp16 in memory; with
// FLOAT_OUT besides, what a convolution writes is fp32 all the same. Arithmetic is fp32 in any case. IEEE_HALF: fp16 numbers are
// rounded to the nearest, ties to even, and small ones are kept, whatever the driver's habit: for devices that can be told so.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require

#ifdef IEEE_HALF
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(capabilities = [4464], 4459, 16); // DenormPreserve
spirv_execution_mode(capabilities = [4467], 4462, 16); // RoundingModeRTE
#endif

#define REAL float
#define REAL4 vec4
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define ACT float16_t
#define ACT4 f16vec4
#define ACT_ALIGN 2
#define ACT4_ALIGN 8
#else
#define ACT REAL
#define ACT4 REAL4
#define ACT_ALIGN 4
#define ACT4_ALIGN 16
#endif
#ifdef FLOAT_OUT
#define OUT REAL
#define OUT4 REAL4
#define OUT4_ALIGN 16
#else
#define OUT ACT
#define OUT4 ACT4
#define OUT4_ALIGN ACT4_ALIGN
#endif

layout(buffer_reference, std430, buffer_reference_align = 4) buffer Reals { REAL v[]; };
// For kernels that move four elements at once where they can; element i alone is v[i / 4][i % 4]. Casting between the
// two pointer types is a bit cast of pointers, which not every driver can do.
layout(buffer_reference, std430, buffer_reference_align = 16) buffer Real4s { REAL4 v[]; };
layout(buffer_reference, std430, buffer_reference_align = ACT_ALIGN) buffer Acts { ACT v[]; };
layout(buffer_reference, std430, buffer_reference_align = ACT4_ALIGN) buffer Act4s { ACT4 v[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) buffer Act8s { uvec4 v[]; }; // eight fp16 numbers each
layout(buffer_reference, std430, buffer_reference_align = OUT4_ALIGN) buffer Out4s { OUT4 v[]; };
// For what one invocation of a workgroup writes and another reads in the same dispatch.
layout(buffer_reference, std430, buffer_reference_align = 4) buffer CoherentReals { coherent REAL v[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Uints { uint v[]; };

#include "kernels.h"

// Unit `at` of a tensor whose channels are counted in units: vectors of four where they are aligned (a multiple of 4), else
// single elements, which are in every component. The first two are for activations.
REAL4 load_unit(Act4s p, uint at, bool aligned)
{
    return aligned ? REAL4(p.v[at]) : REAL4(p.v[at / 4][at % 4]);
}

void store_unit(Act4s p, uint at, bool aligned, REAL4 value)
{
    if (aligned)
        p.v[at] = ACT4(value);
    else
        p.v[at / 4][at % 4] = ACT(value.x);
}

REAL4 load_real_unit(Real4s p, uint at, bool aligned)
{
    return aligned ? p.v[at] : REAL4(p.v[at / 4][at % 4]);
}

void store_real_unit(Real4s p, uint at, bool aligned, REAL4 value)
{
    if (aligned)
        p.v[at] = value;
    else
        p.v[at / 4][at % 4] = value.x;
}

#ifdef HALF
// A unit of Act8s.
uvec4 to_unit(f16vec4 low, f16vec4 high)
{
    return uvec4(packFloat2x16(low.xy), packFloat2x16(low.zw), packFloat2x16(high.xy), packFloat2x16(high.zw));
}
#endif

REAL4 relu(REAL4 x)
{
    return mix(x, REAL4(0), lessThan(x, REAL4(0))); // keeps NaN, which max() may drop
}

REAL4 relu_grad(REAL4 y, REAL4 dy)
{
    return mix(REAL4(0), dy, greaterThan(y, REAL4(0)));
}

// Adds the terms of s = 0 ... terms - 1 to `sum`, in order. Eight are loaded before they are added, so that one invocation does
// not wait for memory once a term.
#define SUM_IN_ORDER(sum, terms, term)                                                             \
    for (uint first_ = 0; first_ < (terms); first_ += 8) {                                         \
        REAL loaded_[8];                                                                           \
        [[unroll]] for (uint k_ = 0; k_ < 8; k_++) {                                               \
            const uint s = min(first_ + k_, (terms) - 1);                                          \
            loaded_[k_] = term;                                                                    \
        }                                                                                          \
        [[unroll]] for (uint k_ = 0; k_ < 8; k_++)                                                 \
            sum += first_ + k_ < (terms) ? loaded_[k_] : REAL(0);                                  \
    }

// Element-wise kernels run over a flat range: `flat_index()` of `FLAT_ROW` workgroups a row, because a device may
// allow as few as 65535 workgroups along one axis. dispatch.c dispatches with the same constants.
const uint FLAT_LOCAL = 64, FLAT_ROW = 32768;
#define FLAT_LAYOUT layout(local_size_x = 64) in;

uint flat_index()
{
    return (gl_WorkGroupID.y * FLAT_ROW + gl_WorkGroupID.x) * FLAT_LOCAL + gl_LocalInvocationID.x;
}
