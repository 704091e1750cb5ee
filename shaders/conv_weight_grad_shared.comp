// SPDX-License-Identifier: MIT
// Gradient of a convolution by its weights, by tiles in shared memory: for each (ky, kx) and each of `splits` ranges of output rows M
// is input channels, N output channels, and the sum runs over the range's pixels. w is written, y is dy.
// gl_WorkGroupID.y: output channels and split; x: (ky, kx) and input channels.
#version 460
#extension GL_GOOGLE_include_directive : require
#define WEIGHT_GRAD
#include "common.glsl"
#include "conv_shared.glsl"

int ky, kx;
uint first_i, first_o; // vectors of channels
uint row;              // of the output, over all samples
uint column = 0;       // where the next step begins

void fetch()
{
    const uint I4 = I / 4, O4 = O / 4;
    const int y_ = int(row % OH) * STRIDE + ky - PAD;
    const bool inside = uint(y_) < H;
    const uint from = gl_WorkGroupID.z * (x_slot / 4) + (row / OH * H + (inside ? uint(y_) : 0)) * W * I4;
    const uint from_dy = gl_WorkGroupID.z * (y_slot / 4) + row * OW * O4;
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint at = column + load_index(l) / ROWS, channel = first_i + load_index(l) % ROWS;
        const int x_ = int(at) * STRIDE + kx - PAD;
        left_next[l] = inside && at < OW && uint(x_) < W && channel < I4 ? x.v[from + uint(x_) * I4 + channel] : ACT4(0);
    }
    [[unroll]] for (uint l = 0; l < RIGHT_LOADS; l++) {
        const uint at = column + load_index(l) / COLUMNS, channel = first_o + load_index(l) % COLUMNS;
        right_next[l] = at < OW && channel < O4 ? y.v[from_dy + at * O4 + channel] : ACT4(0);
    }
    column += DEPTH;
    if (column >= OW) {
        column = 0;
        row++;
    }
}

void put(uint half_)
{
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++)
        left[(half_ * DEPTH + load_index(l) / ROWS) * LEFT_STRIDE + load_index(l) % ROWS] = left_next[l];
    [[unroll]] for (uint l = 0; l < RIGHT_LOADS; l++)
        right[(half_ * DEPTH + load_index(l) / COLUMNS) * RIGHT_STRIDE + load_index(l) % COLUMNS] = right_next[l];
}

void main()
{
    const uint I4 = I / 4, O4 = O / 4;
    const uint i_groups = (I4 + ROWS - 1) / ROWS, o_groups = (O4 + COLUMNS - 1) / COLUMNS;
    const uint tap = gl_WorkGroupID.x / i_groups, split = gl_WorkGroupID.y / o_groups;
    const uint rows = N * OH, range = (rows + splits - 1) / splits;
    const uint end = min((split + 1) * range, rows);
    ky = int(tap) / KERNEL;
    kx = int(tap) % KERNEL;
    first_i = gl_WorkGroupID.x % i_groups * ROWS;
    first_o = gl_WorkGroupID.y % o_groups * COLUMNS;
    row = split * range;
    [[unroll]] for (uint m = 0; m < TILE_ROWS * 4; m++)
        [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++)
            sums[m][j] = REAL4(0);
    multiply((end - row) * ((OW + DEPTH - 1) / DEPTH));
    const uint to = gl_WorkGroupID.z * (w_slot / 4) + (split * uint(KERNEL * KERNEL) + tap) * I * O4;
    [[unroll]] for (uint m = 0; m < TILE_ROWS * 4; m++) {
        const uint i = (first_i + tile_row(m / 4)) * 4 + m % 4;
        [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++) {
            const uint o = first_o + tile_column(j);
            if (i < I && o < O4)
                w.v[to + i * O4 + o] = sums[m][j];
        }
    }
}
