// SPDX-License-Identifier: MIT
// y = (x - mean) deviation weight + bias, with the batch statistics or the running ones (deviation then holds the
// variance). Split: one element an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(constant_id = 0) const bool RUNNING = false;

const REAL EPSILON = 1e-5;

layout(push_constant) uniform Push { KERNEL_NORM_APPLY };
FLAT_LAYOUT

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i >= count)
        return;
    const uint c = i % C, stat = slot * stat_slot + c, w = slot * weight_slot + c;
    const REAL d = deviation.v[stat], scale = RUNNING ? REAL(1) / sqrt(d + EPSILON) : d;
    const REAL normal = (REAL(x.v[slot * x_slot + i]) - mean.v[stat]) * scale;
    y.v[slot * y_slot + i] = ACT(fma(normal, weight.v[w], bias.v[w]));
}
