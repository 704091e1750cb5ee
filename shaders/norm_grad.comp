// SPDX-License-Identifier: MIT
// dx = weight deviation (g - dbias / n - normal dweight / n), normal = (x - mean) deviation, n = pixels
// (Ioffe and Szegedy 2015, section 3). Split: one element an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(push_constant) uniform Push { KERNEL_NORM_GRAD };
FLAT_LAYOUT

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i >= count)
        return;
    const uint c = i % C, stat = slot * stat_slot + c, d = slot * dweight_slot + c;
    const REAL scale = deviation.v[stat], per_pixel = REAL(1) / REAL(pixels);
    const REAL normal = (REAL(x.v[slot * x_slot + i]) - mean.v[stat]) * scale;
    const REAL rest = REAL(g.v[slot * g_slot + i]) - dbias.v[d] * per_pixel - normal * (dweight.v[d] * per_pixel);
    dx.v[slot * dx_slot + i] = ACT(weight.v[slot * weight_slot + c] * scale * rest);
}
