// SPDX-License-Identifier: MIT
#include "engine/vulkan/matrix.h"

#include "vkgrid/base/memory.h"

#include <stdlib.h>

static bool is_usable(const VkCooperativeMatrixPropertiesKHR *p)
{
    return p->AType == VK_COMPONENT_TYPE_FLOAT16_KHR && p->BType == VK_COMPONENT_TYPE_FLOAT16_KHR &&
           p->CType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
           p->ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR && p->scope == VK_SCOPE_SUBGROUP_KHR &&
           !p->saturatingAccumulation && p->MSize % 8 == 0 && p->NSize % 8 == 0 &&
           p->KSize % 8 == 0 && MATRIX_DEPTH % p->KSize == 0;
}

// Whether sums can be rounded as a matrix: whether there is such a type.
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

// Intel's units before Xe2 have no fp16 sums of any size.
static bool is_better(const struct matrix_size *a, const struct matrix_size *b)
{
    return a->half_sums != b->half_sums ? a->half_sums : a->m * a->n * a->k > b->m * b->n * b->k;
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
            const struct matrix_size size = {
                .m = p->MSize,
                .n = p->NSize,
                .k = p->KSize,
                .half_sums = has_half_sums(list, count, p->MSize, p->NSize),
            };
            if (is_usable(p) && is_better(&size, &best))
                best = size;
        }
    free(list);
    return best;
}
