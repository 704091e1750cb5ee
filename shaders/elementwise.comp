// SPDX-License-Identifier: MIT
// ReLU, its gradient (a is y, b is dy) and the sum. Split: four elements an invocation where that divides.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(constant_id = 0) const uint WHAT = 0;
layout(constant_id = 1) const bool ALIGNED = false;
const uint RELU = 0, RELU_GRAD = 1, ADD = 2;

layout(push_constant) uniform Push { KERNEL_ELEMENTWISE };
FLAT_LAYOUT

REAL4 apply(REAL4 p, REAL4 q)
{
    if (WHAT == RELU)
        return mix(p, REAL4(0), lessThan(p, REAL4(0))); // keeps NaN, which max() may drop
    if (WHAT == RELU_GRAD)
        return mix(REAL4(0), q, greaterThan(p, REAL4(0)));
    return p + q;
}

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i >= (ALIGNED ? count / 4 : count))
        return;
    if (ALIGNED) {
        const REAL4 p = a.v[slot * (a_slot / 4) + i];
        const REAL4 q = WHAT == RELU ? p : b.v[slot * (b_slot / 4) + i];
        y.v[slot * (y_slot / 4) + i] = apply(p, q);
    } else {
        const uint at_a = slot * a_slot + i, at_b = slot * b_slot + i, at_y = slot * y_slot + i;
        const REAL p = a.v[at_a / 4][at_a % 4];
        const REAL q = WHAT == RELU ? p : b.v[at_b / 4][at_b % 4];
        y.v[at_y / 4][at_y % 4] = apply(REAL4(p), REAL4(q)).x;
    }
}
