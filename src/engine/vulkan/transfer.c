// SPDX-License-Identifier: MIT
// Between host and device. Blocks that the host can read quickly are mapped; others go through a
// staging buffer.
#include "engine/vulkan/internal.h"

#include "engine/vulkan/push.h"
#include "engine/halves.h"
#include "engine/weight_layout.h"
#include "vkgrid/error.h"
#include "vkgrid/memory.h"

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
    vulkan_barrier(engine, program->transfer);
    if (fill)
        vk->vkCmdFillBuffer(program->transfer, buffer, copy->dstOffset, copy->size, *fill);
    else if (direction == TO_DEVICE)
        vk->vkCmdCopyBuffer(program->transfer, program->staging.buffer, buffer, 1, copy);
    else
        vk->vkCmdCopyBuffer(program->transfer, buffer, program->staging.buffer, 1, copy);
    vulkan_barrier(engine, program->transfer);
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
    const VkBufferCopy range = {.dstOffset = first * 4, .size = count * 4};
    if (count == 0)
        return true;
    CHECK(vulkan_wait(&program->base));
    CHECK(transfer(program, TO_DEVICE, program->blocks[block].buffer, &range, &value));
    return true;
error:
    return false;
}

// Copies through the staging buffer, piece by piece.
static bool staged(struct vulkan_program *program, enum direction direction, VkBuffer buffer,
                   size_t first, size_t size, uint8_t *bytes)
{
    for (size_t done = 0; done < size;) {
        const size_t piece =
            size - done < program->staging.size ? size - done : program->staging.size;
        VkBufferCopy copy = {.size = piece};
        if (direction == TO_DEVICE) {
            copy.dstOffset = first + done;
            memcpy(program->staging.mapped, bytes + done, piece);
        } else {
            copy.srcOffset = first + done;
        }
        if (!transfer(program, direction, buffer, &copy, NULL))
            return false;
        if (direction == TO_HOST)
            memcpy(bytes + done, program->staging.mapped, piece);
        done += piece;
    }
    return true;
}

bool vulkan_upload(struct vulkan_program *program, enum block block, size_t first, size_t size,
                   const void *bytes)
{
    struct vulkan_buffer *buffer = &program->blocks[block];
    if (!vulkan_wait(&program->base))
        return false;
    if (!buffer->mapped)
        return staged(program, TO_DEVICE, buffer->buffer, first, size, (uint8_t *)(uintptr_t)bytes);
    memcpy((uint8_t *)buffer->mapped + first, bytes, size);
    return true;
}

bool vulkan_download(struct vulkan_program *program, enum block block, size_t first, size_t size,
                     void *bytes)
{
    struct vulkan_buffer *buffer = &program->blocks[block];
    if (!vulkan_wait(&program->base))
        return false;
    if (!buffer->mapped)
        return staged(program, TO_HOST, buffer->buffer, first, size, bytes);
    memcpy(bytes, (uint8_t *)buffer->mapped + first, size);
    return true;
}

// Byte of a block where element `first` of a tensor lies. The slots of BLOCK_BEST are state_span
// apart, those of gradients and moments parameter_span.
static size_t place_in(const struct vulkan_program *program, enum block block, int tensor, int slot,
                       size_t first)
{
    const struct memory_plan *plan = &program->plan;
    const struct memory_place *place = &plan->tensors[tensor];
    const bool trained =
        block == BLOCK_GRADIENT || block == BLOCK_MOMENT1 || block == BLOCK_MOMENT2;
    const size_t stride = trained ? plan->parameter_span : place->stride;
    return (place->offset + (size_t)slot * stride) * 4 + first * (program->half[tensor] ? 2 : 4);
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

bool vulkan_round_weights(struct vulkan_program *program)
{
    const struct VolkDeviceTable *vk = &program->engine->vk;
    struct recorder recorder = {
        .program = program, .commands = program->transfer, .n = 1, .half = true};
    const struct round_push push = {
        .w = block_address(&recorder, BLOCK_STATE, 0),
        .rounded = program->rounded.address,
        .w_slot = (uint32_t)program->plan.state_span,
        .rounded_slot = (uint32_t)program->plan.parameter_span,
        .count = (uint32_t)program->plan.parameter_span,
    };
    const VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };
    if (program->rounded.size == 0 || !program->rounded_stale)
        return true;
    CHECK(vulkan_wait(&program->base)); // the command buffer may still be in use
    VK_CHECK(vk->vkBeginCommandBuffer(recorder.commands, &begin));
    CHECK(record_flat(&recorder, KERNEL_ID_ROUND_WEIGHTS, NULL, 0, &push, push.count / 4, false));
    vulkan_barrier(program->engine, recorder.commands);
    VK_CHECK(vk->vkEndCommandBuffer(recorder.commands));
    CHECK(vulkan_submit(program, &recorder.commands, 1));
    program->rounded_stale = false;
    return true;
error:
    vk->vkResetCommandBuffer(program->transfer, 0);
    return false;
}
