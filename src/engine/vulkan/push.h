// SPDX-License-Identifier: MIT
// The push blocks of shaders/kernels.h as C structs. GLSL lays the same list out by std430:
// pointers at multiples of 8, then 4-byte words, so that a struct without padding is the same
// bytes.
#pragma once

#include "shaders/kernels.h"

#include <assert.h>
#include <stdint.h>

// No padding but at the end, up to a whole pointer.
#define PUSH(name, fields) \
    struct name { \
        fields \
    }; \
    struct name##_packed { \
        fields \
    } __attribute__((packed)); \
    static_assert(sizeof(struct name) == (sizeof(struct name##_packed) + 7) / 8 * 8, #name); \
    static_assert(sizeof(struct name) <= 128, "the least that every device takes");

PUSH(conv_push, KERNEL_CONV)
PUSH(sum_splits_push, KERNEL_SUM_SPLITS)
PUSH(channel_sums_push, KERNEL_CHANNEL_SUMS)
PUSH(norm_finish_push, KERNEL_NORM_FINISH)
PUSH(norm_apply_push, KERNEL_NORM_APPLY)
PUSH(norm_grad_push, KERNEL_NORM_GRAD)
PUSH(elementwise_push, KERNEL_ELEMENTWISE)
PUSH(pool_push, KERNEL_POOL)
PUSH(upsample_push, KERNEL_UPSAMPLE)
PUSH(copy_channels_push, KERNEL_COPY_CHANNELS)
PUSH(gather_push, KERNEL_GATHER)
PUSH(loss_push, KERNEL_LOSS)
PUSH(overlap_push, KERNEL_OVERLAP)
PUSH(adam_push, KERNEL_ADAM)
PUSH(round_push, KERNEL_ROUND)
PUSH(find_overflow_push, KERNEL_FIND_OVERFLOW)
PUSH(matrix_test_push, KERNEL_MATRIX_TEST)
PUSH(peak_push, KERNEL_PEAK)
PUSH(advance_push, KERNEL_ADVANCE)
PUSH(copy_marked_push, KERNEL_COPY_MARKED)

#undef PUSH
