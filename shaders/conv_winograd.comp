// SPDX-License-Identifier: MIT
// Convolution 3x3 of stride 1 by Winograd's F(2x2, 3x3): M is tiles of 2x2 outputs, N output channels, the sum runs over input
// channels. With INPUT_GRAD defined its gradient by the input, which is a convolution of dy with the filters turned round: x is
// written, y is dy, M is tiles of 2x2 inputs, N input channels, and the sum runs over output channels.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "conv_epilogue.glsl"
#include "conv_winograd.glsl"

#ifdef INPUT_GRAD
layout(push_constant) uniform Push { KERNEL_CONV_INPUT_GRAD_WINOGRAD };
#define FROM y
#define FROM_SLOT y_slot
#define TO x
#define TO_SLOT x_slot
#define SUM_CHANNELS O
#define CHANNELS I
#else
layout(push_constant) uniform Push { KERNEL_CONV_WINOGRAD };
#define FROM x
#define FROM_SLOT x_slot
#define TO y
#define TO_SLOT y_slot
#define SUM_CHANNELS I
#define CHANNELS O
#endif

const uint TAPS = 9;
window window_at[LEFT_LOADS];
REAL windows[LEFT_LOADS][PLACES], filters[RIGHT_LOADS][TAPS];
uint channel = 0; // of the sum, where the next step begins
uint valid;       // a bit for each load whose channel there is

// Line of the sum and element of N of a filter: neighbours read neighbouring weights.
uint filter_line(uint index)
{
#ifdef INPUT_GRAD
    return index % DEPTH;
#else
    return index / (4 * COLUMNS);
#endif
}

uint filter_column(uint index)
{
#ifdef INPUT_GRAD
    return index / DEPTH;
#else
    return index % (4 * COLUMNS);
#endif
}

void fetch_left()
{
    valid = 0;
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint at = channel + load_index(l) % DEPTH, from = gl_WorkGroupID.z * FROM_SLOT + min(at, SUM_CHANNELS - 1);
        valid |= at < SUM_CHANNELS ? 1u << l : 0;
        [[unroll]] for (uint e = 0; e < PLACES; e++)
            windows[l][e] = FROM.v[from + window_at[l].rows[e / 4] + window_at[l].columns[e % 4]];
    }
}

void fetch_right()
{
    [[unroll]] for (uint l = 0; l < RIGHT_LOADS; l++) {
        const uint sum = min(channel + filter_line(load_index(l)), SUM_CHANNELS - 1);
        const uint n = min(gl_WorkGroupID.y * 4 * COLUMNS + filter_column(load_index(l)), CHANNELS - 1);
#ifdef INPUT_GRAD
        const uint from = gl_WorkGroupID.z * w_slot + n * O + sum;
#else
        const uint from = gl_WorkGroupID.z * w_slot + sum * O + n;
#endif
        [[unroll]] for (uint tap = 0; tap < TAPS; tap++)
            filters[l][tap] = w.v[from + tap * I * O];
    }
    channel += DEPTH;
}

// G g G'
REAL[PLACES] transform_filter(REAL g[TAPS])
{
    REAL t[12], result[PLACES];
    [[unroll]] for (uint c = 0; c < 3; c++)
#ifdef INPUT_GRAD
        TRANSFORM_FILTER(t, c, 3, g[8 - c], g[5 - c], g[2 - c])
#else
        TRANSFORM_FILTER(t, c, 3, g[c], g[3 + c], g[6 + c])
#endif
    [[unroll]] for (uint r = 0; r < 4; r++)
        TRANSFORM_FILTER(result, 4 * r, 1, t[3 * r], t[3 * r + 1], t[3 * r + 2])
    return result;
}

void transform_left()
{
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint index = load_index(l);
        if (LEFT_COUNT % LOCAL == 0 || index < LEFT_COUNT)
            put_left(index % DEPTH, index / DEPTH, transform_window(windows[l], (valid >> l & 1) != 0 ? window_at[l].inside : 0));
    }
}

void transform_right()
{
    [[unroll]] for (uint l = 0; l < RIGHT_LOADS; l++) {
        const uint index = load_index(l);
        if (RIGHT_COUNT % LOCAL == 0 || index < RIGHT_COUNT)
            put_right(filter_line(index), filter_column(index), transform_filter(filters[l]));
    }
}

// Two outputs of row `row` of a tile: A' m A. Its products are those of the places from 4 row on.
void write_row(uint tile, uint across, uint down, uint row, uint m, uint column)
{
    const uint n = gl_WorkGroupID.y * COLUMNS + column, N4 = CHANNELS / 4;
    const uint line = tile / across, y_ = line % down * 2 + row, x_ = tile % across * 2;
    REAL4 t[4];
    [[unroll]] for (uint c = 0; c < 4; c++) {
        const REAL4 middle = read_product(4 + c, m, column), next = read_product(8 + c, m, column);
        t[c] = row == 0 ? read_product(c, m, column) + middle + next : middle - next - read_product(12 + c, m, column);
    }
    if (tile >= N * down * across || n >= N4 || y_ >= H)
        return;
#ifdef INPUT_GRAD
    const REAL4 bias = REAL4(0);
#else
    const REAL4 bias = BIAS ? b.v[gl_WorkGroupID.z * (b_slot / 4) + n] : REAL4(0);
#endif
    const uint to = gl_WorkGroupID.z * (TO_SLOT / 4) + ((line / down * H + y_) * W + x_) * N4 + n;
    TO.v[to] = finish(t[0] + t[1] + t[2], bias);
    if (x_ + 1 < W)
        TO.v[to + N4] = finish(t[1] - t[2] - t[3], bias);
}

void main()
{
    const uint across = (W + 1) / 2, down = (H + 1) / 2, first = gl_WorkGroupID.x * 4 * ROWS;
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint tile = min(first + load_index(l) / DEPTH, N * down * across - 1);
        window_at[l] = window_of(tile, across, down, H, W, SUM_CHANNELS, 1);
    }
    multiply((SUM_CHANNELS + DEPTH - 1) / DEPTH);
    [[unroll]] for (uint t = 0; t < TILE_ROWS; t++) {
        gather_products(t);
        for (uint e = gl_LocalInvocationID.x; e < 2 * 4 * LOCAL_ROWS * COLUMNS; e += LOCAL) {
            const uint m = e / COLUMNS / 2;
            write_row(first + product_row(t, m), across, down, e / COLUMNS % 2, m, e % COLUMNS);
        }
    }
}
