// SPDX-License-Identifier: MIT
#include "engine/vulkan/matrix.h"

#include "vkgrid/memory.h"

#include <stdlib.h>

static bool is_usable(const VkCooperativeMatrixPropertiesKHR *p)
{
    return p->AType == VK_COMPONENT_TYPE_FLOAT16_KHR && p->BType == VK_COMPONENT_TYPE_FLOAT16_KHR &&
           p->CType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
           p->ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR && p->scope == VK_SCOPE_SUBGROUP_KHR &&
           !p->saturatingAccumulation && p->MSize % 8 == 0 && p->NSize % 8 == 0 &&
           p->KSize % 8 == 0;
}

struct matrix_size vulkan_matrix_size(VkInstance instance, VkPhysicalDevice device)
{
    struct matrix_size best = {0};
    const PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR get =
        (PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)vkGetInstanceProcAddr(
            instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    uint32_t count = 0;
    if (!get || get(device, &count, NULL) != VK_SUCCESS)
        return best;
    VkCooperativeMatrixPropertiesKHR *list = mem_zalloc(count + 1, sizeof *list);
    for (uint32_t i = 0; i < count; i++)
        list[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
    if (get(device, &count, list) == VK_SUCCESS)
        for (uint32_t i = 0; i < count; i++) {
            const VkCooperativeMatrixPropertiesKHR *p = &list[i];
            if (is_usable(p) && p->MSize * p->NSize * p->KSize > best.m * best.n * best.k)
                best = (struct matrix_size){.m = p->MSize, .n = p->NSize, .k = p->KSize};
        }
    free(list);
    return best;
}
