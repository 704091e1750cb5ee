// SPDX-License-Identifier: MIT
// Gradient of a convolution by its input, by cooperative matrices: M is input pixels, N input channels, the sum runs over (ky, kx, o).
// All channels are multiples of 8. x is written, y is dy.
#version 460
#extension GL_GOOGLE_include_directive : require
#define LEFT_ALONG_SUM
#define RIGHT_ALONG_SUM
#include "common.glsl"
#include "conv_matrix.glsl"

int oy[LEFT_LOADS], ox[LEFT_LOADS];
uint image[LEFT_LOADS]; // elements
int ky = 0, kx = 0;
uint o = 0; // channels

void fetch()
{
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint channel = o + load_index(l) % LEFT_UNITS * 8;
        const int sy = oy[l] - ky, sx = ox[l] - kx;
        const bool inside = sy >= 0 && sx >= 0 && sy % STRIDE == 0 && sx % STRIDE == 0 && uint(sy / STRIDE) < OH &&
                            uint(sx / STRIDE) < OW;
        left_next[l] = inside && channel < O
                           ? y.v[(image[l] + (uint(sy / STRIDE) * OW + uint(sx / STRIDE)) * O + channel) / 8]
                           : uvec4(0);
    }
    [[unroll]] for (uint l = 0; l < RIGHT_LOADS; l++) {
        const uint row = gl_WorkGroupID.y * COLUMNS + load_index(l) / RIGHT_UNITS;
        const uint channel = o + load_index(l) % RIGHT_UNITS * 8;
        const uint from = gl_WorkGroupID.z * w_slot + (uint(ky * KERNEL + kx) * I + row) * O + channel;
        right_next[l] = row < I && channel < O ? w.v[from / 8] : uvec4(0);
    }
    o += DEPTH;
    if (o >= O) {
        o = 0;
        kx++;
        if (kx == KERNEL) {
            kx = 0;
            ky++;
        }
    }
}

void store_unit(uint row, uint column, uvec4 unit)
{
    const uint p = gl_WorkGroupID.x * ROWS + row, i = gl_WorkGroupID.y * COLUMNS + column;
    if (p < N * H * W && i < I)
        x.v[(gl_WorkGroupID.z * x_slot + p * I + i) / 8] = unit;
}

void main()
{
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint p = min(gl_WorkGroupID.x * ROWS + load_index(l) / LEFT_UNITS, N * H * W - 1), row = p / W;
        oy[l] = int(row % H) + PAD;
        ox[l] = int(p % W) + PAD;
        image[l] = gl_WorkGroupID.z * y_slot + row / H * (OH * OW * O);
    }
    begin_with_zeros();
    multiply(TAPS * ((O + DEPTH - 1) / DEPTH));
    store_sums();
}
