// SPDX-License-Identifier: MIT
// Adam (Kingma and Ba 2015): betas 0.9 and 0.999, eps 1e-8. correction holds 1 - beta^t of the steps before this one.
// Split: four parameters an invocation (their span is a multiple of 4).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "adam.glsl"
#include "loss_scale.glsl"

layout(constant_id = 0) const bool SCALED = false;

layout(push_constant) uniform Push { KERNEL_ADAM };
FLAT_LAYOUT

const REAL EPSILON = 1e-8;

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i >= count / 4 || (SCALED && loss_scale.v[slot * SCALE_SIZE + FOUND] != 0))
        return;
    const REAL c1 = next_correction1(correction.v[2 * slot]);
    const REAL c2 = next_correction2(correction.v[2 * slot + 1]);
    const uint at_w = slot * (w_slot / 4) + i, at = slot * (g_slot / 4) + i;
    const REAL unscale = SCALED ? 1 / loss_scale.v[slot * SCALE_SIZE + SCALE] : REAL(1); // exact: powers of two
    const REAL4 gradient = g.v[at] * unscale;
    const REAL4 m1 = fma(REAL4(BETA1), m.v[at], REST1 * gradient);
    const REAL4 m2 = fma(REAL4(BETA2), v.v[at], REST2 * gradient * gradient);
    m.v[at] = m1;
    v.v[at] = m2;
    const REAL4 weight = w.v[at_w] - lr.v[slot] / c1 * m1 / (sqrt(m2) / sqrt(c2) + EPSILON);
    w.v[at_w] = weight;
#ifdef HALF
    rounded.v[at] = ACT4(weight);
#endif
}
