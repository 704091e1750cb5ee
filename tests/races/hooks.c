// SPDX-License-Identifier: MIT
#include "tests/races/hooks.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODULE_BYTES = 1 << 20 };

static struct VolkDeviceTable next; // what the hooks stand before

// ---- modules

struct module {
    void *built, *words;
    size_t built_size, size;
    atomic_bool used;
};

static struct module *modules;
static int module_count;
static bool all_modules;

static VKAPI_ATTR VkResult VKAPI_CALL create_module(VkDevice device,
                                                    const VkShaderModuleCreateInfo *info,
                                                    const VkAllocationCallbacks *memory,
                                                    VkShaderModule *made)
{
    VkShaderModuleCreateInfo replaced = *info;
    bool found = false;
    for (int i = 0; i < module_count && !found; i++) {
        struct module *m = &modules[i];
        found = m->built_size == info->codeSize && !memcmp(m->built, info->pCode, info->codeSize);
        if (found) {
            replaced.codeSize = m->size;
            replaced.pCode = m->words;
            atomic_store(&m->used, true);
        }
    }
    if (!found && all_modules)
        return VK_ERROR_INITIALIZATION_FAILED;
    return next.vkCreateShaderModule(device, &replaced, memory, made);
}

static bool read_module(const char *folder, const char *name, struct module *module)
{
    char *built = text_format("%s/%s.built.spv", folder, name);
    char *words = text_format("%s/%s.spv", folder, name);
    const bool done = file_read(built, MODULE_BYTES, &module->built, &module->built_size) &&
                      file_read(words, MODULE_BYTES, &module->words, &module->size);
    free(built);
    free(words);
    return done;
}

bool hooks_replace_modules(struct vulkan_engine *engine, const char *folder, bool all)
{
    static const char end[] = ".built.spv";
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    if (!entries)
        return error_set("%s: is no folder of modules", folder);
    while ((entry = readdir(entries))) {
        const size_t length = strlen(entry->d_name);
        if (length < sizeof end || strcmp(entry->d_name + length - (sizeof end - 1), end) != 0)
            continue;
        char *name = text_copy(entry->d_name);
        name[length - (sizeof end - 1)] = '\0';
        modules = mem_grow(modules, (size_t)module_count + 1, sizeof *modules);
        modules[module_count] = (struct module){0};
        const bool done = read_module(folder, name, &modules[module_count++]);
        free(name);
        if (!done) {
            closedir(entries);
            return false;
        }
    }
    closedir(entries);
    all_modules = all;
    next.vkCreateShaderModule = engine->vk.vkCreateShaderModule;
    engine->vk.vkCreateShaderModule = create_module;
    return true;
}

int hooks_replaced(void)
{
    int count = 0;
    for (int i = 0; i < module_count; i++)
        count += atomic_load(&modules[i].used);
    return count;
}

// ---- buffers

static VkDeviceSize slack;

static VKAPI_ATTR VkResult VKAPI_CALL create_buffer(VkDevice device, const VkBufferCreateInfo *info,
                                                    const VkAllocationCallbacks *memory,
                                                    VkBuffer *made)
{
    VkBufferCreateInfo exact = *info;
    exact.size -= slack;
    return next.vkCreateBuffer(device, &exact, memory, made);
}

static VKAPI_ATTR VkResult VKAPI_CALL allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                                               const VkAllocationCallbacks *memory,
                                               VkDeviceMemory *made)
{
    VkMemoryAllocateInfo larger = *info;
    larger.allocationSize += slack;
    return next.vkAllocateMemory(device, &larger, memory, made);
}

void hooks_exact_buffers(struct vulkan_engine *engine)
{
    slack = engine->read_slack;
    next.vkCreateBuffer = engine->vk.vkCreateBuffer;
    next.vkAllocateMemory = engine->vk.vkAllocateMemory;
    engine->vk.vkCreateBuffer = create_buffer;
    engine->vk.vkAllocateMemory = allocate;
}

// ---- dispatches

enum { GAP_MOST = 64, PUSH_BYTES = 128 };

struct turned_dispatch {
    VkPipeline pipeline;
    VkPipelineLayout layout;
    uint32_t push_size;
    bool based;
    uint32_t base[3], groups[3];
    unsigned char push[PUSH_BYTES];
};

