// SPDX-License-Identifier: MIT
// Between host and device. Blocks that the host can read quickly are mapped; others go through a
// staging buffer.
#include "engine/vulkan/transfer.h"

#include "engine/halves.h"
#include "engine/vulkan/dispatch.h"
#include "engine/vulkan/push.h"
#include "engine/vulkan/submit.h"
#include "engine/weight_layout.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

enum direction { TO_DEVICE, TO_HOST };

// Records into the transfer command buffer what `copy` says, submits it and waits.
static bool transfer(struct vulkan_program *program, enum direction direction, VkBuffer buffer,
                     const VkBufferCopy *copy, const uint32_t *fill)
{
    struct vulkan_engine *engine = program->engine;
    const struct VolkDeviceTable *vk = &engine->vk;
    const VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };
    VK_CHECK(vk->vkBeginCommandBuffer(program->transfer, &begin));
    vulkan_barrier(engine, program->transfer, BARRIER_ENDS);
    if (fill)
        vk->vkCmdFillBuffer(program->transfer, buffer, copy->dstOffset, copy->size, *fill);
    else if (direction == TO_DEVICE)
        vk->vkCmdCopyBuffer(program->transfer, program->staging.buffer, buffer, 1, copy);
    else
        vk->vkCmdCopyBuffer(program->transfer, buffer, program->staging.buffer, 1, copy);
    vulkan_barrier(engine, program->transfer, BARRIER_ENDS);
    VK_CHECK(vk->vkEndCommandBuffer(program->transfer));
    CHECK(vulkan_submit(program, &program->transfer, 1));
    CHECK(vulkan_wait(&program->base));
    return true;
error:
    return false;
}

bool vulkan_fill(struct vulkan_program *program, enum block block, size_t first, size_t count,
                 uint32_t value)
{
    VkDeviceSize at, left;
    CHECK(vulkan_wait(&program->base));
    for (VkDeviceSize byte = first * 4, end = byte + count * 4; byte < end; byte += left) {
        const struct vulkan_buffer *piece = pieces_find(&program->blocks[block], byte, &at, &left);
        left = left < end - byte ? left : end - byte;
        const VkBufferCopy range = {.dstOffset = at, .size = left};
        CHECK(transfer(program, TO_DEVICE, piece->buffer, &range, &value));
    }
    return true;
error:
    return false;
}

// Copies through the staging buffer, part by part.
static bool staged(struct vulkan_program *program, enum direction direction, VkBuffer buffer,
                   size_t first, size_t size, uint8_t *bytes)
{
    for (size_t done = 0; done < size;) {
        const size_t part =
            size - done < program->staging.size ? size - done : program->staging.size;
        VkBufferCopy copy = {.size = part};
        if (direction == TO_DEVICE) {
            copy.dstOffset = first + done;
            if (!vulkan_buffer_write(program->engine, &program->staging, 0, part, bytes + done))
                return false;
        } else {
            copy.srcOffset = first + done;
        }
        if (!transfer(program, direction, buffer, &copy, NULL))
            return false;
        if (direction == TO_HOST &&
            !vulkan_buffer_read(program->engine, &program->staging, 0, part, bytes + done))
            return false;
        done += part;
    }
    return true;
}

// Moves bytes of a block from byte `first` on, piece by piece.
static bool move(struct vulkan_program *program, enum direction direction, enum block block,
                 size_t first, size_t size, uint8_t *bytes)
{
    VkDeviceSize at, left;
    if (!vulkan_wait(&program->base))
        return false;
    for (size_t done = 0; done < size; done += left) {
        const struct vulkan_buffer *piece =
            pieces_find(&program->blocks[block], first + done, &at, &left);
        left = left < size - done ? left : size - done;
        const bool moved = !piece->mapped
                               ? staged(program, direction, piece->buffer, at, left, bytes + done)
                           : direction == TO_DEVICE
                               ? vulkan_buffer_write(program->engine, piece, at, left, bytes + done)
                               : vulkan_buffer_read(program->engine, piece, at, left, bytes + done);
        if (!moved)
            return false;
    }
    return true;
}

bool vulkan_upload(struct vulkan_program *program, enum block block, size_t first, size_t size,
                   const void *bytes)
{
    return move(program, TO_DEVICE, block, first, size, (uint8_t *)(uintptr_t)bytes);
}

bool vulkan_download(struct vulkan_program *program, enum block block, size_t first, size_t size,
                     void *bytes)
{
    return move(program, TO_HOST, block, first, size, bytes);
}

// Byte of a block where element `first` of a tensor lies.
static size_t place_in(const struct vulkan_program *program, enum block block, int tensor, int slot,
                       size_t first)
{
    return memory_plan_offset(&program->plan, block, tensor, slot) * 4 +
           first * (program->half[tensor] ? 2 : 4);
}

