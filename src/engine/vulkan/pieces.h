// SPDX-License-Identifier: MIT
// Memory of a block in several buffers.
#pragma once

#include "engine/vulkan/buffer.h"

// Memory of a block: buffers of some slots each, which follow one another; the last may be smaller.
// Bytes of a block are counted through all of them.
struct pieces {
    struct vulkan_buffer *items;
    int count;
    VkDeviceSize size; // bytes of a piece
};

// The most slots whose spans fit into one piece of memory and into the reach of an index, at least
// one; fewer where all pieces of `slots` can be made equal by that. span_bytes, span_elements: of a
// slot in the largest block.
int pieces_slots(const struct vulkan_engine *engine, uint64_t span_bytes, uint64_t span_elements,
                 int slots);
// `total` bytes, in pieces of `size`.
bool pieces_create(struct vulkan_engine *engine, enum vulkan_use use, VkDeviceSize total,
                   VkDeviceSize size, struct pieces *pieces);
void pieces_destroy(struct vulkan_engine *engine, struct pieces *pieces);
// The piece that holds a byte; *at: where in it, *left: how many follow in it, that one included.
struct vulkan_buffer *pieces_find(const struct pieces *pieces, VkDeviceSize byte, VkDeviceSize *at,
                                  VkDeviceSize *left);
VkDeviceAddress pieces_address(const struct pieces *pieces, VkDeviceSize byte);