static struct turned_dispatch gap[GAP_MOST],
    bound; // since the last barrier; what the next one will be
static int gap_count, turned;
static bool keeps_barriers;

static void end_gap(VkCommandBuffer commands)
{
    turned += gap_count > 1 ? gap_count : 0;
    while (gap_count > 0) {
        const struct turned_dispatch *d = &gap[--gap_count];
        next.vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, d->pipeline);
        next.vkCmdPushConstants(commands, d->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, d->push_size,
                                d->push);
        if (d->based)
            next.vkCmdDispatchBase(commands, d->base[0], d->base[1], d->base[2], d->groups[0],
                                   d->groups[1], d->groups[2]);
        else
            next.vkCmdDispatch(commands, d->groups[0], d->groups[1], d->groups[2]);
    }
}

static VKAPI_ATTR void VKAPI_CALL bind_pipeline(VkCommandBuffer commands, VkPipelineBindPoint point,
                                                VkPipeline pipeline)
{
    (void)commands;
    (void)point;
    bound.pipeline = pipeline;
}

static VKAPI_ATTR void VKAPI_CALL push_constants(VkCommandBuffer commands, VkPipelineLayout layout,
                                                 VkShaderStageFlags stages, uint32_t offset,
                                                 uint32_t size, const void *values)
{
    (void)commands;
    (void)stages;
    if (offset != 0 || size > PUSH_BYTES)
        abort();
    bound.layout = layout;
    bound.push_size = size;
    memcpy(bound.push, values, size);
}

static void keep(VkCommandBuffer commands, bool based, const uint32_t base[3],
                 const uint32_t groups[3])
{
    if (gap_count == GAP_MOST) // more would only have to be kept
        end_gap(commands);
    bound.based = based;
    memcpy(bound.base, base, sizeof bound.base);
    memcpy(bound.groups, groups, sizeof bound.groups);
    gap[gap_count++] = bound;
}

static VKAPI_ATTR void VKAPI_CALL dispatch(VkCommandBuffer commands, uint32_t x, uint32_t y,
                                           uint32_t z)
{
    keep(commands, false, (uint32_t[3]){0}, (uint32_t[3]){x, y, z});
}

static VKAPI_ATTR void VKAPI_CALL dispatch_base(VkCommandBuffer commands, uint32_t base_x,
                                                uint32_t base_y, uint32_t base_z, uint32_t x,
                                                uint32_t y, uint32_t z)
{
    keep(commands, true, (uint32_t[3]){base_x, base_y, base_z}, (uint32_t[3]){x, y, z});
}

static VKAPI_ATTR void VKAPI_CALL barrier(VkCommandBuffer commands, const VkDependencyInfo *info)
{
    if (!keeps_barriers)
        return;
    end_gap(commands);
    next.vkCmdPipelineBarrier2(commands, info);
}

static VKAPI_ATTR VkResult VKAPI_CALL end_commands(VkCommandBuffer commands)
{
    end_gap(commands);
    return next.vkEndCommandBuffer(commands);
}

void hooks_turn_dispatches(struct vulkan_engine *engine, bool barriers)
{
    struct VolkDeviceTable *vk = &engine->vk;
    keeps_barriers = barriers;
    next.vkCmdBindPipeline = vk->vkCmdBindPipeline;
    next.vkCmdPushConstants = vk->vkCmdPushConstants;
    next.vkCmdDispatch = vk->vkCmdDispatch;
    next.vkCmdDispatchBase = vk->vkCmdDispatchBase;
    next.vkCmdPipelineBarrier2 = vk->vkCmdPipelineBarrier2;
    next.vkEndCommandBuffer = vk->vkEndCommandBuffer;
    vk->vkCmdBindPipeline = bind_pipeline;
    vk->vkCmdPushConstants = push_constants;
    vk->vkCmdDispatch = dispatch;
    vk->vkCmdDispatchBase = dispatch_base;
    vk->vkCmdPipelineBarrier2 = barrier;
    vk->vkEndCommandBuffer = end_commands;
}

int hooks_turned(void)
{
    return turned;
}
