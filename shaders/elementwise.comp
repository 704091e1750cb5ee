// SPDX-License-Identifier: MIT
// ReLU, its gradient (a is y, b is dy) and the sum. Split: four elements an invocation where that divides.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(constant_id = 0) const uint WHAT = 0;
layout(constant_id = 1) const bool ALIGNED = false;
const uint UNIT = ALIGNED ? 4 : 1;
const uint RELU = 0, RELU_GRAD = 1, ADD = 2;

layout(push_constant) uniform Push { KERNEL_ELEMENTWISE };
FLAT_LAYOUT

REAL4 apply(REAL4 p, REAL4 q)
{
    if (WHAT == RELU)
        return relu(p);
    if (WHAT == RELU_GRAD)
        return relu_grad(p, q);
    return p + q;
}

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i >= count / UNIT)
        return;
    const REAL4 p = load_unit(a, slot * (a_slot / UNIT) + i, ALIGNED);
    const REAL4 q = WHAT == RELU ? p : load_unit(b, slot * (b_slot / UNIT) + i, ALIGNED);
    store_unit(y, slot * (y_slot / UNIT) + i, ALIGNED, apply(p, q));
}
