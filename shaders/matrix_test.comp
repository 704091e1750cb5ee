// SPDX-License-Identifier: MIT
// Products of matrices in the ways in which conv_matrix.glsl makes them: factors from shared memory, in either order, sums by
// way of it, as fp32 and rounded to fp16, as a matrix or, with FLOAT_STAGE, element by element. For the test of a device when it is
// opened (self_test.c). Split: one subgroup.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#include "common.glsl"

layout(constant_id = 0) const uint LOCAL = 32;
layout(constant_id = 10) const uint MATRIX_M = 16; // as in conv_matrix.glsl
layout(constant_id = 11) const uint MATRIX_N = 16;
layout(constant_id = 12) const uint MATRIX_K = 16;
layout(local_size_x_id = 0) in;

layout(push_constant) uniform Push { KERNEL_MATRIX_TEST };

// In units of eight elements, with one of padding at the end of a line.
const uint K_LINE = MATRIX_K / 8 + 1, M_LINE = MATRIX_M / 8 + 1, N_LINE = MATRIX_N / 8 + 1, SUM_LINE = MATRIX_N / 4 + 1;
shared uvec4 left[MATRIX_M * K_LINE], left_turned[MATRIX_K * M_LINE];
shared uvec4 right[MATRIX_K * N_LINE], right_turned[MATRIX_N * K_LINE];
shared uvec4 sums_out[MATRIX_M * SUM_LINE], rounded_out[MATRIX_M * N_LINE];

#define FILL(to, lines, units, from, first)                                             \
    for (uint i = gl_LocalInvocationID.x; i < (lines) * (units); i += LOCAL)            \
        to[i / (units) * ((units) + 1) + i % (units)] = from.v[(first) + i];

void main()
{
    coopmat<float16_t, gl_ScopeSubgroup, MATRIX_M, MATRIX_K, gl_MatrixUseA> m;
    coopmat<float16_t, gl_ScopeSubgroup, MATRIX_K, MATRIX_N, gl_MatrixUseB> n;
    coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator> sums =
        coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>(0.0);
    FILL(left, MATRIX_M, MATRIX_K / 8, a, 0)
    FILL(left_turned, MATRIX_K, MATRIX_M / 8, a, MATRIX_M * MATRIX_K / 8)
    FILL(right, MATRIX_K, MATRIX_N / 8, b, 0)
    FILL(right_turned, MATRIX_N, MATRIX_K / 8, b, MATRIX_K * MATRIX_N / 8)
    barrier();
    coopMatLoad(m, left, 0, K_LINE, gl_CooperativeMatrixLayoutRowMajor);
    coopMatLoad(n, right, 0, N_LINE, gl_CooperativeMatrixLayoutRowMajor);
    sums = coopMatMulAdd(m, n, sums);
    coopMatLoad(m, left_turned, 0, M_LINE, gl_CooperativeMatrixLayoutColumnMajor);
    coopMatLoad(n, right_turned, 0, K_LINE, gl_CooperativeMatrixLayoutColumnMajor);
    sums = coopMatMulAdd(m, n, sums);
    coopMatStore(sums, sums_out, 0, SUM_LINE, gl_CooperativeMatrixLayoutRowMajor);
#ifndef FLOAT_STAGE
    coopMatStore(coopmat<float16_t, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>(sums), rounded_out, 0, N_LINE,
                 gl_CooperativeMatrixLayoutRowMajor);
#endif
    barrier();
    for (uint i = gl_LocalInvocationID.x; i < MATRIX_M * MATRIX_N / 4; i += LOCAL)
        y.v[i] = uintBitsToFloat(sums_out[i / (SUM_LINE - 1) * SUM_LINE + i % (SUM_LINE - 1)]);
    for (uint i = gl_LocalInvocationID.x; i < MATRIX_M * MATRIX_N / 8; i += LOCAL) {
#ifdef FLOAT_STAGE
        const uint at = i / (N_LINE - 1) * SUM_LINE + i % (N_LINE - 1) * 2;
        rounded.v[i] = to_unit(f16vec4(uintBitsToFloat(sums_out[at])), f16vec4(uintBitsToFloat(sums_out[at + 1])));
#else
        rounded.v[i] = rounded_out[i / (N_LINE - 1) * N_LINE + i % (N_LINE - 1)];
#endif
    }
}
