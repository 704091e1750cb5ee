// SPDX-License-Identifier: MIT
// Convolutions as matrix products by cooperative matrices (GL_KHR_cooperative_matrix): left [M][sum] times right [sum][N], fp16
// factors and fp32 sums, in steps of DEPTH along the sum. Elements are moved in units of eight.
//
// Split: a workgroup computes ROWS x COLUMNS elements, a subgroup TILE_ROWS x TILE_COLUMNS matrices of them that lie beside each
// other. The sum runs in the order of the other convolution kernels, MATRIX_K elements at once, whatever the tile.
//
// A kernel says by LEFT_ALONG_SUM and RIGHT_ALONG_SUM whether a line of shared memory holds neighbours along the sum or along M or N,
// whichever lie side by side in device memory, and defines fetch(), which loads its share of a step into registers. While one half of
// the shared memory is multiplied, the next step is on its way.
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require

layout(constant_id = 0) const uint LOCAL = 256;   // invocations of a workgroup
layout(constant_id = 1) const uint TILE_ROWS = 2; // matrices of a subgroup
layout(constant_id = 2) const uint TILE_COLUMNS = 4;
layout(constant_id = 3) const int KERNEL = 3;
layout(constant_id = 4) const int STRIDE = 1;
layout(constant_id = 5) const uint LOCAL_COLUMNS = 2; // subgroups along N: a divisor of all there are
layout(constant_id = 6) const uint DEPTH = 32;        // a multiple of MATRIX_K and of 8
#include "conv_epilogue.glsl"
layout(constant_id = 8) const bool ALIGNED = true; // input channels are a multiple of 8
layout(constant_id = 9) const uint SUBGROUP = 32;  // invocations
layout(constant_id = 10) const uint MATRIX_M = 16;
layout(constant_id = 11) const uint MATRIX_N = 16;
layout(constant_id = 12) const uint MATRIX_K = 16;
layout(local_size_x_id = 0) in;

const int PAD = KERNEL / 2;
const uint TAPS = uint(KERNEL * KERNEL);
const uint SUBGROUPS = LOCAL / SUBGROUP;
const uint ROWS = SUBGROUPS / LOCAL_COLUMNS * TILE_ROWS * MATRIX_M, COLUMNS = LOCAL_COLUMNS * TILE_COLUMNS * MATRIX_N;

#ifdef FLOAT_SUMS
#define FLOAT_STAGE
layout(push_constant) uniform Push { KERNEL_CONV_WEIGHT_GRAD_MATRIX };
#else
layout(push_constant) uniform Push { KERNEL_CONV_MATRIX };
#endif

// Lines of units of eight elements, and one unit of padding, so that the lines that a matrix is read from lie on different banks.
#ifdef LEFT_ALONG_SUM
const uint LEFT_LINES = ROWS, LEFT_UNITS = DEPTH / 8;
const int LEFT_LAYOUT = gl_CooperativeMatrixLayoutRowMajor;
#else
const uint LEFT_LINES = DEPTH, LEFT_UNITS = ROWS / 8;
const int LEFT_LAYOUT = gl_CooperativeMatrixLayoutColumnMajor;
#endif
#ifdef RIGHT_ALONG_SUM
const uint RIGHT_LINES = COLUMNS, RIGHT_UNITS = DEPTH / 8;
const int RIGHT_LAYOUT = gl_CooperativeMatrixLayoutColumnMajor;
#else
const uint RIGHT_LINES = DEPTH, RIGHT_UNITS = COLUMNS / 8;
const int RIGHT_LAYOUT = gl_CooperativeMatrixLayoutRowMajor;
#endif
const uint LEFT_STRIDE = LEFT_UNITS + 1, RIGHT_STRIDE = RIGHT_UNITS + 1;
const uint LEFT_COUNT = LEFT_LINES * LEFT_UNITS, RIGHT_COUNT = RIGHT_LINES * RIGHT_UNITS;
// Units of a step that an invocation loads.
const uint LEFT_LOADS = (LEFT_COUNT + LOCAL - 1) / LOCAL, RIGHT_LOADS = (RIGHT_COUNT + LOCAL - 1) / LOCAL;

