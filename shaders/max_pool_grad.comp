// SPDX-License-Identifier: MIT
// Gradient of max-pool in gather form: x (written) is dx, y is dy. Split: one input element an invocation.
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
    if (i >= N * H * W * C)
        return;
    const uint c = i % C, n = i / (C * W * H);
    const int ix = int(i / C % W), iy = int(i / (C * W) % H);
    REAL sum = 0;
    for (int ky = KERNEL - 1; ky >= 0; ky--) { // outputs in ascending order
        for (int kx = KERNEL - 1; kx >= 0; kx--) {
            const int sy = iy + KERNEL / 2 - ky, sx = ix + KERNEL / 2 - kx;
            if (sy < 0 || sx < 0 || sy % STRIDE != 0 || sx % STRIDE != 0)
                continue;
            const uint oy = uint(sy / STRIDE), ox = uint(sx / STRIDE);
            if (oy < OH && ox < OW) {
                const uint at = ((n * OH + oy) * OW + ox) * C + c;
                if (index.v[slot * index_slot + at] == uint(ky * KERNEL + kx))
                    sum += REAL(y.v[slot * y_slot + at]);
            }
        }
    }
    x.v[slot * x_slot + i] = ACT(sum);
}
