// SPDX-License-Identifier: MIT
// As many products of matrices as the device's matrix units can do, fp16 factors, fp32 sums, eight chains and one
// load for them, in units of 16 bytes. Split: 8 x `count` products a subgroup.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#include "common.glsl"

layout(constant_id = 0) const uint LOCAL = 128;
layout(constant_id = 10) const uint MATRIX_M = 16; // as in conv_matrix.glsl
layout(constant_id = 11) const uint MATRIX_N = 16;
layout(constant_id = 12) const uint MATRIX_K = 16;
layout(local_size_x_id = 0) in;

layout(push_constant) uniform Push { KERNEL_PEAK };

const uint CHAINS = 8;

void main()
{
    // Other factors in each chain and each round, so that no compiler for a processor takes products out of the loop.
    coopmat<float16_t, gl_ScopeSubgroup, MATRIX_M, MATRIX_K, gl_MatrixUseA> a[CHAINS];
    coopmat<float16_t, gl_ScopeSubgroup, MATRIX_K, MATRIX_N, gl_MatrixUseB> b;
    coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator> sums[CHAINS];
    [[unroll]] for (uint c = 0; c < CHAINS; c++) {
        coopMatLoad(a[c], Act8s(y).v, c * MATRIX_M * MATRIX_K / 8, MATRIX_K / 8, gl_CooperativeMatrixLayoutRowMajor);
        sums[c] = coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>(float(c));
    }
    for (uint round = 0; round < count; round++) {
        coopMatLoad(b, Act8s(y).v, round % 2 * MATRIX_K * MATRIX_N / 8, MATRIX_N / 8, gl_CooperativeMatrixLayoutRowMajor);
        [[unroll]] for (uint c = 0; c < CHAINS; c++)
            sums[c] = coopMatMulAdd(a[c], b, sums[c]);
    }
    [[unroll]] for (uint c = 1; c < CHAINS; c++)
        sums[0] += sums[c];
    if (count == 0) // never, but no compiler knows
        coopMatStore(sums[0], y.v, 0, MATRIX_N, gl_CooperativeMatrixLayoutRowMajor);
}
