// SPDX-License-Identifier: MIT
// Sums over chunks of pixels, one for each channel; sum_splits.comp or norm_finish.comp adds the chunks in order. The gradient of
// a ReLU is taken on the way.
// Split: a workgroup takes UNITS units of channels of a chunk, an invocation every ROWS-th pixel of one unit. Then the rows are
// added in pairs.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(constant_id = 0) const uint WHAT = 0;
layout(constant_id = 1) const bool ALIGNED = false;
layout(constant_id = 2) const bool RELU = false; // g counts where y > 0
const uint UNIT = ALIGNED ? 4 : 1;
const uint SUM = 0;      // g; with RELU also dx = what counts
const uint VARIANCE = 1; // (x - mean)^2
const uint GRADIENT = 2; // g (x - mean) deviation, and g: [chunk][2][C]

const uint UNITS = 8, ROWS = FLAT_LOCAL / UNITS; // the order of a sum: part of the result's bits

layout(push_constant) uniform Push { KERNEL_CHANNEL_SUMS };
FLAT_LAYOUT

shared REAL4 sums[2][FLAT_LOCAL];

REAL4 pair(uint which, uint at)
{
    return sums[which][at] + sums[which][at + UNITS];
}

// Of all eight rows of a unit.
REAL4 total(uint which, uint unit)
{
    return (pair(which, unit) + pair(which, unit + 2 * UNITS)) +
           (pair(which, unit + 4 * UNITS) + pair(which, unit + 6 * UNITS));
}

void main()
{
    const uint local = gl_LocalInvocationID.x, group = flat_index() / FLAT_LOCAL, slot = gl_WorkGroupID.z;
    const uint units = C / UNIT, groups = (units + UNITS - 1) / UNITS; // of a chunk
    const uint c = group % groups * UNITS + local % UNITS, part = group / groups;
    const uint end = c < units ? min(part * chunk + chunk, pixels) : 0;
    const uint stat = slot * (stat_slot / UNIT) + c;
    const uint from = slot * (x_slot / UNIT) + c, from_y = slot * (y_slot / UNIT) + c, to_dx = slot * (dx_slot / UNIT) + c;
    const uint from_g = slot * (g_slot / UNIT) + g_first / UNIT + c, g_units = g_channels / UNIT;
    const REAL4 center = WHAT != SUM && c < units ? load_real_unit(mean, stat, ALIGNED) : REAL4(0);
    REAL4 sum = REAL4(0), plain = REAL4(0);
    for (uint p = part * chunk + local / UNITS; p < end; p += ROWS) {
        if (WHAT == VARIANCE) {
            const REAL4 d = load_unit(x, from + p * units, ALIGNED) - center;
            sum = fma(d, d, sum);
        } else {
            REAL4 d = load_unit(g, from_g + p * g_units, ALIGNED);
            if (RELU)
                d = relu_grad(load_unit(y, from_y + p * units, ALIGNED), d);
            if (RELU && WHAT == SUM)
                store_unit(dx, to_dx + p * units, ALIGNED, d);
            plain += d;
            if (WHAT == GRADIENT)
                sum = fma(d, load_unit(x, from + p * units, ALIGNED) - center, sum);
        }
    }
    sums[0][local] = plain;
    sums[1][local] = sum;
    barrier();
    if (local >= UNITS || part * chunk >= end)
        return;
    plain = total(0, local);
    sum = total(1, local);
    const uint to = slot * (partial_slot / UNIT) + part * (WHAT == GRADIENT ? 2 * units : units) + c;
    if (WHAT == GRADIENT) {
        sum *= load_real_unit(deviation, stat, ALIGNED);
        store_real_unit(partial, to + units, ALIGNED, plain);
    }
    store_real_unit(partial, to, ALIGNED, WHAT == SUM ? plain : sum);
}
