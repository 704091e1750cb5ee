// SPDX-License-Identifier: MIT
// Gradient of the upsampling in gather form: x (written) is dx, y is dy. Split: four channels of an
// input pixel an invocation where that divides, else one.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "upsample.glsl"

layout(push_constant) uniform Push { KERNEL_UPSAMPLE };
FLAT_LAYOUT

// Weight of input row i in output row o.
REAL weight(uint o, uint i, uint size)
{
    REAL upper;
    const uint lower = source(o, size, upper);
    const uint next = min(lower + 1, size - 1);
    return (lower == i ? 1 - upper : REAL(0)) + (next == i ? upper : REAL(0));
}

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    const uint units = C / UNIT;
    if (i >= N * H * W * units)
        return;
    const uint c = i % units, ix = i / units % W, iy = i / (units * W) % H, n = i / (units * W * H);
    // Rows 2 i - 2 ... 2 i + 3 hold all outputs that read row i, since 2 < (2 size - 1) / (size - 1) <= 3.
    const uint y0 = 2 * max(iy, 1) - 2, y1 = min(2 * iy + 3, 2 * H - 1);
    const uint x0 = 2 * max(ix, 1) - 2, x1 = min(2 * ix + 3, 2 * W - 1);
    const uint y_units = y_channels / UNIT, first = slot * (y_slot / UNIT) + y_first / UNIT + c;
    REAL4 sum = REAL4(0);
    for (uint oy = y0; oy <= y1; oy++) {
        const REAL fy = weight(oy, iy, H);
        if (fy == 0)
            continue;
        REAL4 line = REAL4(0);
        const uint from = first + (n * 2 * H + oy) * 2 * W * y_units;
        for (uint ox = x0; ox <= x1; ox++)
            line = fma(REAL4(weight(ox, ix, W)), load_unit(y, from + ox * y_units, ALIGNED), line);
        sum = fma(REAL4(fy), line, sum);
    }
    store_unit(x, slot * (x_slot / UNIT) + i, ALIGNED, sum);
}
