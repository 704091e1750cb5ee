// SPDX-License-Identifier: MIT
// Split: one output element an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "upsample.glsl"

layout(push_constant) uniform Push { KERNEL_UPSAMPLE };
FLAT_LAYOUT

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i >= N * 4 * H * W * C)
        return;
    const uint c = i % C, ox = i / C % (2 * W), oy = i / (C * 2 * W) % (2 * H), n = i / (C * 4 * W * H);
    REAL fx, fy;
    const uint ix = source(ox, W, fx), iy = source(oy, H, fy);
    const uint right = ix + 1 < W ? C : 0, below = iy + 1 < H ? W * C : 0;
    const uint at = slot * x_slot + ((n * H + iy) * W + ix) * C + c;
    const REAL top = (1 - fx) * x.v[at] + fx * x.v[at + right];
    const REAL bottom = (1 - fx) * x.v[at + below] + fx * x.v[at + below + right];
    y.v[slot * y_slot + i] = (1 - fy) * top + fy * bottom;
}
