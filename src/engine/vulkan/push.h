// SPDX-License-Identifier: MIT
// The push blocks of shaders/kernels.h as C structs. GLSL lays the same list out by std430:
// pointers at multiples of 8, then 4-byte words, so that a struct without padding is the same
// bytes.
#pragma once

#include "shaders/kernels.h"

#include <assert.h>
#include <stdint.h>

#define PUSH(name, fields, pointers, words) \
    struct name { \
        fields \
    }; \
    static_assert(sizeof(struct name) == ((pointers)*8 + (words)*4 + 7) / 8 * 8, #name); \
    static_assert(sizeof(struct name) <= 128, "the least that every device takes");

PUSH(conv_push, KERNEL_CONV, 4, 12)
PUSH(sum_splits_push, KERNEL_SUM_SPLITS, 2, 5)
PUSH(channel_sums_push, KERNEL_CHANNEL_SUMS, 7, 11)
PUSH(norm_finish_push, KERNEL_NORM_FINISH, 5, 6)
PUSH(norm_apply_push, KERNEL_NORM_APPLY, 7, 7)
PUSH(norm_grad_push, KERNEL_NORM_GRAD, 9, 10)
PUSH(elementwise_push, KERNEL_ELEMENTWISE, 3, 4)
PUSH(pool_push, KERNEL_POOL, 3, 9)
PUSH(upsample_push, KERNEL_UPSAMPLE, 2, 8)
PUSH(copy_channels_push, KERNEL_COPY_CHANNELS, 2, 8)
PUSH(gather_push, KERNEL_GATHER, 4, 4)
PUSH(loss_push, KERNEL_LOSS, 9, 8)
PUSH(adam_push, KERNEL_ADAM, 8, 3)
PUSH(round_push, KERNEL_ROUND, 2, 3)
PUSH(find_overflow_push, KERNEL_FIND_OVERFLOW, 2, 2)
PUSH(matrix_test_push, KERNEL_MATRIX_TEST, 4, 0)
PUSH(peak_push, KERNEL_PEAK, 1, 1)
PUSH(advance_push, KERNEL_ADVANCE, 3, 3)
PUSH(copy_marked_push, KERNEL_COPY_MARKED, 3, 3)

#undef PUSH
