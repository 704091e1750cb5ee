// SPDX-License-Identifier: MIT
// Loader, instance, physical devices. The first of the headers that include Vulkan.
#pragma once

#include <stdbool.h>

#define VK_NO_PROTOTYPES
#include <volk.h>

#define VULKAN_DEVICES 32

struct vulkan_context {
    VkInstance instance;
    VkDebugUtilsMessengerEXT messenger;
    VkPhysicalDevice devices[VULKAN_DEVICES];
    uint32_t count;
};

// Whether this machine has a loader.
bool vulkan_loader(void);
// Fails only where there is a loader that cannot make an instance; without a loader, or without a
// driver, count is 0.
bool vulkan_context_create(struct vulkan_context *context);
void vulkan_context_destroy(struct vulkan_context *context);
// Errors that the validation layer has reported since the process began (VKGRID_VALIDATE=1).
int vulkan_validation_errors(void);

const char *vulkan_result(VkResult result);
// error_set_kind() of a result, with the kind that follows from it. Returns false.
bool vulkan_failed(const char *what, VkResult result);

// A Vulkan call: on failure names it, its result, file and line.
#define VK_CHECK(call) \
    do { \
        const VkResult result_ = (call); \
        if (result_ != VK_SUCCESS) { \
            vulkan_failed(#call, result_); \
            error_trace(#call, __FILE__, __LINE__); \
            goto error; \
        } \
    } while (0)
