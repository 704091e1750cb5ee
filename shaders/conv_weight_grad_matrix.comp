// SPDX-License-Identifier: MIT
// Gradient of a convolution by its weights, by cooperative matrices: for each of `splits` ranges of output rows M is (ky, kx, i), N
// output channels (a multiple of 8), and the sum runs over the range's pixels. w is written, y is dy.
// gl_WorkGroupID.x: (ky, kx, i); y: output channels and split.
#version 460
#extension GL_GOOGLE_include_directive : require
#define FLOAT_SUMS
#include "common.glsl"
#include "conv_matrix.glsl"

const uint MEMBERS = ALIGNED ? 1 : 8; // of a unit on the left that have a place of their own

// For each unit: the output pixel it belongs to, and its place, or its elements' places, relative to that pixel's window.
int oy[LEFT_LOADS], ox[LEFT_LOADS];
uint image[LEFT_LOADS]; // elements
int tap_y[LEFT_LOADS * MEMBERS], tap_x[LEFT_LOADS * MEMBERS];
uint channel[LEFT_LOADS * MEMBERS];
uint pixel, end, split, first_o;

// Element of x that a unit (or a member of it) holds, or ~0 outside the image.
uint source(uint load, uint member)
{
    const int y_ = oy[load] * STRIDE + tap_y[member], x_ = ox[load] * STRIDE + tap_x[member];
    const bool inside = pixel + load_index(load) / LEFT_UNITS < end && uint(y_) < H && uint(x_) < W && channel[member] < I;
    return inside ? image[load] + (uint(y_) * W + uint(x_)) * I + channel[member] : ~0u;
}

uvec4 gather(uint load)
{
    f16vec4 parts[2];
    [[unroll]] for (uint e = 0; e < 8; e++) {
        const uint from = source(load, load * MEMBERS + e % MEMBERS);
        parts[e / 4][e % 4] = from != ~0u ? Acts(x).v[from] : float16_t(0);
    }
    return to_unit(parts[0], parts[1]);
}

// The same unit of the next step: DEPTH pixels on.
void advance_pixel(uint load)
{
    ox[load] += int(DEPTH);
    while (ox[load] >= int(OW)) {
        ox[load] -= int(OW);
        oy[load]++;
        if (oy[load] == int(OH)) {
            oy[load] = 0;
            image[load] += H * W * I;
        }
    }
}

void fetch()
{
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        if (ALIGNED) {
            const uint from = source(l, l);
            left_next[l] = from != ~0u ? x.v[from / 8] : uvec4(0);
        } else {
            left_next[l] = gather(l);
        }
        advance_pixel(l);
    }
    [[unroll]] for (uint l = 0; l < RIGHT_LOADS; l++) {
        const uint p = pixel + load_index(l) / RIGHT_UNITS, o = first_o + load_index(l) % RIGHT_UNITS * 8;
        right_next[l] = p < end && o < O ? y.v[(gl_WorkGroupID.z * y_slot + p * O + o) / 8] : uvec4(0);
    }
    pixel += DEPTH;
}

void store_unit(uint row, uint column, uvec4 unit)
{
    const uint m = gl_WorkGroupID.x * ROWS + row, o = first_o + column;
    if (m < TAPS * I && o < O)
        w.v[(gl_WorkGroupID.z * w_slot + (split * TAPS * I + m) * O + o) / 4] = uintBitsToFloat(unit);
}

void main()
{
    const uint o_groups = (O + COLUMNS - 1) / COLUMNS, rows = N * OH, range = (rows + splits - 1) / splits;
    split = gl_WorkGroupID.y / o_groups;
    first_o = gl_WorkGroupID.y % o_groups * COLUMNS;
    pixel = split * range * OW;
    end = min((split + 1) * range, rows) * OW;
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint p = pixel + load_index(l) / LEFT_UNITS, row = p / OW;
        ox[l] = int(p % OW);
        oy[l] = int(row % OH);
        image[l] = gl_WorkGroupID.z * x_slot + row / OH * (H * W * I);
        [[unroll]] for (uint e = 0; e < MEMBERS; e++) {
            const uint m = gl_WorkGroupID.x * ROWS + load_index(l) % LEFT_UNITS * 8 + e, tap = m / I;
            tap_y[l * MEMBERS + e] = int(tap) / KERNEL - PAD;
            tap_x[l * MEMBERS + e] = int(tap) % KERNEL - PAD;
            channel[l * MEMBERS + e] = tap < TAPS ? m % I : I;
        }
    }
    begin_with_zeros();
    multiply((end - pixel + DEPTH - 1) / DEPTH);
    store_sums();
}
