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
    // Once is enough: of a run that has failed all gradients may be so.
    const uint to = slot * SCALE_SIZE + FOUND;
    if (any(equal(exponent, uvec4(0x7f800000u))) && found.v[to] == 0)
        atomicOr(found.v[to], floatBitsToUint(1.0));
}
