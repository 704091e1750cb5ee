// SPDX-License-Identifier: MIT
// Convolution forward by tiles in shared memory: M is output pixels, N output channels, the sum runs over (ky, kx, i).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "conv_shared.glsl"

int iy[LEFT_LOADS], ix[LEFT_LOADS];
uint image[LEFT_LOADS];
int ky = 0, kx = 0;
uint i = 0; // vectors of input channels

void fetch()
{
    const uint I4 = I / 4, O4 = O / 4;
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint channel = i + load_index(l) % DEPTH_UNITS;
        const int y_ = iy[l] + ky, x_ = ix[l] + kx;
        left_next[l] = uint(y_) < H && uint(x_) < W && channel < I4
                           ? x.v[image[l] + (uint(y_) * W + uint(x_)) * I4 + channel]
                           : ACT4(0);
    }
    const uint tap = gl_WorkGroupID.z * (w_slot / 4) + uint(ky * KERNEL + kx) * I * O4, o = gl_WorkGroupID.y * COLUMNS;
    [[unroll]] for (uint l = 0; l < RIGHT_LOADS; l++) {
        const uint row = 4 * i + load_index(l) / COLUMNS, column = o + load_index(l) % COLUMNS;
        right_next[l] = row < I && column < O4 ? w.v[tap + row * O4 + column] : ACT4(0);
    }
    i += DEPTH_UNITS;
    if (i >= I4) {
        i = 0;
        kx++;
        if (kx == KERNEL) {
            kx = 0;
            ky++;
        }
    }
}

void put(uint half_)
{
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++)
        PUT_TURNED(left, LEFT_STRIDE, half_, load_index(l), left_next[l])
    [[unroll]] for (uint l = 0; l < RIGHT_LOADS; l++)
        right[(half_ * DEPTH + load_index(l) / COLUMNS) * RIGHT_STRIDE + load_index(l) % COLUMNS] = right_next[l];
}

void main()
{
    const uint first = gl_WorkGroupID.x * ROWS * 4, total = N * OH * OW, O4 = O / 4;
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint p = min(first + load_index(l) / DEPTH_UNITS, total - 1), row = p / OW;
        iy[l] = int(row % OH) * STRIDE - PAD;
        ix[l] = int(p % OW) * STRIDE - PAD;
        image[l] = gl_WorkGroupID.z * (x_slot / 4) + row / OH * (H * W * (I / 4));
    }
    [[unroll]] for (uint m = 0; m < TILE_ROWS * 4; m++)
        [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++)
            sums[m][j] = REAL4(0);
    multiply(uint(KERNEL * KERNEL) * ((I / 4 + DEPTH_UNITS - 1) / DEPTH_UNITS));
    [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++) {
        const uint column = gl_WorkGroupID.y * COLUMNS + tile_column(j);
        const REAL4 bias = BIAS ? b.v[gl_WorkGroupID.z * (b_slot / 4) + min(column, O4 - 1)] : REAL4(0);
        [[unroll]] for (uint m = 0; m < TILE_ROWS * 4; m++) {
            const uint p = first + tile_row(m / 4) * 4 + m % 4;
            if (p < total && column < O4)
                y.v[gl_WorkGroupID.z * (y_slot / 4) + p * O4 + column] = OUT4(finish(sums[m][j], bias));
        }
    }
}
