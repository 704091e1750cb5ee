// SPDX-License-Identifier: MIT
// Sums over chunks of pixels, one for each channel; sum_splits.comp or norm_finish.comp adds the chunks in order.
// Split: one channel of one chunk an invocation, neighbours along the channels.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(constant_id = 0) const uint WHAT = 0;
const uint SUM = 0;      // x
const uint VARIANCE = 1; // (x - mean)^2
const uint GRADIENT = 2; // g (x - mean) deviation, and g: [chunk][2][C]

layout(push_constant) uniform Push { KERNEL_CHANNEL_SUMS };
FLAT_LAYOUT

void main()
{
    const uint index = flat_index(), slot = gl_WorkGroupID.z;
    const uint chunks = (pixels + chunk - 1) / chunk;
    if (index >= chunks * C)
        return;
    const uint c = index % C, part = index / C;
    const uint begin = part * chunk, end = min(begin + chunk, pixels);
    const uint from = slot * x_slot + c, from_g = slot * g_slot + c;
    const REAL center = WHAT == SUM ? REAL(0) : mean.v[slot * stat_slot + c];
    REAL sum = 0, plain = 0;
    for (uint p = begin; p < end; p++) {
        if (WHAT == SUM) {
            sum += REAL(x.v[from + p * C]);
        } else if (WHAT == VARIANCE) {
            const REAL d = REAL(x.v[from + p * C]) - center;
            sum = fma(d, d, sum);
        } else {
            const REAL d = REAL(g.v[from_g + p * C]);
            plain += d;
            sum = fma(d, REAL(x.v[from + p * C]) - center, sum);
        }
    }
    const uint to = slot * partial_slot + part * (WHAT == GRADIENT ? 2 * C : C) + c;
    if (WHAT == GRADIENT) {
        partial.v[to] = sum * deviation.v[slot * stat_slot + c];
        partial.v[to + C] = plain;
    } else {
        partial.v[to] = sum;
    }
}
