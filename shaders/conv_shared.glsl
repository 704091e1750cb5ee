// SPDX-License-Identifier: MIT
// Convolutions as matrix products over tiles in shared memory, for devices that have it on chip: left [M][sum] times right
// [sum][N], in steps of DEPTH along the sum. Channels are counted in vectors of four; their numbers are multiples of 4.
//
// Split: a workgroup computes 4 ROWS x 4 COLUMNS elements, an invocation 4 TILE_ROWS x 4 TILE_COLUMNS of them, in vectors that lie
// LOCAL_ROWS and LOCAL_COLUMNS apart, so that neighbours read neighbouring vectors. The sum runs in the order of the other
// convolution kernels, whatever the tile; with fp16 activations the products of a step are added in fp16, two at once, and their sum
// to the fp32 sums, so there DEPTH is part of the result's bits.
//
// A kernel defines fetch(), which loads its share of a step into registers, and put(), which lays it into one half of the shared
// memory; while one half is multiplied, the next step is on its way. LEAN is for compilers and devices that have few registers for a
// tile: loops over DEPTH stay loops, of one line of the sum a turn, and a step that takes many registers is not loaded ahead.
layout(constant_id = 0) const uint LOCAL = 128; // invocations of a workgroup
layout(constant_id = 1) const uint TILE_ROWS = 2;
layout(constant_id = 2) const uint TILE_COLUMNS = 2;
layout(constant_id = 3) const int KERNEL = 3;
layout(constant_id = 4) const int STRIDE = 1;
layout(constant_id = 5) const uint LOCAL_COLUMNS = 8; // a divisor of LOCAL
layout(constant_id = 6) const uint DEPTH = 16;        // a multiple of 4
layout(constant_id = 9) const bool LEAN = false;
#include "conv_epilogue.glsl"
layout(local_size_x_id = 0) in;

const int PAD = KERNEL / 2;
const uint LOCAL_ROWS = LOCAL / LOCAL_COLUMNS;
const uint ROWS = LOCAL_ROWS * TILE_ROWS, COLUMNS = LOCAL_COLUMNS * TILE_COLUMNS; // vectors of four
// Vectors of a step that an invocation loads. ROWS DEPTH and COLUMNS DEPTH are multiples of LOCAL.
const uint LEFT_LOADS = ROWS * DEPTH / LOCAL, RIGHT_LOADS = COLUMNS * DEPTH / LOCAL;
const uint DEPTH_UNITS = DEPTH / 4;
const bool LATE = LEAN && LEFT_LOADS + RIGHT_LOADS > 2; // no step is loaded while another is multiplied

#ifdef WEIGHT_GRAD
layout(push_constant) uniform Push { KERNEL_CONV_WEIGHT_GRAD };
#else
layout(push_constant) uniform Push { KERNEL_CONV };
#endif

// [half][DEPTH][ROWS], with one vector of padding a row, so that what PUT_TURNED writes is spread over the banks. Flat, because
// compilers drop such padding of an array of arrays.
const uint LEFT_STRIDE = ROWS + 1, RIGHT_STRIDE = COLUMNS + 1;
shared ACT4 left[2 * DEPTH * LEFT_STRIDE];
shared ACT4 right[2 * DEPTH * RIGHT_STRIDE];

ACT4 left_next[LEFT_LOADS], right_next[RIGHT_LOADS];
REAL4 sums[TILE_ROWS * 4][TILE_COLUMNS];

// The row and column of an invocation's vectors in the tile.
uint tile_row(uint t)
{
    return gl_LocalInvocationID.x / LOCAL_COLUMNS + t * LOCAL_ROWS;
}

uint tile_column(uint j)
{
    return gl_LocalInvocationID.x % LOCAL_COLUMNS + j * LOCAL_COLUMNS;
}

// The `load`th vector that an invocation loads.
uint load_index(uint load)
{
    return load * LOCAL + gl_LocalInvocationID.x;
}

void fetch();
void put(uint half_);

// Four elements of the sum for one element of M or N lie in a vector: turned while they are laid down.
#define PUT_TURNED(side, stride, half_, index, value)                                              \
    {                                                                                              \
        const uint at_ = (index) / DEPTH_UNITS, depth_ = half_ * DEPTH + (index) % DEPTH_UNITS * 4; \
        [[unroll]] for (uint c_ = 0; c_ < 4; c_++) side[(depth_ + c_) * stride + at_ / 4][at_ % 4] = (value)[c_]; \
    }

#ifdef HALF
// Row by row and a few elements of the sum at once, so that few fp16 sums and factors are alive together.
const uint FEW = LEAN ? 1 : 4;

void accumulate(uint half_)
{
    [[unroll]] for (uint t = 0; t < TILE_ROWS; t++) {
        ACT4 parts[4][TILE_COLUMNS];
        [[unroll]] for (uint c = 0; c < 4; c++)
            [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++)
                parts[c][j] = ACT4(0);
        [[dont_unroll]] for (uint first = 0; first < DEPTH; first += FEW) {
            [[unroll]] for (uint k = 0; k < FEW; k++) {
                const uint line = half_ * DEPTH + first + k;
                const ACT4 a = left[line * LEFT_STRIDE + tile_row(t)];
                [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++) {
                    const ACT4 b = right[line * RIGHT_STRIDE + tile_column(j)];
                    [[unroll]] for (uint c = 0; c < 4; c++)
                        parts[c][j] = fma(ACT4(a[c]), b, parts[c][j]);
                }
            }
        }
        [[unroll]] for (uint c = 0; c < 4; c++)
            [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++)
                sums[4 * t + c][j] += REAL4(parts[c][j]);
    }
}
#else
void add_line(uint line)
{
    REAL4 a[TILE_ROWS], b[TILE_COLUMNS];
    [[unroll]] for (uint t = 0; t < TILE_ROWS; t++)
        a[t] = left[line * LEFT_STRIDE + tile_row(t)];
    [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++)
        b[j] = right[line * RIGHT_STRIDE + tile_column(j)];
    [[unroll]] for (uint t = 0; t < TILE_ROWS; t++)
        [[unroll]] for (uint c = 0; c < 4; c++)
            [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++)
                sums[4 * t + c][j] = fma(REAL4(a[t][c]), b[j], sums[4 * t + c][j]);
}

void accumulate(uint half_)
{
    if (LEAN)
        [[dont_unroll]] for (uint k = 0; k < DEPTH; k++)
            add_line(half_ * DEPTH + k);
    else
        [[unroll]] for (uint k = 0; k < DEPTH; k++)
            add_line(half_ * DEPTH + k);
}
#endif

void multiply(uint steps)
{
    fetch();
    put(0);
    for (uint s = 0; s < steps; s++) {
        barrier(); // this half is full, and nobody reads the other one any more
        if (LATE) {
            if (s + 1 < steps) {
                fetch();
                put((s + 1) % 2);
            }
            accumulate(s % 2);
        } else {
            if (s + 1 < steps)
                fetch();
            accumulate(s % 2);
            if (s + 1 < steps)
                put((s + 1) % 2);
        }
    }
}
