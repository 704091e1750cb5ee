// SPDX-License-Identifier: MIT
// Gradient of a convolution of stride 1 by its input, by tiles in shared memory: M is input pixels, N input channels, the sum runs
// over (ky, kx, o). x is written, y is dy.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "conv_shared.glsl"

int oy[LEFT_LOADS], ox[LEFT_LOADS];
uint image[LEFT_LOADS];
int ky = 0, kx = 0;
uint o = 0; // vectors of output channels

void fetch()
{
    const uint O4 = O / 4;
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint channel = o + load_index(l) % DEPTH_UNITS;
        const int y_ = oy[l] - ky, x_ = ox[l] - kx;
        left_next[l] = uint(y_) < OH && uint(x_) < OW && channel < O4
                           ? y.v[image[l] + (uint(y_) * OW + uint(x_)) * O4 + channel]
                           : ACT4(0);
    }
    const uint tap = gl_WorkGroupID.z * (w_slot / 4) + uint(ky * KERNEL + kx) * I * O4, i = gl_WorkGroupID.y * COLUMNS * 4;
    [[unroll]] for (uint l = 0; l < RIGHT_LOADS; l++) {
        const uint row = i + load_index(l) / DEPTH_UNITS, channel = o + load_index(l) % DEPTH_UNITS;
        right_next[l] = row < I && channel < O4 ? w.v[tap + row * O4 + channel] : ACT4(0);
    }
    o += DEPTH_UNITS;
    if (o >= O4) {
        o = 0;
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
        PUT_TURNED(right, RIGHT_STRIDE, half_, load_index(l), right_next[l])
}

void main()
{
    const uint first = gl_WorkGroupID.x * ROWS * 4, total = N * H * W, I4 = I / 4;
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint p = min(first + load_index(l) / DEPTH_UNITS, total - 1), row = p / W;
        oy[l] = int(row % H) + PAD;
        ox[l] = int(p % W) + PAD;
        image[l] = gl_WorkGroupID.z * (y_slot / 4) + row / H * (OH * OW * (O / 4));
    }
    [[unroll]] for (uint m = 0; m < TILE_ROWS * 4; m++)
        [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++)
            sums[m][j] = REAL4(0);
    multiply(uint(KERNEL * KERNEL) * ((O / 4 + DEPTH_UNITS - 1) / DEPTH_UNITS));
    [[unroll]] for (uint m = 0; m < TILE_ROWS * 4; m++) {
        const uint p = first + tile_row(m / 4) * 4 + m % 4;
        [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++) {
            const uint column = gl_WorkGroupID.y * COLUMNS + tile_column(j);
            if (p < total && column < I4)
                x.v[gl_WorkGroupID.z * (x_slot / 4) + p * I4 + column] = ACT4(sums[m][j]);
        }
    }
}
