// SPDX-License-Identifier: MIT
// What every kernel shares: element type, pointers, indices. REAL is a build-time define (float).
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require

#ifndef REAL
#define REAL float
#define REAL4 vec4
#endif

layout(buffer_reference, std430, buffer_reference_align = 4) buffer Reals { REAL v[]; };
// For kernels that move four elements at once where they can; element i alone is v[i / 4][i % 4]. Casting between the
// two pointer types is a bit cast of pointers, which not every driver can do.
layout(buffer_reference, std430, buffer_reference_align = 16) buffer Real4s { REAL4 v[]; };
// For what one invocation of a workgroup writes and another reads in the same dispatch.
layout(buffer_reference, std430, buffer_reference_align = 4) buffer CoherentReals { coherent REAL v[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Uints { uint v[]; };

#include "kernels.h"

// Unit `at` of a tensor whose channels are counted in units: vectors of four where they are aligned (a multiple of 4), else
// single elements, which are in every component.
REAL4 load_unit(Real4s p, uint at, bool aligned)
{
    return aligned ? p.v[at] : REAL4(p.v[at / 4][at % 4]);
}

void store_unit(Real4s p, uint at, bool aligned, REAL4 value)
{
    if (aligned)
        p.v[at] = value;
    else
        p.v[at / 4][at % 4] = value.x;
}

// Element-wise kernels run over a flat range: `flat_index()` of `FLAT_ROW` workgroups a row, because a device may
// allow as few as 65535 workgroups along one axis. record.c dispatches with the same constants.
const uint FLAT_LOCAL = 64, FLAT_ROW = 32768;
#define FLAT_LAYOUT layout(local_size_x = 64) in;

uint flat_index()
{
    return (gl_WorkGroupID.y * FLAT_ROW + gl_WorkGroupID.x) * FLAT_LOCAL + gl_LocalInvocationID.x;
}
