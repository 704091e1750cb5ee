// SPDX-License-Identifier: MIT
// Gathers the samples of a batch from the data set. Split: one element of one sample an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(push_constant) uniform Push { KERNEL_GATHER };
FLAT_LAYOUT

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i >= N * count)
        return;
    const uint n = i / count, target = order.v[slot * order_slot + position.v[0] + n];
    y.v[slot * y_slot + i] = ACT(data.v[target * count + i % count]);
}
