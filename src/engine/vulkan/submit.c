// SPDX-License-Identifier: MIT
// Submissions of a program: in order, counted by a timeline semaphore.
#include "engine/vulkan/submit.h"

#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"

#include <math.h>

// Submissions in flight: enough that the device never waits for the host, few enough that an
// interrupt is quick.
#define IN_FLIGHT 4
#define SUBMISSION_SECONDS 0.02 // of a submission of several command buffers
#define AT_ONCE_MOST 32
#define ENOUGH_COMMANDS 16   // between two waits, to tell how long one takes
#define WAIT_SLICE 0.25      // seconds
#define WAIT_INTERRUPTED 5.0 // seconds in which a GPU has ended a submission if it ever does

static bool check(struct vulkan_engine *engine, VkResult result, const char *what)
{
    if (result == VK_SUCCESS)
        return true;
    engine->lost |= result == VK_ERROR_DEVICE_LOST;
    return vulkan_failed(what, engine->lost ? VK_ERROR_DEVICE_LOST : result);
}

static bool give_up(struct vulkan_engine *engine, double idle)
{
    engine->lost = engine->hung = true;
    return error_set_kind(ERROR_DEVICE_LOST,
                          "vulkan: waiting for the device: device lost: it hangs, nothing that it "
                          "was given has ended for %.1f s",
                          idle);
}

// Slices are counted, not seconds: a process that is stopped for an hour has not waited for one.
bool vulkan_await(struct vulkan_engine *engine, VkSemaphore timeline, uint64_t value)
{
    const VkSemaphoreWaitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
        .semaphoreCount = 1,
        .pSemaphores = &timeline,
        .pValues = &value,
    };
    uint64_t reached = 0;
    double idle = 0;
    if (engine->lost)
        return error_set_kind(ERROR_DEVICE_LOST, "vulkan: device lost");
    for (;;) {
        const VkResult result =
            engine->vk.vkWaitSemaphores(engine->device, &info, (uint64_t)(WAIT_SLICE * 1e9));
        if (result != VK_TIMEOUT)
            return check(engine, result, "waiting for the device");
        uint64_t now;
        if (!check(engine, engine->vk.vkGetSemaphoreCounterValue(engine->device, timeline, &now),
                   "waiting for the device"))
            return false;
        idle = now == reached ? idle + WAIT_SLICE : WAIT_SLICE;
        reached = now;
        const bool hurry = interrupt_requested() && engine->patience < (double)INFINITY;
        if (idle >= (hurry ? fmin(engine->patience, WAIT_INTERRUPTED) : engine->patience))
            return give_up(engine, idle);
    }
}

static bool wait_for(struct vulkan_program *program, uint64_t value)
{
    return vulkan_await(program->engine, program->timeline, value);
}

bool vulkan_settle(struct vulkan_program *program)
{
    struct vulkan_engine *engine = program->engine;
    if (program->timeline && !engine->lost && wait_for(program, program->submitted))
        return true;
    if (!engine->hung) // a lost device has ended all that it was given
        engine->vk.vkDeviceWaitIdle(engine->device);
    return !engine->hung;
}

// One submission of `count` command buffers.
static bool submit_some(struct vulkan_program *program, const VkCommandBuffer *commands, int count)
{
    struct vulkan_engine *engine = program->engine;
    VkCommandBufferSubmitInfo infos[AT_ONCE_MOST];
    for (int i = 0; i < count; i++)
        infos[i] = (VkCommandBufferSubmitInfo){
            .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
            .commandBuffer = commands[i],
        };
    const VkSemaphoreSubmitInfo signal = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
        .semaphore = program->timeline,
        .value = program->submitted + 1,
        .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
    };
    const VkSubmitInfo2 submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
        .commandBufferInfoCount = (uint32_t)count,
        .pCommandBufferInfos = infos,
        .signalSemaphoreInfoCount = 1,
        .pSignalSemaphoreInfos = &signal,
    };
    if (!check(engine, engine->vk.vkQueueSubmit2(engine->queue, 1, &submit, VK_NULL_HANDLE),
               "submitting"))
        return false;
    program->submitted++;
    return true;
}

