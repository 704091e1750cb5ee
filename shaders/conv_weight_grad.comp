// SPDX-License-Identifier: MIT
// Gradient of a convolution by its weights: for each of `splits` ranges of output rows, dw[ky][kx][i][o] = sum over the range's
// pixels of x * dy. The ranges depend on the shape alone and sum_splits.comp adds them in order.
//
// Split: a workgroup does one (ky, kx) and LOCAL TILE_PIXELS vectors of input channels; an invocation TILE_PIXELS vectors of
// input channels (LOCAL apart) x TILE_VECTORS vectors of output channels. w is written, y is dy.
// gl_WorkGroupID.y: output channels and split; x: (ky, kx) and input channels.
#version 460
#extension GL_GOOGLE_include_directive : require
#define WEIGHT_GRAD
#include "common.glsl"
#include "conv.glsl"

layout(constant_id = 8) const int PIXELS = 4; // of a step

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

    const uint i_units = I / I_UNIT, o_units = O / O_UNIT;
    uint channel[TILE_PIXELS], column[TILE_VECTORS];
    REAL4 sum[TILE_PIXELS * 4][TILE_VECTORS];
    // A tile may reach past the last channels: it reads the last vector again and drops the result.
    [[unroll]] for (uint t = 0; t < TILE_PIXELS; t++)
        channel[t] = I_ALIGNED ? min(i / 4 + t * LOCAL, i_units - 1) : i + 4 * t * LOCAL;
    [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++)
        column[j] = O_ALIGNED ? min(o / 4 + j, o_units - 1) : o + 4 * j;
    [[unroll]] for (uint t = 0; t < TILE_PIXELS * 4; t++)
        [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++)
            sum[t][j] = REAL4(0);
    for (uint row = begin; row < end; row++) {
        const int iy = int(row % OH) * STRIDE + ky - PAD;
        if (uint(iy) >= H)
            continue;
        uint from = slot * (x_slot / I_UNIT) +
                    ((row / OH * H + uint(iy)) * W + uint(left * STRIDE + kx - PAD)) * i_units;
        uint from_dy = slot * (y_slot / O_UNIT) + (row * OW + uint(left)) * o_units;
        // Several pixels a step, so that a sum is fetched and laid back once for all of them where registers are few.
        for (int pixel = left; pixel < right; pixel += PIXELS) {
            REAL4 a[PIXELS][TILE_PIXELS], g[PIXELS][TILE_VECTORS];
            [[unroll]] for (int p = 0; p < PIXELS; p++) {
                const bool inside = pixel + p < right;
                const uint x_at = from + (inside ? uint(p * STRIDE) * i_units : 0), dy_at = from_dy + (inside ? uint(p) * o_units : 0);
                [[unroll]] for (uint t = 0; t < TILE_PIXELS; t++)
                    a[p][t] = load_act4(x, x_at + channel[t], there(i + 4 * t * LOCAL, I), I_ALIGNED);
                [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++)
                    g[p][j] = load_out4(y, dy_at + column[j], there(o + 4 * j, O), O_ALIGNED) * (inside ? REAL(1) : REAL(0));
            }
            [[unroll]] for (uint t = 0; t < TILE_PIXELS; t++)
                [[unroll]] for (uint c = 0; c < 4; c++)
                    [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++)
                        [[unroll]] for (int p = 0; p < PIXELS; p++)
                            sum[t * 4 + c][j] = fma(REAL4(a[p][t][c]), g[p][j], sum[t * 4 + c][j]);
            from += uint(PIXELS * STRIDE) * i_units;
            from_dy += uint(PIXELS) * o_units;
        }
    }
    // Splits are whole weight tensors, so they begin at a unit as well.
    const uint to = slot * (w_slot / O_UNIT) + (split * uint(KERNEL * KERNEL) + tap) * I * o_units;
    [[unroll]] for (uint t = 0; t < TILE_PIXELS; t++) {
        [[unroll]] for (uint c = 0; c < 4; c++) {
            const uint row = i + 4 * t * LOCAL + c;
            [[unroll]] for (uint j = 0; j < TILE_VECTORS; j++) {
                if (row < I && o + 4 * j < O)
                    store_real4(w, to + row * o_units + column[j], there(o + 4 * j, O), O_ALIGNED, sum[t * 4 + c][j]);
            }
        }
    }
}
