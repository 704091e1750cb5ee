// SPDX-License-Identifier: MIT
// dx = weight deviation (g - dbias / n - normal dweight / n), normal = (x - mean) deviation, n = pixels
// (Ioffe and Szegedy 2015, section 3). Split: four channels of a pixel an invocation where that divides, else one.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(constant_id = 0) const bool ALIGNED = false;
layout(constant_id = 1) const bool RELU = false; // g counts where y > 0
const uint UNIT = ALIGNED ? 4 : 1;

layout(push_constant) uniform Push { KERNEL_NORM_GRAD };
FLAT_LAYOUT

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i >= count / UNIT)
        return;
    const uint c = i % (C / UNIT), stat = slot * (stat_slot / UNIT) + c, at = slot * (dweight_slot / UNIT) + c;
    const REAL4 scale = load_real_unit(deviation, stat, ALIGNED);
    const REAL4 normal = (load_unit(x, slot * (x_slot / UNIT) + i, ALIGNED) - load_real_unit(mean, stat, ALIGNED)) * scale;
    REAL4 d = load_unit(g, slot * (g_slot / UNIT) + i, ALIGNED);
    if (RELU)
        d = relu_grad(load_unit(y, slot * (y_slot / UNIT) + i, ALIGNED), d);
    const REAL per_pixel = REAL(1) / REAL(pixels);
    const REAL4 rest =
        d - load_real_unit(dbias, at, ALIGNED) * per_pixel - normal * (load_real_unit(dweight, at, ALIGNED) * per_pixel);
    store_unit(dx, slot * (dx_slot / UNIT) + i, ALIGNED,
               load_real_unit(weight, slot * (weight_slot / UNIT) + c, ALIGNED) * scale * rest);
}
