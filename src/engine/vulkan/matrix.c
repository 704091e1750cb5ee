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
           p->KSize % 8 == 0 && MATRIX_DEPTH % p->KSize == 0;
}

// Sums are rounded to a matrix of fp16 sums before they are stored, so there must be such a type.
static bool has_half_sums(const VkCooperativeMatrixPropertiesKHR *list, uint32_t count, uint32_t m,
                          uint32_t n)
{
    for (uint32_t i = 0; i < count; i++)
        if (list[i].MSize == m && list[i].NSize == n && list[i].scope == VK_SCOPE_SUBGROUP_KHR &&
            (list[i].CType == VK_COMPONENT_TYPE_FLOAT16_KHR ||
             list[i].ResultType == VK_COMPONENT_TYPE_FLOAT16_KHR))
            return true;
    return false;
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
            if (is_usable(p) && has_half_sums(list, count, p->MSize, p->NSize) &&
                p->MSize * p->NSize * p->KSize > best.m * best.n * best.k)
                best = (struct matrix_size){.m = p->MSize, .n = p->NSize, .k = p->KSize};
        }
    free(list);
    return best;
}
