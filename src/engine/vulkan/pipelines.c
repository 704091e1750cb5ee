// SPDX-License-Identifier: MIT
// Pipelines, made on first use: several at once, since a driver takes up to a second for a large
// one.
#include "engine/vulkan/pipelines.h"

#include "engine/vulkan/engine.h"
#include "engine/vulkan/pipeline_cache.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/processors.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MOST_THREADS 8

// Changes nothing of the engine: threads are in here at once.
static bool create_pipeline(const struct vulkan_engine *engine, struct pipeline *made)
{
    const struct VolkDeviceTable *vk = &engine->vk;
    const struct kernel_words words =
        vulkan_kernel_words(made->kernel, made->half, engine->ieee_half);
    VkShaderModule module = VK_NULL_HANDLE;
    VkSpecializationMapEntry entries[KERNEL_CONSTANTS];
    for (uint32_t i = 0; i < KERNEL_CONSTANTS; i++)
        entries[i] = (VkSpecializationMapEntry){.constantID = i, .offset = 4 * i, .size = 4};
    const VkSpecializationInfo constants = {
        .mapEntryCount = KERNEL_CONSTANTS, // those that a kernel does not have are ignored
        .pMapEntries = entries,
        .dataSize = sizeof made->constants,
        .pData = made->constants,
    };
    const VkShaderModuleCreateInfo module_info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = words.size,
        .pCode = words.words,
    };
    VK_CHECK(vk->vkCreateShaderModule(engine->device, &module_info, NULL, &module));
    // A matrix is spread over a subgroup, whose size the tile was cut for.
    const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroup = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = engine->matrix.subgroup,
    };
    const bool whole = vulkan_is_matrix_kernel(made->kernel);
    VkPipelineCreationFeedback feedback = {0};
    const VkPipelineCreationFeedbackCreateInfo feedback_info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_CREATION_FEEDBACK_CREATE_INFO,
        .pPipelineCreationFeedback = &feedback,
    };
    const VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .pNext = &feedback_info,
        .stage =
            {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .pNext = whole && engine->can_set_subgroup ? &subgroup : NULL,
                .flags = whole ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT : 0,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = "main",
                .pSpecializationInfo = &constants,
            },
        .layout = engine->layout,
        .flags = (engine->capture ? VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR : 0u) |
                 (made->based ? VK_PIPELINE_CREATE_DISPATCH_BASE_BIT : 0u),
    };
    VK_CHECK(vk->vkCreateComputePipelines(engine->device, engine->cache.handle, 1, &info, NULL,
                                          &made->pipeline));
    vk->vkDestroyShaderModule(engine->device, module, NULL);
    made->cached =
        (feedback.flags & VK_PIPELINE_CREATION_FEEDBACK_VALID_BIT) &&
        (feedback.flags & VK_PIPELINE_CREATION_FEEDBACK_APPLICATION_PIPELINE_CACHE_HIT_BIT);
    return true;
error:
    error_prefix("kernel %s", vulkan_kernel_name(made->kernel));
    if (module)
        vk->vkDestroyShaderModule(engine->device, module, NULL);
    return false;
}

// Pipelines that several threads make; each takes the next one of the list.
struct making {
    const struct vulkan_engine *engine;
    struct pipeline *list;
    int count;
    atomic_int next;
    pthread_mutex_t lock; // of what follows
    int failed;           // the first in the list that could not be made, else count
    enum error_kind kind;
    char *why;
};

static void fail(struct making *making, int at)
{
    pthread_mutex_lock(&making->lock);
    if (at < making->failed) {
        free(making->why);
        making->failed = at;
        making->kind = error_kind();
        making->why = text_copy(error_text());
    }
    pthread_mutex_unlock(&making->lock);
    atomic_store(&making->next, making->count); // the others stop
}

static void *make_some(void *context)
{
    struct making *making = context;
    int at;
    while ((at = atomic_fetch_add(&making->next, 1)) < making->count)
        if (!create_pipeline(making->engine, &making->list[at]))
            fail(making, at);
    return NULL;
}

static bool make_all(struct vulkan_engine *engine, struct pipeline *list, int count)
{
    struct making making = {.engine = engine,
                            .list = list,
                            .count = count,
                            .failed = count,
                            .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[MOST_THREADS];
    int started = 0, most = processor_count();
    most = most < MOST_THREADS ? most : MOST_THREADS;
    most = most < count ? most : count;
    // This thread is one of them, and does it all where no other can be had.
    while (started < most - 1 && pthread_create(&threads[started], NULL, make_some, &making) == 0)
        started++;
    make_some(&making);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (making.why)
        error_set_kind(making.kind, "%s", making.why);
    free(making.why);
    pthread_mutex_destroy(&making.lock);
    return making.failed == count;
}

static bool is_same(const struct pipeline *a, const struct pipeline *b)
{
    return a->kernel == b->kernel && a->half == b->half && a->based == b->based &&
           memcmp(a->constants, b->constants, sizeof a->constants) == 0;
}

static struct pipeline *find(struct pipeline *list, int count, const struct pipeline *wanted)
{
    for (int i = 0; i < count; i++)
        if (is_same(&list[i], wanted))
            return &list[i];
    return NULL;
}

// Keeps those of a list that were made; the engine owns them from now on.
static void keep_made(struct vulkan_engine *engine, const struct pipeline *list, int count)
{
    int fresh = 0;
    engine->pipelines = mem_grow(engine->pipelines, (size_t)(engine->pipeline_count + count),
                                 sizeof *engine->pipelines);
    for (int i = 0; i < count; i++) {
        if (!list[i].pipeline)
            continue;
        fresh += !list[i].cached;
        engine->pipelines[engine->pipeline_count++] = list[i];
    }
    if (fresh > 0)
        pipeline_cache_changed(engine);
}

bool vulkan_pipelines_make(struct vulkan_engine *engine, struct pipeline *wanted, int count)
{
    struct pipeline *missing = mem_zalloc((size_t)count + 1, sizeof *missing);
    int missing_count = 0;
    for (int i = 0; i < count; i++) {
        // One pipeline for both where the element type makes no difference.
        wanted[i].half = wanted[i].half && vulkan_has_halves(wanted[i].kernel);
        wanted[i].pipeline = VK_NULL_HANDLE;
        if (!find(engine->pipelines, engine->pipeline_count, &wanted[i]) &&
            !find(missing, missing_count, &wanted[i]))
            missing[missing_count++] = wanted[i];
    }
    const bool made = missing_count == 0 || make_all(engine, missing, missing_count);
    if (missing_count > 0)
        keep_made(engine, missing, missing_count);
    free(missing);
    for (int i = 0; i < count && made; i++)
        wanted[i].pipeline = find(engine->pipelines, engine->pipeline_count, &wanted[i])->pipeline;
    return made;
}

void vulkan_pipelines_destroy(struct vulkan_engine *engine)
{
    for (int i = 0; i < engine->pipeline_count; i++)
        engine->vk.vkDestroyPipeline(engine->device, engine->pipelines[i].pipeline, NULL);
    free(engine->pipelines);
    engine->pipelines = NULL;
    engine->pipeline_count = 0;
}
