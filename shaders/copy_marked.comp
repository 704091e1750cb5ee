// SPDX-License-Identifier: MIT
// Copies the state of the marked slots. Split: one element an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(push_constant) uniform Push { KERNEL_COPY_MARKED };
FLAT_LAYOUT

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i < count && mark.v[slot] != 0)
        y.v[slot * y_slot + i] = x.v[slot * x_slot + i];
}
