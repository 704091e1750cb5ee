// SPDX-License-Identifier: MIT
// Ops -> dispatches.
#pragma once

#include "engine/vulkan/dispatch.h"
#include "engine/vulkan/tiles.h"

// Scratch that an op needs: elements of one slot for a batch of n.
size_t ops_conv_scratch(const struct graph *graph, const struct op *op, int n);
size_t ops_norm_scratch(const struct graph *graph, const struct op *op, int n);
size_t ops_bias_grad_scratch(const struct graph *graph, const struct op *op, int n);
size_t ops_loss_scratch(const struct graph *graph, const struct op *op, int n);
size_t ops_scratch(const struct graph *graph, const struct op *op, int n); // any op
// The most of it for any batch up to `batch`.
size_t ops_scratch_most(const struct graph *graph, const struct op *op, int batch);

// Add the dispatches of an op. scratch: address of the op's scratch memory, of the first slot.
bool ops_add_conv(struct dispatcher *dispatcher, const struct op *op, VkDeviceAddress scratch);
bool ops_add_norm(struct dispatcher *dispatcher, const struct op *op, VkDeviceAddress scratch);
bool ops_add_bias_grad(struct dispatcher *dispatcher, const struct op *op, VkDeviceAddress scratch);
bool ops_add_loss(struct dispatcher *dispatcher, const struct op *op, VkDeviceAddress scratch);
bool ops_add(struct dispatcher *dispatcher, const struct op *op, VkDeviceAddress scratch);

// Sums over pixels. Chunks of pixels are summed first (channel_sums.comp; `sums` without the size
// of a chunk; relu: g counts where y > 0), then the chunks, or any `splits` of `count` elements, in
// order.
enum channel_sum { CHANNEL_SUM, CHANNEL_VARIANCE, CHANNEL_GRADIENT };
struct channel_sums_push;
uint32_t sum_chunks(uint32_t pixels);
bool ops_add_channel_sums(struct dispatcher *dispatcher, enum channel_sum what, bool relu,
                          const struct channel_sums_push *sums);
bool ops_add_sum_splits(struct dispatcher *dispatcher, VkDeviceAddress from, int to, size_t count,
                        uint32_t splits);

// Whether the gradient of the loss is scaled (OP_LOSS): in fp16, where there is a tensor for the
// scale.
bool loss_is_scaled(const struct dispatcher *dispatcher, int loss_scale);

struct conv_problem conv_problem_of(const struct vulkan_program *program, const struct op *op,
                                    int n);
