// SPDX-License-Identifier: MIT
// Adds the chunks of channel_sums.comp: the mean; then the inverse deviation, and the running statistics with momentum 0.1
// and the unbiased variance. Split: one channel an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(constant_id = 0) const bool VARIANCE = false;

const REAL EPSILON = 1e-5, MOMENTUM = 0.1;

layout(push_constant) uniform Push { KERNEL_NORM_FINISH };
FLAT_LAYOUT

void main()
{
    const uint c = flat_index(), slot = gl_WorkGroupID.z;
    if (c >= C)
        return;
    REAL sum = 0;
    const uint from = slot * partial_slot + c;
    SUM_IN_ORDER(sum, chunks, partial.v[from + s * C])
    const uint stat = slot * stat_slot + c, running = slot * running_slot + c;
    if (!VARIANCE) {
        mean.v[stat] = sum / REAL(pixels);
        return;
    }
    deviation.v[stat] = REAL(1) / sqrt(sum / REAL(pixels) + EPSILON);
    const REAL unbiased = sum / REAL(max(pixels, 2) - 1);
    running_mean.v[running] = running_mean.v[running] * (1 - MOMENTUM) + mean.v[stat] * MOMENTUM;
    running_var.v[running] = running_var.v[running] * (1 - MOMENTUM) + unbiased * MOMENTUM;
}