bool vulkan_submit(struct vulkan_program *program, const VkCommandBuffer *commands, int count)
{
    if (program->busy_commands == 0)
        program->busy_since = seconds_now();
    program->busy_commands += count;
    for (int done = 0; done < count;) {
        const int rest = count - done, some = rest < program->at_once ? rest : program->at_once;
        if (program->submitted >= IN_FLIGHT &&
            !wait_for(program, program->submitted - IN_FLIGHT + 1))
            return false;
        if (!submit_some(program, commands + done, some))
            return false;
        done += some;
    }
    return true;
}

// A command buffer holds what a slow GPU does in a moment (commands.h). A fast one gets several in
// one submission, so that the host has little to do for it.
static void adapt(struct vulkan_program *program)
{
    const double each = (seconds_now() - program->busy_since) / program->busy_commands;
    const double fit = SUBMISSION_SECONDS / each;
    program->at_once = (int)fmin(fmax(fit, 1), AT_ONCE_MOST);
}

bool vulkan_wait(struct program *base)
{
    struct vulkan_program *program = (struct vulkan_program *)base;
    if (!wait_for(program, program->submitted))
        return false;
    if (program->busy_commands >= ENOUGH_COMMANDS)
        adapt(program);
    program->busy_commands = 0;
    const int errors = vulkan_validation_errors();
    return errors == 0 || error_set("vulkan: %d validation errors", errors);
}

bool vulkan_commands_create(struct vulkan_engine *engine, VkCommandPool *pool,
                            VkCommandBuffer *commands, VkSemaphore *timeline)
{
    const struct VolkDeviceTable *vk = &engine->vk;
    const VkCommandPoolCreateInfo pool_info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
        .queueFamilyIndex = engine->family,
    };
    const VkSemaphoreTypeCreateInfo type = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
        .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
    };
    const VkSemaphoreCreateInfo timeline_info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
        .pNext = &type,
    };
    VK_CHECK(vk->vkCreateCommandPool(engine->device, &pool_info, NULL, pool));
    const VkCommandBufferAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = *pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    VK_CHECK(vk->vkAllocateCommandBuffers(engine->device, &allocate, commands));
    VK_CHECK(vk->vkCreateSemaphore(engine->device, &timeline_info, NULL, timeline));
    return true;
error:
    return false;
}

void vulkan_barrier(struct vulkan_engine *engine, VkCommandBuffer commands, enum barrier kind)
{
    const VkPipelineStageFlags2 kernels = VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT,
                                copies = VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT,
                                host = VK_PIPELINE_STAGE_2_HOST_BIT;
    const VkAccessFlags2 kernels_write = VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT,
                         kernels_read = VK_ACCESS_2_SHADER_STORAGE_READ_BIT,
                         copies_write = VK_ACCESS_2_TRANSFER_WRITE_BIT,
                         copies_read = VK_ACCESS_2_TRANSFER_READ_BIT,
                         host_all = VK_ACCESS_2_HOST_READ_BIT | VK_ACCESS_2_HOST_WRITE_BIT;
    const bool ends = kind == BARRIER_ENDS;
    const VkMemoryBarrier2 barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER_2,
        .srcStageMask = kernels | (ends ? copies : 0),
        .srcAccessMask = kernels_write | (ends ? copies_write : 0),
        .dstStageMask = kernels | (ends ? copies | host : 0),
        .dstAccessMask =
            kernels_read | kernels_write | (ends ? copies_read | copies_write | host_all : 0),
    };
    const VkDependencyInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO,
        .memoryBarrierCount = 1,
        .pMemoryBarriers = &barrier,
    };
    engine->vk.vkCmdPipelineBarrier2(commands, &info);
}
