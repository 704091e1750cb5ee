// SPDX-License-Identifier: MIT
// After a step: position += {N, 1} and, in training, the bias corrections and the loss scale of each slot. One invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "adam.glsl"
#include "loss_scale.glsl"

layout(constant_id = 0) const bool SCALED = false;

layout(push_constant) uniform Push { KERNEL_ADVANCE };
layout(local_size_x = 1) in;

// Returns whether the step was left out.
bool advance_scale(uint slot)
{
    const uint at = slot * SCALE_SIZE;
    const bool found = loss_scale.v[at + FOUND] != 0;
    loss_scale.v[at + FOUND] = 0;
    loss_scale.v[at + GOOD_STEPS] = found ? REAL(0) : loss_scale.v[at + GOOD_STEPS] + 1;
    if (found)
        loss_scale.v[at + SCALE] = max(loss_scale.v[at + SCALE] * BACKOFF, LEAST);
    if (loss_scale.v[at + GOOD_STEPS] == GROWTH_INTERVAL) {
        loss_scale.v[at + SCALE] = min(loss_scale.v[at + SCALE] * GROWTH, MOST);
        loss_scale.v[at + GOOD_STEPS] = 0;
    }
    return found;
}

void main()
{
    position.v[0] += N;
    position.v[1] += 1;
    if (has_correction == 0)
        return;
    for (uint slot = 0; slot < slots; slot++) {
        if (SCALED && advance_scale(slot))
            continue;
        correction.v[2 * slot] = next_correction1(correction.v[2 * slot]);
        correction.v[2 * slot + 1] = next_correction2(correction.v[2 * slot + 1]);
    }
}
