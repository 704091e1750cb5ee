// SPDX-License-Identifier: MIT
// Gradient of a convolution by its input, in gather form: dx[pixel][i] = sum over (ky, kx, o) of dy * w.
//
// Split: an invocation computes TILE_PIXELS input pixels (LOCAL apart) x 4 TILE_VECTORS input channels. x is written, y is dy.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "conv.glsl"

void main()
{
    const uint first = gl_WorkGroupID.x * LOCAL * TILE_PIXELS + gl_LocalInvocationID.x;
    const uint i = gl_WorkGroupID.y * TILE_VECTORS * 4, slot = gl_WorkGroupID.z;
    const uint total = N * H * W, o_units = O / O_UNIT;
    int oy[TILE_PIXELS], ox[TILE_PIXELS];
    uint sample_base[TILE_PIXELS], row_of[TILE_VECTORS * 4];
    REAL4 sum[TILE_PIXELS][TILE_VECTORS];
    // Channels past the last read the last one's weights; their sums are not stored.
    [[unroll]] for (uint j = 0; j < TILE_VECTORS * 4; j++)
        row_of[j] = slot * (w_slot / O_UNIT) + min(i + j, I - 1) * o_units;
    [[unroll]] for (uint m = 0; m < TILE_PIXELS; m++) {
        const uint p = min(first + m * LOCAL, total - 1), row = p / W;
        oy[m] = int(row % H) + PAD;
        ox[m] = int(p % W) + PAD;
        sample_base[m] = slot * (y_slot / O_UNIT) + row / H * (OH * OW * o_units);
        [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++)
            sum[m][j] = REAL4(0);
    }
    for (int ky = 0; ky < KERNEL; ky++) {
        for (int kx = 0; kx < KERNEL; kx++) {
            uint from[TILE_PIXELS];
            REAL inside[TILE_PIXELS];
            bool any = false;
            [[unroll]] for (uint m = 0; m < TILE_PIXELS; m++) {
                const int sy = oy[m] - ky, sx = ox[m] - kx;
                const bool is = sy >= 0 && sx >= 0 && sy % STRIDE == 0 && sx % STRIDE == 0 &&
                                uint(sy / STRIDE) < OH && uint(sx / STRIDE) < OW;
                inside[m] = is ? REAL(1) : REAL(0);
                from[m] = sample_base[m] + (is ? (uint(sy / STRIDE) * OW + uint(sx / STRIDE)) * o_units : 0);
                any = any || is;
            }
            if (STRIDE > 1 && !any)
                continue;
            const uint tap = uint(ky * KERNEL + kx) * I * o_units;
            for (uint o = 0; o < O; o += 4) {
                REAL4 g[TILE_PIXELS];
                [[unroll]] for (uint m = 0; m < TILE_PIXELS; m++)
                    g[m] = load_out4(y, from[m] + o / O_UNIT, O - o, O_ALIGNED) * inside[m];
                const uint weight = tap + o / O_UNIT;
                [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++) {
                    [[unroll]] for (uint c = 0; c < 4; c++) {
                        const REAL4 f = load_act4(w, weight + row_of[4 * j + c], O - o, O_ALIGNED);
                        [[unroll]] for (uint m = 0; m < TILE_PIXELS; m++) {
                            REAL s = sum[m][j][c];
                            s = fma(g[m].x, f.x, s);
                            s = fma(g[m].y, f.y, s);
                            s = fma(g[m].z, f.z, s);
                            sum[m][j][c] = fma(g[m].w, f.w, s);
                        }
                    }
                }
            }
        }
    }
    [[unroll]] for (uint m = 0; m < TILE_PIXELS; m++) {
        const uint p = first + m * LOCAL;
        [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++) {
            const uint channel = i + 4 * j;
            if (p < total && channel < I)
                store_act4(x, slot * (x_slot / I_UNIT) + (p * I + channel) / I_UNIT, I - channel, I_ALIGNED, sum[m][j]);
        }
    }
}
