// SPDX-License-Identifier: MIT
// Split: four channels of an output pixel an invocation where that divides, else one.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "upsample.glsl"

layout(push_constant) uniform Push { KERNEL_UPSAMPLE };
FLAT_LAYOUT

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    const uint units = C / UNIT;
    if (i >= N * 4 * H * W * units)
        return;
    const uint c = i % units, ox = i / units % (2 * W), oy = i / (units * 2 * W) % (2 * H), n = i / (units * 4 * W * H);
    REAL fx, fy;
    const uint ix = source(ox, W, fx), iy = source(oy, H, fy);
    const uint right = ix + 1 < W ? units : 0, below = iy + 1 < H ? W * units : 0;
    const uint at = slot * (x_slot / UNIT) + ((n * H + iy) * W + ix) * units + c;
    const REAL4 top = (1 - fx) * load_unit(x, at, ALIGNED) + fx * load_unit(x, at + right, ALIGNED);
    const REAL4 bottom =
        (1 - fx) * load_unit(x, at + below, ALIGNED) + fx * load_unit(x, at + below + right, ALIGNED);
    const uint to = slot * (y_slot / UNIT) + i / units * (y_channels / UNIT) + y_first / UNIT + c;
    store_unit(y, to, ALIGNED, (1 - fy) * top + fy * bottom);
}
