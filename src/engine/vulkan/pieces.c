// SPDX-License-Identifier: MIT
// Memory of a block in several buffers, because devices give less in one piece than they have, and
// because kernels index a buffer in 31 bits.
#include "engine/vulkan/pieces.h"

#include "vkgrid/base/memory.h"

#include <stdlib.h>

static uint64_t at_least_one(uint64_t count)
{
    return count > 0 ? count : 1;
}

int pieces_slots(const struct vulkan_engine *engine, uint64_t span_bytes, uint64_t span_elements,
                 int slots)
{
    const uint64_t fit = engine->largest_piece / at_least_one(span_bytes),
                   within = engine->reach / at_least_one(span_elements),
                   along = engine->limits.maxComputeWorkGroupCount[2];
    uint64_t most = fit < within ? fit : within;
    most = most < along ? most : along;
    if (engine->most_piece_slots > 0 && most > (uint64_t)engine->most_piece_slots)
        most = (uint64_t)engine->most_piece_slots;
    most = at_least_one(most);
    const uint64_t pieces = ((uint64_t)slots + most - 1) / most;
    return (int)(((uint64_t)slots + pieces - 1) / pieces);
}

bool pieces_create(struct vulkan_engine *engine, enum vulkan_use use, VkDeviceSize total,
                   VkDeviceSize size, struct pieces *pieces)
{
    const int count = (int)((total + size - 1) / size);
    *pieces = (struct pieces){
        .items = mem_zalloc((size_t)count, sizeof *pieces->items), .count = count, .size = size};
    for (int i = 0; i < count; i++) {
        const VkDeviceSize rest = total - (VkDeviceSize)i * size;
        if (!vulkan_buffer_create(engine, use, rest < size ? rest : size, &pieces->items[i]))
            return false; // pieces_destroy() takes what there is
    }
    return true;
}

void pieces_destroy(struct vulkan_engine *engine, struct pieces *pieces)
{
    for (int i = 0; i < pieces->count; i++)
        vulkan_buffer_destroy(engine, &pieces->items[i]);
    free(pieces->items);
    *pieces = (struct pieces){0};
}

struct vulkan_buffer *pieces_find(const struct pieces *pieces, VkDeviceSize byte, VkDeviceSize *at,
                                  VkDeviceSize *left)
{
    struct vulkan_buffer *piece = &pieces->items[byte / pieces->size];
    *at = byte % pieces->size;
    *left = piece->size - *at;
    return piece;
}

VkDeviceAddress pieces_address(const struct pieces *pieces, VkDeviceSize byte)
{
    VkDeviceSize at, left;
    if (pieces->count == 0) // a program without memory (vulkan_compile)
        return byte;
    return pieces_find(pieces, byte, &at, &left)->address + at;
}
