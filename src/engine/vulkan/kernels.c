// SPDX-License-Identifier: MIT
// The table of kernels and their pipelines. Words come from the build (shaders/meson.build).
#include "engine/vulkan/internal.h"

#include "engine/vulkan/push.h"
#include "vkgrid/error.h"
#include "vkgrid/hash.h"
#include "vkgrid/memory.h"

#include <stdlib.h>
#include <string.h>

struct kernel_info {
    const char *name;
    // SPIR-V with fp32 and with fp16 activations; NULL where there is none.
    const uint32_t *words, *half_words;
    size_t size, half_size; // bytes
    uint32_t push_size;
};

#define WORDS(name) static const uint32_t name##_words[]

WORDS(adam) = {
#include "shaders/adam.inc"
};
WORDS(adam_half) = {
#include "shaders/adam_half.inc"
};
WORDS(advance) = {
#include "shaders/advance.inc"
};
WORDS(channel_sums) = {
#include "shaders/channel_sums.inc"
};
WORDS(channel_sums_half) = {
#include "shaders/channel_sums_half.inc"
};
WORDS(conv) = {
#include "shaders/conv.inc"
};
WORDS(conv_float_out) = {
#include "shaders/conv_float_out.inc"
};
WORDS(conv_half) = {
#include "shaders/conv_half.inc"
};
WORDS(conv_input_grad) = {
#include "shaders/conv_input_grad.inc"
};
WORDS(conv_input_grad_half) = {
#include "shaders/conv_input_grad_half.inc"
};
WORDS(conv_input_grad_shared) = {
#include "shaders/conv_input_grad_shared.inc"
};
WORDS(conv_input_grad_shared_half) = {
#include "shaders/conv_input_grad_shared_half.inc"
};
WORDS(conv_shared) = {
#include "shaders/conv_shared.inc"
};
WORDS(conv_shared_half) = {
#include "shaders/conv_shared_half.inc"
};
WORDS(conv_weight_grad) = {
#include "shaders/conv_weight_grad.inc"
};
WORDS(conv_weight_grad_half) = {
#include "shaders/conv_weight_grad_half.inc"
};
WORDS(conv_weight_grad_shared) = {
#include "shaders/conv_weight_grad_shared.inc"
};
WORDS(conv_weight_grad_shared_half) = {
#include "shaders/conv_weight_grad_shared_half.inc"
};
WORDS(conv_winograd) = {
#include "shaders/conv_winograd.inc"
};
WORDS(conv_input_grad_winograd) = {
#include "shaders/conv_input_grad_winograd.inc"
};
WORDS(conv_weight_grad_winograd) = {
#include "shaders/conv_weight_grad_winograd.inc"
};
#ifdef MATRIX_KERNELS
WORDS(conv_matrix) = {
#include "shaders/conv_matrix.inc"
};
WORDS(conv_input_grad_matrix) = {
#include "shaders/conv_input_grad_matrix.inc"
};
WORDS(conv_weight_grad_matrix) = {
#include "shaders/conv_weight_grad_matrix.inc"
};
WORDS(peak_matrix) = {
#include "shaders/peak_matrix.inc"
};
#endif
WORDS(copy_channels) = {
#include "shaders/copy_channels.inc"
};
WORDS(copy_channels_half) = {
#include "shaders/copy_channels_half.inc"
};
WORDS(copy_marked) = {
#include "shaders/copy_marked.inc"
};
WORDS(elementwise) = {
#include "shaders/elementwise.inc"
};
WORDS(elementwise_half) = {
#include "shaders/elementwise_half.inc"
};
WORDS(find_overflow) = {
#include "shaders/find_overflow.inc"
};
WORDS(gather) = {
#include "shaders/gather.inc"
};
WORDS(gather_half) = {
#include "shaders/gather_half.inc"
};
WORDS(loss_finish) = {
#include "shaders/loss_finish.inc"
};
WORDS(loss_grad) = {
#include "shaders/loss_grad.inc"
};
WORDS(loss_grad_half) = {
#include "shaders/loss_grad_half.inc"
};
WORDS(loss_sums) = {
#include "shaders/loss_sums.inc"
};
WORDS(max_pool) = {
#include "shaders/max_pool.inc"
};
WORDS(max_pool_grad) = {
#include "shaders/max_pool_grad.inc"
};
WORDS(max_pool_grad_half) = {
#include "shaders/max_pool_grad_half.inc"
};
WORDS(max_pool_half) = {
#include "shaders/max_pool_half.inc"
};
WORDS(norm_apply) = {
#include "shaders/norm_apply.inc"
};
WORDS(norm_apply_half) = {
#include "shaders/norm_apply_half.inc"
};
WORDS(norm_finish) = {
#include "shaders/norm_finish.inc"
};
WORDS(norm_grad) = {
#include "shaders/norm_grad.inc"
};
WORDS(norm_grad_half) = {
#include "shaders/norm_grad_half.inc"
};
WORDS(peak) = {
#include "shaders/peak.inc"
};
WORDS(peak_half) = {
#include "shaders/peak_half.inc"
};
WORDS(round_weights) = {
#include "shaders/round_weights.inc"
};
WORDS(sum_splits) = {
#include "shaders/sum_splits.inc"
};
WORDS(upsample) = {
#include "shaders/upsample.inc"
};
WORDS(upsample_grad) = {
#include "shaders/upsample_grad.inc"
};
WORDS(upsample_grad_half) = {
#include "shaders/upsample_grad_half.inc"
};
WORDS(upsample_half) = {
#include "shaders/upsample_half.inc"
};