// The left side's memory serves twice more: sums begin with a bias that is read from MATRIX_M equal lines of it, and pass through it
// on their way out, STAGE_COLUMNS matrices of each subgroup at once. Sums that leave as fp16 are rounded as a matrix, or, with
// FLOAT_STAGE, for devices that have no fp16 matrix of sums, on their way from there.
#ifdef FLOAT_SUMS
const uint STAGE_COLUMNS = 1, OUT_UNIT = 4; // elements of a unit, which is 16 bytes
#else
const uint STAGE_COLUMNS = TILE_COLUMNS, OUT_UNIT = 8;
#endif
#ifdef FLOAT_STAGE
const uint STAGE_UNIT = 4;
#else
const uint STAGE_UNIT = OUT_UNIT;
#endif
const uint OUT_UNITS = STAGE_COLUMNS * MATRIX_N / OUT_UNIT, STAGE_STRIDE = STAGE_COLUMNS * MATRIX_N / STAGE_UNIT + 1;
const uint STAGE_SIZE = SUBGROUPS * MATRIX_M * STAGE_STRIDE;
const uint BIAS_STRIDE = COLUMNS / 4 + 1, BIAS_SIZE = BIAS ? MATRIX_M * BIAS_STRIDE : 0;
const uint LEFT_HALF = LEFT_LINES * LEFT_STRIDE, RIGHT_HALF = RIGHT_LINES * RIGHT_STRIDE;
const uint OTHER_SIZE = STAGE_SIZE > BIAS_SIZE ? STAGE_SIZE : BIAS_SIZE;

shared uvec4 left[2 * LEFT_HALF > OTHER_SIZE ? 2 * LEFT_HALF : OTHER_SIZE];
shared uvec4 right[2 * RIGHT_HALF];

uvec4 left_next[LEFT_LOADS], right_next[RIGHT_LOADS];
coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator> sums[TILE_ROWS * TILE_COLUMNS];

// The `load`th unit that an invocation loads.
uint load_index(uint load)
{
    return load * LOCAL + gl_LocalInvocationID.x;
}

// Where a subgroup's matrices begin, in elements of the tile.
uint subgroup_row()
{
    return gl_SubgroupID / LOCAL_COLUMNS * TILE_ROWS * MATRIX_M;
}

uint subgroup_column()
{
    return gl_SubgroupID % LOCAL_COLUMNS * TILE_COLUMNS * MATRIX_N;
}

void fetch();

void put(uint half_)
{
    [[unroll]] for (uint l = 0; l < LEFT_LOADS; l++) {
        const uint at = load_index(l);
        if (LEFT_COUNT % LOCAL == 0 || at < LEFT_COUNT)
            left[half_ * LEFT_HALF + at / LEFT_UNITS * LEFT_STRIDE + at % LEFT_UNITS] = left_next[l];
    }
    [[unroll]] for (uint l = 0; l < RIGHT_LOADS; l++) {
        const uint at = load_index(l);
        if (RIGHT_COUNT % LOCAL == 0 || at < RIGHT_COUNT)
            right[half_ * RIGHT_HALF + at / RIGHT_UNITS * RIGHT_STRIDE + at % RIGHT_UNITS] = right_next[l];
    }
}

// Where a matrix begins in the left and in the right memory.
uint left_at(uint half_, uint row, uint k)
{
#ifdef LEFT_ALONG_SUM
    return half_ * LEFT_HALF + row * LEFT_STRIDE + k / 8;
#else
    return half_ * LEFT_HALF + k * LEFT_STRIDE + row / 8;
#endif
}

