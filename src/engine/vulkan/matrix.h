// SPDX-License-Identifier: MIT
// VK_KHR_cooperative_matrix: the sizes of a device's matrix units. Headers before 1.3.255 lack it,
// so what is needed of it stands here for them.
#pragma once

#define VK_NO_PROTOTYPES
#include <volk.h>

#include <stdbool.h>

#ifndef VK_KHR_cooperative_matrix
#define VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME "VK_KHR_cooperative_matrix"
#define VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR \
    ((VkStructureType)1000506000)
#define VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR ((VkStructureType)1000506001)
#define VK_SCOPE_SUBGROUP_KHR 3

typedef enum VkComponentTypeKHR {
    VK_COMPONENT_TYPE_FLOAT16_KHR = 0,
    VK_COMPONENT_TYPE_FLOAT32_KHR = 1,
} VkComponentTypeKHR;

typedef struct VkPhysicalDeviceCooperativeMatrixFeaturesKHR {
    VkStructureType sType;
    void *pNext;
    VkBool32 cooperativeMatrix, cooperativeMatrixRobustBufferAccess;
} VkPhysicalDeviceCooperativeMatrixFeaturesKHR;

typedef struct VkCooperativeMatrixPropertiesKHR {
    VkStructureType sType;
    void *pNext;
    uint32_t MSize, NSize, KSize;
    int AType, BType, CType, ResultType;
    VkBool32 saturatingAccumulation;
    int scope;
} VkCooperativeMatrixPropertiesKHR;

typedef VkResult(VKAPI_PTR *PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)(
    VkPhysicalDevice device, uint32_t *count, VkCooperativeMatrixPropertiesKHR *properties);
#endif

#define MATRIX_DEPTH 32 // of the steps of most tiles (tiles.c)

// Rows, columns and terms of a product of matrices: [m][k] times [k][n].
struct matrix_size {
    uint32_t m, n, k;  // 0: there are none
    uint32_t subgroup; // invocations that hold one together
    bool half_sums;    // there are matrices [m][n] of fp16 sums too
};

// The size that the kernels use: fp16 factors, fp32 sums, a subgroup's, all sides multiples of 8
// and k a divisor of MATRIX_DEPTH; with fp16 sums if it can be; the most work at once.
struct matrix_size vulkan_matrix_size(VkInstance instance, VkPhysicalDevice device);