// A kernel that touches no activations, one that does, and one that is for fp16 alone.
#define PLAIN(id, name, push) \
    [id] = {#name, \
            name##_words, \
            name##_words, \
            sizeof name##_words, \
            sizeof name##_words, \
            sizeof(struct push)}
#define ACTIVATIONS(id, name, push) \
    [id] = {#name, \
            name##_words, \
            name##_half_words, \
            sizeof name##_words, \
            sizeof name##_half_words, \
            sizeof(struct push)}
#define HALF_ONLY(id, name, push) \
    [id] = {#name, NULL, name##_words, 0, sizeof name##_words, sizeof(struct push)}

static const struct kernel_info kernels[KERNEL_ID_COUNT] = {
    ACTIVATIONS(KERNEL_ID_ADAM, adam, adam_push),
    PLAIN(KERNEL_ID_ADVANCE, advance, advance_push),
    ACTIVATIONS(KERNEL_ID_CHANNEL_SUMS, channel_sums, channel_sums_push),
    ACTIVATIONS(KERNEL_ID_CONV, conv, conv_push),
    HALF_ONLY(KERNEL_ID_CONV_FLOAT_OUT, conv_float_out, conv_push),
    ACTIVATIONS(KERNEL_ID_CONV_INPUT_GRAD, conv_input_grad, conv_push),
    ACTIVATIONS(KERNEL_ID_CONV_INPUT_GRAD_SHARED, conv_input_grad_shared, conv_push),
    ACTIVATIONS(KERNEL_ID_CONV_SHARED, conv_shared, conv_push),
    ACTIVATIONS(KERNEL_ID_CONV_WEIGHT_GRAD, conv_weight_grad, conv_push),
    ACTIVATIONS(KERNEL_ID_CONV_WEIGHT_GRAD_SHARED, conv_weight_grad_shared, conv_push),
    PLAIN(KERNEL_ID_CONV_WINOGRAD, conv_winograd, conv_push),
    PLAIN(KERNEL_ID_CONV_INPUT_GRAD_WINOGRAD, conv_input_grad_winograd, conv_push),
    PLAIN(KERNEL_ID_CONV_WEIGHT_GRAD_WINOGRAD, conv_weight_grad_winograd, conv_push),
#ifdef MATRIX_KERNELS
    HALF_ONLY(KERNEL_ID_CONV_MATRIX, conv_matrix, conv_push),
    HALF_ONLY(KERNEL_ID_CONV_INPUT_GRAD_MATRIX, conv_input_grad_matrix, conv_push),
    HALF_ONLY(KERNEL_ID_CONV_WEIGHT_GRAD_MATRIX, conv_weight_grad_matrix, conv_push),
#endif
    ACTIVATIONS(KERNEL_ID_COPY_CHANNELS, copy_channels, copy_channels_push),
    PLAIN(KERNEL_ID_COPY_MARKED, copy_marked, copy_marked_push),
    ACTIVATIONS(KERNEL_ID_ELEMENTWISE, elementwise, elementwise_push),
    PLAIN(KERNEL_ID_FIND_OVERFLOW, find_overflow, find_overflow_push),
    ACTIVATIONS(KERNEL_ID_GATHER, gather, gather_push),
    PLAIN(KERNEL_ID_LOSS_FINISH, loss_finish, loss_push),
    ACTIVATIONS(KERNEL_ID_LOSS_GRAD, loss_grad, loss_push),
    PLAIN(KERNEL_ID_LOSS_SUMS, loss_sums, loss_push),
    ACTIVATIONS(KERNEL_ID_MAX_POOL, max_pool, pool_push),
    ACTIVATIONS(KERNEL_ID_MAX_POOL_GRAD, max_pool_grad, pool_push),
    ACTIVATIONS(KERNEL_ID_NORM_APPLY, norm_apply, norm_apply_push),
    PLAIN(KERNEL_ID_NORM_FINISH, norm_finish, norm_finish_push),
    ACTIVATIONS(KERNEL_ID_NORM_GRAD, norm_grad, norm_grad_push),
    ACTIVATIONS(KERNEL_ID_PEAK, peak, peak_push),
#ifdef MATRIX_KERNELS
    HALF_ONLY(KERNEL_ID_PEAK_MATRIX, peak_matrix, peak_push),
#endif
    HALF_ONLY(KERNEL_ID_ROUND_WEIGHTS, round_weights, round_push),
    PLAIN(KERNEL_ID_SUM_SPLITS, sum_splits, sum_splits_push),
    ACTIVATIONS(KERNEL_ID_UPSAMPLE, upsample, upsample_push),
    ACTIVATIONS(KERNEL_ID_UPSAMPLE_GRAD, upsample_grad, upsample_push),
};

bool vulkan_has_kernel(enum kernel kernel)
{
    return kernels[kernel].half_words != NULL;
}

uint64_t vulkan_kernels_hash(void)
{
    uint64_t hash = 0;
    for (int i = 0; i < KERNEL_ID_COUNT; i++) {
        hash = hash_bytes(kernels[i].words, kernels[i].size, hash);
        hash = hash_bytes(kernels[i].half_words, kernels[i].half_size, hash);
    }
    return hash;
}

uint32_t vulkan_push_size(enum kernel kernel)
{
    return kernels[kernel].push_size;
}

const char *vulkan_kernel_name(enum kernel kernel)
{
    return kernels[kernel].name;
}

static bool is_matrix_kernel(enum kernel kernel)
{
    return kernel == KERNEL_ID_CONV_MATRIX || kernel == KERNEL_ID_CONV_INPUT_GRAD_MATRIX ||
           kernel == KERNEL_ID_CONV_WEIGHT_GRAD_MATRIX || kernel == KERNEL_ID_PEAK_MATRIX;
}

static bool create_pipeline(struct vulkan_engine *engine, struct pipeline *made)
{
    const struct VolkDeviceTable *vk = &engine->vk;
    const struct kernel_info *kernel = &kernels[made->kernel];
    const uint32_t *words = made->half ? kernel->half_words : kernel->words;
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
        .codeSize = made->half ? kernel->half_size : kernel->size,
        .pCode = words,
    };
    VK_CHECK(vk->vkCreateShaderModule(engine->device, &module_info, NULL, &module));
    // A matrix is spread over a subgroup, whose size the tile was cut for.
    const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroup = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = engine->matrix.subgroup,
    };
    const bool whole = is_matrix_kernel(made->kernel);
    const VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
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
    VK_CHECK(vk->vkCreateComputePipelines(engine->device, VK_NULL_HANDLE, 1, &info, NULL,
                                          &made->pipeline));
    vk->vkDestroyShaderModule(engine->device, module, NULL);
    return true;