static bool write_halves(struct vulkan_program *program, enum block block, size_t at, size_t count,
                         const float *values)
{
    uint16_t *halves = mem_alloc(count * sizeof *halves);
    halves_from_floats(HALF_FLOAT16, values, count, halves);
    const bool done = vulkan_upload(program, block, at, count * sizeof *halves, halves);
    free(halves);
    return done;
}

bool vulkan_write(struct program *base, enum block block, int tensor, int slot, size_t first,
                  size_t count, const void *values)
{
    struct vulkan_program *program = (struct vulkan_program *)base;
    const struct tensor *t = &base->graph->tensors[tensor];
    const size_t at = place_in(program, block, tensor, slot, first);
    program->rounded_stale |= block == BLOCK_STATE;
    if (program->half[tensor])
        return write_halves(program, block, at, count, values);
    if (!weight_is_permuted(t))
        return vulkan_upload(program, block, at, count * 4, values);
    float *device = mem_alloc(count * sizeof *device);
    weight_to_device(t, values, device);
    const bool done = vulkan_upload(program, block, at, count * 4, device);
    free(device);
    return done;
}

static bool read_halves(struct vulkan_program *program, enum block block, size_t at, size_t count,
                        float *values)
{
    uint16_t *halves = mem_alloc(count * sizeof *halves);
    const bool done = vulkan_download(program, block, at, count * sizeof *halves, halves);
    if (done)
        halves_to_floats(HALF_FLOAT16, halves, count, values);
    free(halves);
    return done;
}

bool vulkan_read(struct program *base, enum block block, int tensor, int slot, size_t first,
                 size_t count, void *values)
{
    struct vulkan_program *program = (struct vulkan_program *)base;
    const struct tensor *t = &base->graph->tensors[tensor];
    const size_t at = place_in(program, block, tensor, slot, first);
    if (program->half[tensor])
        return read_halves(program, block, at, count, values);
    if (!weight_is_permuted(t))
        return vulkan_download(program, block, at, count * 4, values);
    float *device = mem_alloc(count * sizeof *device);
    const bool done = vulkan_download(program, block, at, count * 4, device);
    if (done)
        weight_to_host(t, device, values);
    free(device);
    return done;
}

bool vulkan_clear(struct program *base, enum block block)
{
    struct vulkan_program *program = (struct vulkan_program *)base;
    program->rounded_stale |= block == BLOCK_STATE;
    return vulkan_fill(program, block, 0, program->plan.total[block], 0);
}

// Parameters of all slots as fp16, range by range.
static bool add_rounding(struct vulkan_program *program, struct dispatch_list *list)
{
    const struct memory_plan *plan = &program->plan;
    struct dispatcher dispatcher = {.program = program, .list = list, .n = 1, .half = true};
    const int slots = program->base.options.slots, most = program->piece_slots;
    for (int first = 0; first < slots; first += most) {
        dispatcher.first = first;
        dispatcher.slots = slots - first < most ? slots - first : most;
        const struct round_push push = {
            .w = block_address(&dispatcher, BLOCK_STATE, 0, plan->state_span),
            .rounded = rounded_address(&dispatcher, 0),
            .w_slot = (uint32_t)plan->state_span,
            .rounded_slot = (uint32_t)plan->parameter_span,
            .count = (uint32_t)plan->parameter_span,
        };
        if (!dispatch_add_flat(&dispatcher, KERNEL_ID_ROUND_WEIGHTS, NULL, 0, &push, push.count / 4,
                               first > 0))
            return false;
    }
    return true;
}

bool vulkan_round_weights(struct vulkan_program *program)
{
    struct vulkan_engine *engine = program->engine;
    const struct VolkDeviceTable *vk = &engine->vk;
    struct dispatch_list list = {0};
    const VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };
    if (program->rounded.count == 0 || !program->rounded_stale)
        return true;
    CHECK(vulkan_wait(&program->base)); // the command buffer may still be in use
    CHECK(add_rounding(program, &list));
    CHECK(dispatches_prepare(engine, &list));
    VK_CHECK(vk->vkBeginCommandBuffer(program->transfer, &begin));
    dispatches_write(engine, program->transfer, list.items, list.count);
    VK_CHECK(vk->vkEndCommandBuffer(program->transfer));
    CHECK(vulkan_submit(program, &program->transfer, 1));
    program->rounded_stale = false;
    dispatch_list_free(&list);
    return true;
error:
    vk->vkResetCommandBuffer(program->transfer, 0);
    dispatch_list_free(&list);
    return false;
}

bool vulkan_check_guards(struct program *base)
{
    struct vulkan_program *program = (struct vulkan_program *)base;
    for (int i = 0; i < program->plan.guard_count; i++) {
        const struct memory_guard *guard = &program->plan.guards[i];
        uint32_t words[MEMORY_GUARD];
        if (!vulkan_download(program, guard->block, guard->offset * 4, sizeof words, words) ||
            !memory_guard_check(base->graph, guard, words))
            return false;
    }
    return true;
}
