// SPDX-License-Identifier: MIT
// The kernels. A new one is named in its file (shaders/NAME.comp), in shaders/meson.build and in
// the list below, and nowhere else.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Each as (number, name of its SPIR-V modules, its push block of push.h), by what it is for:
// PLAIN touches no activations, ACTIVATIONS does, HALF is for fp16 activations alone, and so is
// MATRIX, by matrix units, which not every glslc can compile.
#define KERNELS(PLAIN, ACTIVATIONS, HALF, MATRIX) \
    ACTIVATIONS(ADAM, adam, adam_push) \
    PLAIN(ADVANCE, advance, advance_push) \
    ACTIVATIONS(CHANNEL_SUMS, channel_sums, channel_sums_push) \
    ACTIVATIONS(CONV, conv, conv_push) \
    HALF(CONV_FLOAT_OUT, conv_float_out, conv_push) \
    ACTIVATIONS(CONV_INPUT_GRAD, conv_input_grad, conv_push) \
    ACTIVATIONS(CONV_WEIGHT_GRAD, conv_weight_grad, conv_push) \
    ACTIVATIONS(CONV_SHARED, conv_shared, conv_push) \
    ACTIVATIONS(CONV_INPUT_GRAD_SHARED, conv_input_grad_shared, conv_push) \
    ACTIVATIONS(CONV_WEIGHT_GRAD_SHARED, conv_weight_grad_shared, conv_push) \
    MATRIX(CONV_MATRIX, conv_matrix, conv_push) \
    MATRIX(CONV_MATRIX_FLOAT, conv_matrix_float, conv_push) \
    MATRIX(CONV_INPUT_GRAD_MATRIX, conv_input_grad_matrix, conv_push) \
    MATRIX(CONV_INPUT_GRAD_MATRIX_FLOAT, conv_input_grad_matrix_float, conv_push) \
    MATRIX(CONV_WEIGHT_GRAD_MATRIX, conv_weight_grad_matrix, conv_push) \
    PLAIN(CONV_WINOGRAD, conv_winograd, conv_push) \
    PLAIN(CONV_INPUT_GRAD_WINOGRAD, conv_input_grad_winograd, conv_push) \
    PLAIN(CONV_WEIGHT_GRAD_WINOGRAD, conv_weight_grad_winograd, conv_push) \
    ACTIVATIONS(COPY_CHANNELS, copy_channels, copy_channels_push) \
    PLAIN(COPY_MARKED, copy_marked, copy_marked_push) \
    ACTIVATIONS(ELEMENTWISE, elementwise, elementwise_push) \
    PLAIN(FIND_OVERFLOW, find_overflow, find_overflow_push) \
    ACTIVATIONS(GATHER, gather, gather_push) \
    PLAIN(LOSS_FINISH, loss_finish, loss_push) \
    ACTIVATIONS(LOSS_GRAD, loss_grad, loss_push) \
    PLAIN(LOSS_SUMS, loss_sums, loss_push) \
    MATRIX(MATRIX_TEST, matrix_test, matrix_test_push) \
    MATRIX(MATRIX_TEST_FLOAT, matrix_test_float, matrix_test_push) \
    ACTIVATIONS(MAX_POOL, max_pool, pool_push) \
    ACTIVATIONS(MAX_POOL_GRAD, max_pool_grad, pool_push) \
    ACTIVATIONS(NORM_APPLY, norm_apply, norm_apply_push) \
    PLAIN(NORM_FINISH, norm_finish, norm_finish_push) \
    ACTIVATIONS(NORM_GRAD, norm_grad, norm_grad_push) \
    PLAIN(OVERLAP, overlap, overlap_push) \
    ACTIVATIONS(PEAK, peak, peak_push) \
    MATRIX(PEAK_MATRIX, peak_matrix, peak_push) \
    HALF(ROUND_WEIGHTS, round_weights, round_push) \
    PLAIN(SUM_SPLITS, sum_splits, sum_splits_push) \
    ACTIVATIONS(UPSAMPLE, upsample, upsample_push) \
    ACTIVATIONS(UPSAMPLE_GRAD, upsample_grad, upsample_push)

#define KERNEL_NUMBER(number, name, push) KERNEL_ID_##number,
enum kernel { KERNELS(KERNEL_NUMBER, KERNEL_NUMBER, KERNEL_NUMBER, KERNEL_NUMBER) KERNEL_ID_COUNT };
#undef KERNEL_NUMBER

// Whether the build could make it.
bool vulkan_has_kernel(enum kernel kernel);
// Whether it computes by matrix units, so that its workgroups must be whole subgroups.
bool vulkan_is_matrix_kernel(enum kernel kernel);
// Whether fp16 activations make it another one.
bool vulkan_has_halves(enum kernel kernel);
struct kernel_words {
    const uint32_t *words;
    size_t size; // bytes
};
// ieee: with the float controls of fp16 (common.glsl).
struct kernel_words vulkan_kernel_words(enum kernel kernel, bool half, bool ieee);
uint32_t vulkan_push_size(enum kernel kernel);
const char *vulkan_kernel_name(enum kernel kernel);
uint64_t vulkan_kernels_hash(void); // of the words of all kernels
