// SPDX-License-Identifier: MIT
// See loss.glsl. One workgroup a slot: the totals of (sample, class) in parallel, then one invocation the metrics.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "loss.glsl"

layout(local_size_x = 64) in;

void add_chunks(uint slot, uint pair)
{
    const uint k = pair % K, n = pair / K;
    REAL total[SUMS] = REAL[SUMS](0, 0, 0, 0, 0);
    for (uint part = 0; part < chunk_count(); part++) {
        const uint from = slot * scratch_slot + ((n * chunk_count() + part) * K + k) * SUMS;
        [[unroll]] for (uint s = 0; s < SUMS; s++)
            total[s] += sums.v[from + s];
    }
    [[unroll]] for (uint s = 0; s < SUMS; s++)
        totals.v[slot * scratch_slot + pair * SUMS + s] = total[s];
}

void finish(uint slot)
{
    const REAL all = REAL(N) * REAL(pixels);
    REAL bce = 0, dice = 0;
    for (uint k = 0; k < K; k++) {
        REAL target_sum = 0, bce_sum = 0;
        for (uint n = 0; n < N; n++) {
            const uint from = slot * scratch_slot + (n * K + k) * SUMS;
            target_sum += totals.v[from + T];
            bce_sum += totals.v[from + BCE];
            dice += 1 - (2 * totals.v[from + PT] + SMOOTH) / (totals.v[from + PP] + totals.v[from + TT] + SMOOTH);
        }
        const REAL class_weight = (all - target_sum) / all;
        totals.v[slot * scratch_slot + N * K * SUMS + k] = class_weight;
        bce += bce_sum / all * class_weight;
    }
    dice /= REAL(N * K);
    const REAL w = bce_weight.v[slot];
    const uint to = slot * metrics_slot + position.v[1] * 3;
    metrics.v[to] = bce;
    metrics.v[to + 1] = dice;
    metrics.v[to + 2] = w * bce + (1 - w) * dice;
}

void main()
{
    const uint slot = gl_WorkGroupID.z;
    for (uint pair = gl_LocalInvocationID.x; pair < N * K; pair += 64)
        add_chunks(slot, pair);
    memoryBarrierBuffer();
    barrier();
    if (gl_LocalInvocationID.x == 0)
        finish(slot);
}
