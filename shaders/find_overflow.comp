// SPDX-License-Identifier: MIT
// Whether any gradient of a slot is not finite. Split: four gradients an invocation (their span is a multiple of 4).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "loss_scale.glsl"

layout(push_constant) uniform Push { KERNEL_FIND_OVERFLOW };
FLAT_LAYOUT

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i >= count / 4)
        return;
    // By bits: a compiler may take isinf() and isnan() for false.
    const uvec4 exponent = floatBitsToUint(g.v[slot * (g_slot / 4) + i]) & 0x7f800000u;
    if (any(equal(exponent, uvec4(0x7f800000u))))
        atomicOr(found.v[slot * SCALE_SIZE + FOUND], floatBitsToUint(1.0));
}
