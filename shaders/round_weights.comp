// SPDX-License-Identifier: MIT
// Parameters as fp16. Split: four of them an invocation (their span is a multiple of 4).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(push_constant) uniform Push { KERNEL_ROUND };
FLAT_LAYOUT

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i < count / 4)
        rounded.v[slot * (rounded_slot / 4) + i] = ACT4(w.v[slot * (w_slot / 4) + i]);
}
