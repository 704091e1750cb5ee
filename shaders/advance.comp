// SPDX-License-Identifier: MIT
// After a step: position += {N, 1} and, in training, the bias corrections of each slot. One invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "adam.glsl"

layout(push_constant) uniform Push { KERNEL_ADVANCE };
layout(local_size_x = 1) in;

void main()
{
    position.v[0] += N;
    position.v[1] += 1;
    if (has_correction == 0)
        return;
    for (uint slot = 0; slot < slots; slot++) {
        correction.v[2 * slot] = next_correction1(correction.v[2 * slot]);
        correction.v[2 * slot + 1] = next_correction2(correction.v[2 * slot + 1]);
    }
}
