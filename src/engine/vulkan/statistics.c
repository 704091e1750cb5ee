// SPDX-License-Identifier: MIT
// VK_KHR_pipeline_executable_properties: registers, spills, occupancy and the like, as the driver's
// compiler counts them.
#include "engine/vulkan/statistics.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

static double value_of(const VkPipelineExecutableStatisticKHR *statistic)
{
    switch (statistic->format) {
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR:
        return statistic->value.b32;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
        return (double)statistic->value.i64;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR:
        return (double)statistic->value.u64;
    default:
        return statistic->value.f64;
    }
}

// Invocations of a subgroup: not every kernel of a device need have the same.
static bool subgroup_of(struct vulkan_engine *engine, VkPipeline pipeline, uint32_t *subgroup)
{
    const VkPipelineInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR,
        .pipeline = pipeline,
    };
    VkPipelineExecutablePropertiesKHR first = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
    uint32_t count = 1;
    const VkResult result =
        engine->vk.vkGetPipelineExecutablePropertiesKHR(engine->device, &info, &count, &first);
    if (result != VK_INCOMPLETE)
        VK_CHECK(result);
    *subgroup = first.subgroupSize;
    return true;
error:
    return false;
}

// A compute pipeline is one executable; a driver that makes several of it lists the first.
bool vulkan_statistics(struct vulkan_engine *engine, VkPipeline pipeline, vulkan_statistic *each,
                       void *context)
{
    const struct VolkDeviceTable *vk = &engine->vk;
    const VkPipelineExecutableInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
        .pipeline = pipeline,
    };
    VkPipelineExecutableStatisticKHR *list = NULL;
    uint32_t count = 0, subgroup;
    if (!engine->capture)
        FAIL("%s: the driver tells no statistics of pipelines", engine->base.device.name);
    VK_CHECK(vk->vkGetPipelineExecutableStatisticsKHR(engine->device, &info, &count, NULL));
    list = mem_zalloc(count + 1, sizeof *list);
    for (uint32_t i = 0; i < count; i++)
        list[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
    VK_CHECK(vk->vkGetPipelineExecutableStatisticsKHR(engine->device, &info, &count, list));
    for (uint32_t i = 0; i < count; i++)
        each(context, list[i].name, value_of(&list[i]));
    CHECK(subgroup_of(engine, pipeline, &subgroup));
    each(context, "subgroup", subgroup);
    free(list);
    return true;
error:
    free(list);
    return false;
}
