// SPDX-License-Identifier: MIT
// Gradient of a convolution 3x3 of stride 1 by its weights, by Winograd's F(2x2, 3x3): for each of `splits` ranges of tiles M is input
// channels, N output channels, and the sum runs over the range's tiles. w is written, y is dy.
// gl_WorkGroupID.y: output channels and split.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "conv_winograd.glsl"

layout(push_constant) uniform Push { KERNEL_CONV_WEIGHT_GRAD_WINOGRAD };

const uint GRADIENTS = 4; // of a tile of 2x2
uint first_i, first_o, end;
uint tile; // where the next step begins
REAL windows[LEFT_LOADS][PLACES], gradients[RIGHT_LOADS][GRADIENTS];
uint inside[LEFT_LOADS], inside_gradient[RIGHT_LOADS];

void fetch_left()
{
    const uint across = (W + 1) / 2, down = (H + 1) / 2;
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint at = tile + load_index(l) / (4 * ROWS), i = min(first_i + load_index(l) % (4 * ROWS), I - 1);
        const window from = window_of(min(at, end - 1), across, down, H, W, I, 1);
        inside[l] = at < end ? from.inside : 0;
        [[unroll]] for (uint e = 0; e < PLACES; e++)
            windows[l][e] = x.v[gl_WorkGroupID.z * x_slot + i + from.rows[e / 4] + from.columns[e % 4]];
    }
}

void fetch_right()
{
    const uint across = (W + 1) / 2, down = (H + 1) / 2;
    [[unroll]] for (uint l = 0; l < RIGHT_LOADS; l++) {
        const uint at = tile + load_index(l) / (4 * COLUMNS), o = min(first_o + load_index(l) % (4 * COLUMNS), O - 1);
        const window from = window_of(min(at, end - 1), across, down, H, W, O, 0);
        inside_gradient[l] = at < end ? from.inside : 0;
        [[unroll]] for (uint e = 0; e < GRADIENTS; e++)
            gradients[l][e] = y.v[gl_WorkGroupID.z * y_slot + o + from.rows[e / 2] + from.columns[e % 2]];
    }
    tile += DEPTH;
}

// A dy A'
REAL[PLACES] transform_gradient(REAL d[GRADIENTS], uint inside_)
{
    REAL t[8], result[PLACES];
    [[unroll]] for (uint e = 0; e < GRADIENTS; e++)
        d[e] = is_inside(inside_, e / 2, e % 2) ? d[e] : REAL(0);
    [[unroll]] for (uint c = 0; c < 2; c++)
        TRANSFORM_GRADIENT(t, c, 2, d[c], d[2 + c])
    [[unroll]] for (uint r = 0; r < 4; r++)
        TRANSFORM_GRADIENT(result, 4 * r, 1, t[2 * r], t[2 * r + 1])
    return result;
}

void transform_left()
{
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint index = load_index(l);
        if (LEFT_COUNT % LOCAL == 0 || index < LEFT_COUNT)
            put_left(index / (4 * ROWS), index % (4 * ROWS), transform_window(windows[l], inside[l]));
    }
}

void transform_right()
{
    [[unroll]] for (uint l = 0; l < RIGHT_LOADS; l++) {
        const uint index = load_index(l);
        if (RIGHT_COUNT % LOCAL == 0 || index < RIGHT_COUNT)
            put_right(index / (4 * COLUMNS), index % (4 * COLUMNS), transform_gradient(gradients[l], inside_gradient[l]));
    }
}

// Row `row` of a filter's gradient: G' m G.
void write_row(uint split, uint i, uint row, uint m, uint column)
{
    const uint o = first_o / 4 + column, O4 = O / 4;
    REAL4 t[4];
    [[unroll]] for (uint c = 0; c < 4; c++) {
        const REAL4 middle = read_product(4 + c, m, column), next = read_product(8 + c, m, column);
        const REAL4 half_ = 0.5 * (row == 1 ? middle - next : middle + next);
        t[c] = row == 0   ? read_product(c, m, column) + half_
               : row == 1 ? half_
                          : half_ + read_product(12 + c, m, column);
    }
    if (i >= I || o >= O4)
        return;
    const uint to = gl_WorkGroupID.z * (w_slot / 4) + (split * 9 + row * 3) * I * O4 + i * O4 + o, tap = I * O4;
    const REAL4 sum = 0.5 * (t[1] + t[2]);
    w.v[to] = t[0] + sum;
    w.v[to + tap] = 0.5 * (t[1] - t[2]);
    w.v[to + 2 * tap] = sum + t[3];
}

void main()
{
    const uint o_groups = (O + 4 * COLUMNS - 1) / (4 * COLUMNS), split = gl_WorkGroupID.y / o_groups;
    const uint tiles = N * ((H + 1) / 2) * ((W + 1) / 2), range = (tiles + splits - 1) / splits;
    first_i = gl_WorkGroupID.x * 4 * ROWS;
    first_o = gl_WorkGroupID.y % o_groups * 4 * COLUMNS;
    tile = min(split * range, tiles);
    end = min(tile + range, tiles);
    multiply((end - tile + DEPTH - 1) / DEPTH);
    [[unroll]] for (uint t = 0; t < TILE_ROWS; t++) {
        gather_products(t);
        for (uint e = gl_LocalInvocationID.x; e < 3 * 4 * LOCAL_ROWS * COLUMNS; e += LOCAL) {
            const uint m = e / COLUMNS / 3;
            write_row(split, first_i + product_row(t, m), e / COLUMNS % 3, m, e % COLUMNS);
        }
    }
}