uint right_at(uint half_, uint k, uint column)
{
#ifdef RIGHT_ALONG_SUM
    return half_ * RIGHT_HALF + column * RIGHT_STRIDE + k / 8;
#else
    return half_ * RIGHT_HALF + k * RIGHT_STRIDE + column / 8;
#endif
}

void accumulate(uint half_)
{
    subgroupBarrier(); // matrices are a whole subgroup's, and what each invocation has loaded before may have led them apart
    [[unroll]] for (uint k = 0; k < DEPTH; k += MATRIX_K) {
        coopmat<float16_t, gl_ScopeSubgroup, MATRIX_M, MATRIX_K, gl_MatrixUseA> a[TILE_ROWS];
        coopmat<float16_t, gl_ScopeSubgroup, MATRIX_K, MATRIX_N, gl_MatrixUseB> b;
        [[unroll]] for (uint t = 0; t < TILE_ROWS; t++)
            coopMatLoad(a[t], left, left_at(half_, subgroup_row() + t * MATRIX_M, k), LEFT_STRIDE, LEFT_LAYOUT);
        [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j++) {
            coopMatLoad(b, right, right_at(half_, k, subgroup_column() + j * MATRIX_N), RIGHT_STRIDE, RIGHT_LAYOUT);
            [[unroll]] for (uint t = 0; t < TILE_ROWS; t++)
                sums[t * TILE_COLUMNS + j] = coopMatMulAdd(a[t], b, sums[t * TILE_COLUMNS + j]);
        }
    }
}

void multiply(uint steps)
{
    fetch();
    put(0);
    for (uint s = 0; s < steps; s++) {
        barrier(); // this half is full, and nobody reads the other one any more
        if (s + 1 < steps)
            fetch();
        accumulate(s % 2);
        if (s + 1 < steps)
            put((s + 1) % 2);
    }
    barrier(); // nobody reads the left side any more
}

void begin_with_zeros()
{
    [[unroll]] for (uint s = 0; s < TILE_ROWS * TILE_COLUMNS; s++)
        sums[s] = coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>(0.0);
}

void store_unit(uint row, uint column, uvec4 unit);

// Unit `unit` of a line that begins at `line`.
uvec4 staged_unit(uint line, uint unit)
{
    const uint at = line + unit * (OUT_UNIT / STAGE_UNIT);
#if defined(FLOAT_STAGE) && !defined(FLOAT_SUMS)
    return to_unit(f16vec4(uintBitsToFloat(left[at])), f16vec4(uintBitsToFloat(left[at + 1])));
#else
    return left[at];
#endif
}

// Hands all units of the tile to store_unit(): row and column in elements of the tile.
void store_sums()
{
    const uint base = gl_SubgroupID * MATRIX_M * STAGE_STRIDE;
    [[unroll]] for (uint t = 0; t < TILE_ROWS; t++) {
        [[unroll]] for (uint j = 0; j < TILE_COLUMNS; j += STAGE_COLUMNS) {
            [[unroll]] for (uint c = 0; c < STAGE_COLUMNS; c++) {
                const uint at = base + c * MATRIX_N / STAGE_UNIT;
#ifdef FLOAT_STAGE
                coopMatStore(sums[t * TILE_COLUMNS + j + c], left, at, STAGE_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
#else
                const coopmat<float16_t, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator> rounded =
                    coopmat<float16_t, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>(
                        sums[t * TILE_COLUMNS + j + c]);
                coopMatStore(rounded, left, at, STAGE_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
#endif
            }
            subgroupBarrier();
            for (uint i = gl_SubgroupInvocationID; i < MATRIX_M * OUT_UNITS; i += SUBGROUP)
                store_unit(subgroup_row() + t * MATRIX_M + i / OUT_UNITS,
                           subgroup_column() + j * MATRIX_N + i % OUT_UNITS * OUT_UNIT,
                           staged_unit(base + i / OUT_UNITS * STAGE_STRIDE, i % OUT_UNITS));
            subgroupBarrier();
        }
    }
}