error:
    error_prefix("kernel %s", kernel->name);
    if (module)
        vk->vkDestroyShaderModule(engine->device, module, NULL);
    return false;
}

bool vulkan_pipeline(struct vulkan_engine *engine, struct pipeline *wanted)
{
    // One pipeline for both where the element type makes no difference.
    wanted->half =
        wanted->half && kernels[wanted->kernel].words != kernels[wanted->kernel].half_words;
    for (int i = 0; i < engine->pipeline_count; i++) {
        const struct pipeline *have = &engine->pipelines[i];
        if (have->kernel == wanted->kernel && have->half == wanted->half &&
            have->based == wanted->based &&
            memcmp(have->constants, wanted->constants, sizeof wanted->constants) == 0) {
            wanted->pipeline = have->pipeline;
            return true;
        }
    }
    if (!create_pipeline(engine, wanted))
        return false;
    engine->pipelines =
        mem_grow(engine->pipelines, (size_t)engine->pipeline_count + 1, sizeof *engine->pipelines);
    engine->pipelines[engine->pipeline_count++] = *wanted;
    return true;
}

void vulkan_pipelines_destroy(struct vulkan_engine *engine)
{
    for (int i = 0; i < engine->pipeline_count; i++)
        engine->vk.vkDestroyPipeline(engine->device, engine->pipelines[i].pipeline, NULL);
    free(engine->pipelines);
    engine->pipelines = NULL;
    engine->pipeline_count = 0;
}
