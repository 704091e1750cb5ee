// SPDX-License-Identifier: MIT
#include "engine/cpu/kernels/set.h"

const struct cpu_kernels KERNEL(kernels) = {
    .name = KERNEL_LABEL,
    .element = sizeof(real),
    .gather = KERNEL(gather),
    .copy = KERNEL(copy),
    .relu = KERNEL(relu),
    .add = KERNEL(add),
    .relu_grad = KERNEL(relu_grad),
    .norm_statistics = KERNEL(norm_statistics),
    .norm_apply = KERNEL(norm_apply),
    .norm_grad = KERNEL(norm_grad),
    .max_pool = KERNEL(max_pool),
    .max_pool_grad = KERNEL(max_pool_grad),
    .upsample = KERNEL(upsample),
    .upsample_grad = KERNEL(upsample_grad),
    .loss = KERNEL(loss),
    .overlap = KERNEL(overlap),
    .adam = KERNEL(adam),
    .winograd_weights = KERNEL(winograd_weights),
    .winograd_weights_back = KERNEL(winograd_weights_back),
    .winograd_conv = KERNEL(winograd_conv),
    .winograd_conv_scratch = KERNEL(winograd_conv_scratch),
    .winograd_weight_grad = KERNEL(winograd_weight_grad),
    .winograd_weight_grad_scratch = KERNEL(winograd_weight_grad_scratch),
};
