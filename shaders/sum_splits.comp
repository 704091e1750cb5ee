// SPDX-License-Identifier: MIT
// y = sum of x over its splits, in order. Split: one element an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(push_constant) uniform Push { KERNEL_SUM_SPLITS };
FLAT_LAYOUT

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i >= count)
        return;
    const uint from = slot * x_slot + i;
    REAL sum = 0;
    SUM_IN_ORDER(sum, splits, x.v[from + s * x_split])
    y.v[slot * y_slot + i] = sum;
}
