// SPDX-License-Identifier: MIT
// See loss.glsl: gradient of the loss by the logits. Split: one element an invocation.
// d(dice)/dp = (2 p A - 2 t B) / B^2 with A = 2 sum(p t) + 1, B = sum(p^2) + sum(t^2) + 1; dp/dz = p (1 - p).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "loss.glsl"
#include "loss_scale.glsl"

layout(constant_id = 0) const bool SCALED = false;

FLAT_LAYOUT

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i >= N * pixels * K)
        return;
    const uint k = i % K, n = i / (K * pixels), from = slot * scratch_slot + (n * K + k) * SUMS;
    const REAL z = logits.v[slot * logits_slot + i], t = targets.v[slot * logits_slot + i];
    const REAL p = sigmoid(z), w = bce_weight.v[slot];
    const REAL class_weight = totals.v[slot * scratch_slot + N * K * SUMS + k];
    const REAL a = 2 * totals.v[from + PT] + SMOOTH, b = totals.v[from + PP] + totals.v[from + TT] + SMOOTH;
    const REAL d_bce = class_weight * (p - t) / (REAL(N) * REAL(pixels));
    const REAL d_dice = 2 * (p * (a / b) - t) / b * p * sigmoid(-z) / REAL(N * K);
    const REAL scale = SCALED ? loss_scale.v[slot * SCALE_SIZE + SCALE] : REAL(1);
    gradient.v[slot * gradient_slot + i] = ACT((w * d_bce + (1 - w) * d_dice) * scale);
}
