// SPDX-License-Identifier: MIT
// Counts of one label of one sample: counts[position[0] + sample][label] = pixels whose prediction and target are both the label,
// whose prediction is (a probability of 0.5 or more), whose target is. Integers: the same in any order.
// Split: one label of one sample a workgroup, an invocation every LOCAL-th pixel; then one invocation adds each of the three.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

const uint LOCAL = 128, COUNTS = 3;
layout(local_size_x = LOCAL) in;
layout(push_constant) uniform Push { KERNEL_OVERLAP };

shared uint partial[COUNTS][LOCAL];

void main()
{
    const uint local = gl_LocalInvocationID.x, k = gl_WorkGroupID.x, n = gl_WorkGroupID.y, slot = gl_WorkGroupID.z;
    const uint from = slot * logits_slot + n * pixels * K + k;
    uint both = 0, predicted = 0, target = 0;
    for (uint pixel = local; pixel < pixels; pixel += LOCAL) {
        const bool p = logits.v[from + pixel * K] >= 0, t = targets.v[from + pixel * K] >= 0.5;
        both += uint(p && t);
        predicted += uint(p);
        target += uint(t);
    }
    partial[0][local] = both;
    partial[1][local] = predicted;
    partial[2][local] = target;
    barrier();
    if (local >= COUNTS)
        return;
    uint sum = 0;
    for (uint i = 0; i < LOCAL; i++)
        sum += partial[local][i];
    counts.v[slot * counts_slot + ((position.v[0] + n) * K + k) * COUNTS + local] = sum;
}
