// SPDX-License-Identifier: MIT
// y = (x - mean) deviation weight + bias, with the batch statistics or the running ones (deviation then holds the
// variance); then, where they follow, a sum with another tensor and a ReLU. Split: four channels of a pixel an invocation where that divides, else one.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(constant_id = 0) const bool RUNNING = false;
layout(constant_id = 1) const bool ALIGNED = false;
layout(constant_id = 2) const bool ADD = false;
layout(constant_id = 3) const bool RELU = false;
const uint UNIT = ALIGNED ? 4 : 1;

const REAL EPSILON = 1e-5;

layout(push_constant) uniform Push { KERNEL_NORM_APPLY };
FLAT_LAYOUT

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i >= count / UNIT)
        return;
    const uint c = i % (C / UNIT), stat = slot * (stat_slot / UNIT) + c, at = slot * (weight_slot / UNIT) + c;
    const REAL4 d = load_real_unit(deviation, stat, ALIGNED), scale = RUNNING ? REAL4(1) / sqrt(d + EPSILON) : d;
    const REAL4 normal = (load_unit(x, slot * (x_slot / UNIT) + i, ALIGNED) - load_real_unit(mean, stat, ALIGNED)) * scale;
    REAL4 value = fma(normal, load_real_unit(weight, at, ALIGNED), load_real_unit(bias, at, ALIGNED));
    if (ADD)
        value += load_unit(added, slot * (added_slot / UNIT) + i, ALIGNED);
    store_unit(y, slot * (y_slot / UNIT) + i, ALIGNED, RELU ? relu(value) : value);
}
