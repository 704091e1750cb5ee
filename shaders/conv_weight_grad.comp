// SPDX-License-Identifier: MIT
// Gradient of a convolution by its weights: for each of `splits` ranges of output rows, dw[ky][kx][i][o] = sum over the range's
// pixels of x * dy. The ranges depend on the shape alone and sum_splits.comp adds them in order.
//
// Split: a workgroup does one (ky, kx) and LOCAL TILE_PIXELS vectors of input channels; an invocation TILE_PIXELS vectors of
// input channels (LOCAL apart) x TILE_VECTORS vectors of output channels. w is written, y is dy.
// gl_WorkGroupID.y: output channels and split; x: (ky, kx) and input channels.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "conv.glsl"

void main()
{
    const uint i_groups = (I + 4 * LOCAL * TILE_PIXELS - 1) / (4 * LOCAL * TILE_PIXELS);
    const uint o_groups = (O + 4 * TILE_VECTORS - 1) / (4 * TILE_VECTORS);
    const uint tap = gl_WorkGroupID.x / i_groups, split = gl_WorkGroupID.y / o_groups, slot = gl_WorkGroupID.z;
    const uint i = (gl_WorkGroupID.x % i_groups * LOCAL * TILE_PIXELS + gl_LocalInvocationID.x) * 4;
    const uint o = gl_WorkGroupID.y % o_groups * TILE_VECTORS * 4;
    const int ky = int(tap) / KERNEL, kx = int(tap) % KERNEL;
    const uint rows = N * OH, range = (rows + splits - 1) / splits;
    const uint begin = split * range, end = min(begin + range, rows);
    // Output columns whose input column lies inside the image.
    const int left = max(0, (PAD - kx + STRIDE - 1) / STRIDE);
    const int right = min(int(OW), (int(W) - 1 + PAD - kx + STRIDE) / STRIDE);

    REAL4 sum[TILE_PIXELS * 4][TILE_VECTORS];
    [[unroll]] for (uint t = 0; t < TILE_PIXELS * 4; t++)
        [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++)
            sum[t][j] = REAL4(0);
    for (uint row = begin; row < end; row++) {
        const int iy = int(row % OH) * STRIDE + ky - PAD;
        if (uint(iy) >= H)
            continue;
        uint from = slot * x_slot + ((row / OH * H + uint(iy)) * W + uint(left * STRIDE + kx - PAD)) * I;
        uint from_dy = slot * y_slot + (row * OW + uint(left)) * O + o;
        for (int column = left; column < right; column++) {
            REAL4 a[TILE_PIXELS], g[TILE_VECTORS];
            [[unroll]] for (uint t = 0; t < TILE_PIXELS; t++) {
                const uint channel = i + 4 * t * LOCAL;
                a[t] = load4(x, from + channel, channel, I, I_ALIGNED);
            }
            [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++)
                g[j] = load4(y, from_dy + 4 * j, o + 4 * j, O, O_ALIGNED);
            [[unroll]] for (uint t = 0; t < TILE_PIXELS; t++)
                [[unroll]] for (uint c = 0; c < 4; c++)
                    [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++)
                        sum[t * 4 + c][j] = fma(REAL4(a[t][c]), g[j], sum[t * 4 + c][j]);
            from += uint(STRIDE) * I;
            from_dy += O;
        }
    }
    const uint to = slot * w_slot + (split * uint(KERNEL * KERNEL) + tap) * I * O + o;
    [[unroll]] for (uint t = 0; t < TILE_PIXELS; t++) {
        [[unroll]] for (uint c = 0; c < 4; c++) {
            const uint channel = i + 4 * t * LOCAL + c;
            if (channel < I) {
                [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++)
                    store4(w, to + channel * O + 4 * j, o + 4 * j, O, O_ALIGNED, sum[t * 4 + c][j]);
            }
        }
    }
}
