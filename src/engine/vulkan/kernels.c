// SPDX-License-Identifier: MIT
// The table of kernels. Words come from the build (shaders/meson.build).
#include "engine/vulkan/internal.h"

#include "engine/vulkan/push.h"
#include "shaders/kernel_words.h"
#include "vkgrid/base/hash.h"

#include <stddef.h>

struct kernel_info {
    const char *name;
    // SPIR-V with fp32 and with fp16 activations, and with those by the float controls of IEEE_HALF
    // (common.glsl); NULL where there is none.
    struct kernel_words plain, half, ieee;
    uint32_t push_size;
};

// A kernel that touches no activations, one that does, and one that is for fp16 alone.
#define WORDS(words) \
    { \
        words, sizeof words \
    }
#define PLAIN(id, name, push) \
    [id] = {#name, WORDS(name##_words), WORDS(name##_words), WORDS(name##_words), \
            sizeof(struct push)}
#define ACTIVATIONS(id, name, push) \
    [id] = {#name, WORDS(name##_words), WORDS(name##_half_words), WORDS(name##_half_ieee_words), \
            sizeof(struct push)}
#define HALF_ONLY(id, name, push) \
    [id] = {#name, {0}, WORDS(name##_words), WORDS(name##_ieee_words), sizeof(struct push)}

static const struct kernel_info kernels[KERNEL_ID_COUNT] = {
    ACTIVATIONS(KERNEL_ID_ADAM, adam, adam_push),
    PLAIN(KERNEL_ID_ADVANCE, advance, advance_push),
    ACTIVATIONS(KERNEL_ID_CHANNEL_SUMS, channel_sums, channel_sums_push),
    ACTIVATIONS(KERNEL_ID_CONV, conv, conv_push),
    HALF_ONLY(KERNEL_ID_CONV_FLOAT_OUT, conv_float_out, conv_push),
    ACTIVATIONS(KERNEL_ID_CONV_INPUT_GRAD, conv_input_grad, conv_push),
    ACTIVATIONS(KERNEL_ID_CONV_INPUT_GRAD_SHARED, conv_input_grad_shared, conv_push),
    ACTIVATIONS(KERNEL_ID_CONV_SHARED, conv_shared, conv_push),
    ACTIVATIONS(KERNEL_ID_CONV_WEIGHT_GRAD, conv_weight_grad, conv_push),
    ACTIVATIONS(KERNEL_ID_CONV_WEIGHT_GRAD_SHARED, conv_weight_grad_shared, conv_push),
    PLAIN(KERNEL_ID_CONV_WINOGRAD, conv_winograd, conv_push),
    PLAIN(KERNEL_ID_CONV_INPUT_GRAD_WINOGRAD, conv_input_grad_winograd, conv_push),
    PLAIN(KERNEL_ID_CONV_WEIGHT_GRAD_WINOGRAD, conv_weight_grad_winograd, conv_push),
#ifdef MATRIX_KERNELS
    HALF_ONLY(KERNEL_ID_CONV_MATRIX, conv_matrix, conv_push),
    HALF_ONLY(KERNEL_ID_CONV_MATRIX_FLOAT, conv_matrix_float, conv_push),
    HALF_ONLY(KERNEL_ID_CONV_INPUT_GRAD_MATRIX, conv_input_grad_matrix, conv_push),
    HALF_ONLY(KERNEL_ID_CONV_INPUT_GRAD_MATRIX_FLOAT, conv_input_grad_matrix_float, conv_push),
    HALF_ONLY(KERNEL_ID_CONV_WEIGHT_GRAD_MATRIX, conv_weight_grad_matrix, conv_push),
#endif
    ACTIVATIONS(KERNEL_ID_COPY_CHANNELS, copy_channels, copy_channels_push),
    PLAIN(KERNEL_ID_COPY_MARKED, copy_marked, copy_marked_push),
    ACTIVATIONS(KERNEL_ID_ELEMENTWISE, elementwise, elementwise_push),
    PLAIN(KERNEL_ID_FIND_OVERFLOW, find_overflow, find_overflow_push),
    ACTIVATIONS(KERNEL_ID_GATHER, gather, gather_push),
    PLAIN(KERNEL_ID_LOSS_FINISH, loss_finish, loss_push),
    ACTIVATIONS(KERNEL_ID_LOSS_GRAD, loss_grad, loss_push),
    PLAIN(KERNEL_ID_LOSS_SUMS, loss_sums, loss_push),
#ifdef MATRIX_KERNELS
    HALF_ONLY(KERNEL_ID_MATRIX_TEST, matrix_test, matrix_test_push),
    HALF_ONLY(KERNEL_ID_MATRIX_TEST_FLOAT, matrix_test_float, matrix_test_push),
#endif
    ACTIVATIONS(KERNEL_ID_MAX_POOL, max_pool, pool_push),
    ACTIVATIONS(KERNEL_ID_MAX_POOL_GRAD, max_pool_grad, pool_push),
    ACTIVATIONS(KERNEL_ID_NORM_APPLY, norm_apply, norm_apply_push),
    PLAIN(KERNEL_ID_NORM_FINISH, norm_finish, norm_finish_push),
    ACTIVATIONS(KERNEL_ID_NORM_GRAD, norm_grad, norm_grad_push),
    ACTIVATIONS(KERNEL_ID_PEAK, peak, peak_push),
#ifdef MATRIX_KERNELS
    HALF_ONLY(KERNEL_ID_PEAK_MATRIX, peak_matrix, peak_push),
#endif
    HALF_ONLY(KERNEL_ID_ROUND_WEIGHTS, round_weights, round_push),
    PLAIN(KERNEL_ID_SUM_SPLITS, sum_splits, sum_splits_push),
    ACTIVATIONS(KERNEL_ID_UPSAMPLE, upsample, upsample_push),
    ACTIVATIONS(KERNEL_ID_UPSAMPLE_GRAD, upsample_grad, upsample_push),
};

bool vulkan_has_kernel(enum kernel kernel)
{
    return kernels[kernel].half.words != NULL;
}

bool vulkan_has_halves(enum kernel kernel)
{
    return kernels[kernel].plain.words != kernels[kernel].half.words;
}

struct kernel_words vulkan_kernel_words(enum kernel kernel, bool half, bool ieee)
{
    const struct kernel_info *info = &kernels[kernel];
    return !half ? info->plain : ieee ? info->ieee : info->half;
}

uint64_t vulkan_kernels_hash(void)
{
    uint64_t hash = 0;
    for (int i = 0; i < KERNEL_ID_COUNT; i++) {
        hash = hash_bytes(kernels[i].plain.words, kernels[i].plain.size, hash);
        hash = hash_bytes(kernels[i].half.words, kernels[i].half.size, hash);
        hash = hash_bytes(kernels[i].ieee.words, kernels[i].ieee.size, hash);
    }
    return hash;
}

uint32_t vulkan_push_size(enum kernel kernel)
{
    return kernels[kernel].push_size;
}

const char *vulkan_kernel_name(enum kernel kernel)
{
    return kernels[kernel].name;
}
