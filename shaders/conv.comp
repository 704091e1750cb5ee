// SPDX-License-Identifier: MIT
// Convolution forward as an implicit matrix product: rows are output pixels, columns output channels, the sum runs over
// (ky, kx, i) in that order whatever the tile, so that a tile choice never changes a bit.
//
// Split: an invocation computes TILE_PIXELS pixels (LOCAL apart) x 4 TILE_VECTORS channels; the invocations of a workgroup
// lie along the pixels, so that weights are the same address for all of them and pixels are neighbours.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "conv.glsl"

void main()
{
    const uint first = gl_WorkGroupID.x * LOCAL * TILE_PIXELS + gl_LocalInvocationID.x;
    const uint o = gl_WorkGroupID.y * TILE_VECTORS * 4, slot = gl_WorkGroupID.z;
    const uint total = N * OH * OW, i_units = I / I_UNIT, o_units = O / O_UNIT;
    int iy[TILE_PIXELS], ix[TILE_PIXELS];
    uint sample_base[TILE_PIXELS], column[TILE_VECTORS];
    REAL4 sum[TILE_PIXELS][TILE_VECTORS];
    // A tile may reach past the last channel: it reads the last vector again and drops the result.
    [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++)
        column[j] = O_ALIGNED ? min(o / 4 + j, o_units - 1) : o + 4 * j;
    [[unroll]] for (uint m = 0; m < TILE_PIXELS; m++) {
        const uint p = min(first + m * LOCAL, total - 1), row = p / OW;
        iy[m] = int(row % OH) * STRIDE - PAD;
        ix[m] = int(p % OW) * STRIDE - PAD;
        sample_base[m] = slot * (x_slot / I_UNIT) + row / OH * (H * W * i_units);
        [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++)
            sum[m][j] = REAL4(0);
    }
    uint weight = slot * (w_slot / O_UNIT);
    for (int ky = 0; ky < KERNEL; ky++) {
        for (int kx = 0; kx < KERNEL; kx++) {
            uint from[TILE_PIXELS];
            REAL inside[TILE_PIXELS];
            [[unroll]] for (uint m = 0; m < TILE_PIXELS; m++) {
                const int y = iy[m] + ky, xx = ix[m] + kx;
                const bool is = uint(y) < H && uint(xx) < W;
                inside[m] = is ? REAL(1) : REAL(0);
                from[m] = sample_base[m] + (is ? (uint(y) * W + uint(xx)) * i_units : 0);
            }
            for (uint i = 0; i < I; i += 4) {
                REAL4 a[TILE_PIXELS];
                [[unroll]] for (uint m = 0; m < TILE_PIXELS; m++)
                    a[m] = load_act4(x, from[m] + i / I_UNIT, I - i, I_ALIGNED) * inside[m];
                [[unroll]] for (uint c = 0; c < 4; c++) {
                    if (I_ALIGNED || i + c < I) {
                        [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++) {
                            const REAL4 f = load_act4(w, weight + column[j], there(o + 4 * j, O), O_ALIGNED);
                            [[unroll]] for (uint m = 0; m < TILE_PIXELS; m++)
                                sum[m][j] = fma(REAL4(a[m][c]), f, sum[m][j]);
                        }
                        weight += o_units;
                    }
                }
            }
        }
    }
    [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++) {
        const REAL4 bias =
            BIAS ? load_real4(b, slot * (b_slot / O_UNIT) + column[j], there(o + 4 * j, O), O_ALIGNED) : REAL4(0);
        [[unroll]] for (uint m = 0; m < TILE_PIXELS; m++) {
            const uint p = first + m * LOCAL;
            if (p < total && o + 4 * j < O)
                store_out4(y, slot * (y_slot / O_UNIT) + p * o_units + column[j], there(o + 4 * j, O), O_ALIGNED,
                       finish(sum[m][j], bias));
        }
    }
}
