// SPDX-License-Identifier: MIT
// Convolution forward by cooperative matrices: M is output pixels, N output channels (a multiple of 8), the sum runs over (ky, kx, i).
#version 460
#extension GL_GOOGLE_include_directive : require
#define LEFT_ALONG_SUM
#include "common.glsl"
#include "conv_matrix.glsl"

int iy[LEFT_LOADS], ix[LEFT_LOADS];
uint image[LEFT_LOADS]; // elements
int ky = 0, kx = 0;
uint i = 0; // channels; where they are not ALIGNED, elements of the sum

// Eight elements of the sum from `k` on, one by one.
uvec4 gather(uint load, uint k)
{
    f16vec4 parts[2];
    [[unroll]] for (uint e = 0; e < 8; e++) {
        const uint tap = (k + e) / I, channel = (k + e) % I;
        const int y_ = iy[load] + int(tap) / KERNEL, x_ = ix[load] + int(tap) % KERNEL;
        const bool inside = tap < TAPS && uint(y_) < H && uint(x_) < W;
        parts[e / 4][e % 4] =
            inside ? Acts(x).v[image[load] + (uint(y_) * W + uint(x_)) * I + channel] : float16_t(0);
    }
    return to_unit(parts[0], parts[1]);
}

void fetch()
{
    const uint tap = ALIGNED ? uint(ky * KERNEL + kx) * I : 0, end = ALIGNED ? I : TAPS * I;
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint channel = i + load_index(l) % LEFT_UNITS * 8;
        if (ALIGNED) {
            const int y_ = iy[l] + ky, x_ = ix[l] + kx;
            left_next[l] = uint(y_) < H && uint(x_) < W && channel < I
                               ? x.v[(image[l] + (uint(y_) * W + uint(x_)) * I + channel) / 8]
                               : uvec4(0);
        } else {
            left_next[l] = gather(l, channel);
        }
    }
    [[unroll]] for (uint l = 0; l < RIGHT_LOADS; l++) {
        const uint row = i + load_index(l) / RIGHT_UNITS;
        const uint column = gl_WorkGroupID.y * COLUMNS + load_index(l) % RIGHT_UNITS * 8;
        right_next[l] =
            row < end && column < O ? w.v[(gl_WorkGroupID.z * w_slot + (tap + row) * O + column) / 8] : uvec4(0);
    }
    i += DEPTH;
    if (ALIGNED && i >= I) {
        i = 0;
        kx++;
        if (kx == KERNEL) {
            kx = 0;
            ky++;
        }
    }
}

void begin_with_bias()
{
    for (uint at = gl_LocalInvocationID.x; at < MATRIX_M * COLUMNS / 4; at += LOCAL) {
        const uint unit = at % (COLUMNS / 4), column = gl_WorkGroupID.y * COLUMNS + unit * 4;
        left[at / (COLUMNS / 4) * BIAS_STRIDE + unit] =
            column < O ? floatBitsToUint(b.v[(gl_WorkGroupID.z * b_slot + column) / 4]) : uvec4(0);
    }
    barrier();
    [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++) {
        coopMatLoad(sums[j], left, (subgroup_column() + j * MATRIX_N) / 4, BIAS_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        [[unroll]] for (uint t = 1; t < TILE_ROWS; t++)
            sums[t * TILE_COLUMNS + j] = sums[j];
    }
    barrier(); // before the left side is filled
}

void apply_relu()
{
    [[unroll]] for (uint s = 0; s < TILE_ROWS * TILE_COLUMNS; s++)
        for (uint e = 0; e < sums[s].length(); e++)
            sums[s][e] = relu(REAL4(sums[s][e])).x;
}

void store_unit(uint row, uint column, uvec4 unit)
{
    const uint p = gl_WorkGroupID.x * ROWS + row, o = gl_WorkGroupID.y * COLUMNS + column;
    if (p < N * OH * OW && o < O)
        y.v[(gl_WorkGroupID.z * y_slot + p * O + o) / 8] = unit;
}

void main()
{
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint p = min(gl_WorkGroupID.x * ROWS + load_index(l) / LEFT_UNITS, N * OH * OW - 1), row = p / OW;
        iy[l] = int(row % OH) * STRIDE - PAD;
        ix[l] = int(p % OW) * STRIDE - PAD;
        image[l] = gl_WorkGroupID.z * x_slot + row / OH * (H * W * I);
    }
    if (BIAS)
        begin_with_bias();
    else
        begin_with_zeros();
    multiply(ALIGNED ? TAPS * ((I + DEPTH - 1) / DEPTH) : (TAPS * I + DEPTH - 1) / DEPTH);
    if (RELU)
        apply_relu();
    store_sums();
}
