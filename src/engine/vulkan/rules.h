// SPDX-License-Identifier: MIT
// What follows from what a device says of itself: which queue computes, whether its matrix units
// are used. No call of Vulkan here, so that tests can make devices up.
#pragma once

#include "engine/vulkan/matrix.h"
#include "vkgrid/engine/engine.h"

// The queue family that computes, -1 where there is none: one for compute alone, whose ring is not
// the desktop's and whose barriers flush no cache of the graphics side; but not at the price of the
// times that another can tell.
int rule_queue_family(const VkQueueFamilyProperties *families, uint32_t count);

struct matrix_facts {
    VkDriverId driver;
    uint32_t vendor;
    uint32_t least_subgroup, most_subgroup; // sizes that it can be asked for
    bool mixed_dot; // 4x8-bit dot products of mixed signedness are said to be accelerated
};

// Why the matrix units of a device that lists VK_KHR_cooperative_matrix are not used; NULL: they
// are.
const char *rule_matrix_refusal(const struct matrix_facts *facts, enum matrix_use use);
