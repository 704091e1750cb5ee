// SPDX-License-Identifier: MIT
// Max-pool: y and the place (row by row in the window) of the first maximum. A NaN wins, as in PyTorch.
// Split: one output element an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(constant_id = 0) const int KERNEL = 3;
layout(constant_id = 1) const int STRIDE = 2;

layout(push_constant) uniform Push { KERNEL_POOL };
FLAT_LAYOUT

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i >= N * OH * OW * C)
        return;
    const uint c = i % C, ox = i / C % OW, oy = i / (C * OW) % OH, n = i / (C * OW * OH);
    const uint from = slot * x_slot + n * H * W * C + c;
    REAL best = 0;
    uint place = 0;
    bool any = false;
    for (int ky = 0; ky < KERNEL; ky++) {
        for (int kx = 0; kx < KERNEL; kx++) {
            const int iy = int(oy) * STRIDE + ky - KERNEL / 2, ix = int(ox) * STRIDE + kx - KERNEL / 2;
            if (uint(iy) < H && uint(ix) < W) {
                const REAL value = REAL(x.v[from + (uint(iy) * W + uint(ix)) * C]);
                if (!any || value > best || isnan(value)) {
                    best = value;
                    place = uint(ky * KERNEL + kx);
                    any = true;
                }
            }
        }
    }
    y.v[slot * y_slot + i] = ACT(best);
    index.v[slot * index_slot + i] = place;
}
