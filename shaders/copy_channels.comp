// SPDX-License-Identifier: MIT
// Copies a range of channels: a concatenation is two of these, a slice is one. Split: four channels an invocation where
// everything is a multiple of 4.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(constant_id = 0) const bool ALIGNED = false;

layout(push_constant) uniform Push { KERNEL_COPY_CHANNELS };
FLAT_LAYOUT

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z, each = ALIGNED ? 4 : 1;
    if (i >= pixels * C / each)
        return;
    const uint c = i % (C / each) * each, p = i / (C / each);
    const uint from = slot * x_slot + p * x_channels + x_first + c;
    const uint to = slot * y_slot + p * y_channels + y_first + c;
    if (ALIGNED)
        y.v[to / 4] = x.v[from / 4];
    else
        y.v[to / 4][to % 4] = x.v[from / 4][from % 4];
}
