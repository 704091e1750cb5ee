// SPDX-License-Identifier: MIT
// A Vulkan layer whose devices get lost: VK_LAYER_VKGRID_lost_device.
//
//   LOST_AT=N     a device is lost at its Nth submission and from then on
//   LOST_TIMES=N  so many devices of the process are lost, one after the other (default 1)
//
// It says so on stderr.
#include "tests/faults/layer.h"

#include <stdio.h>
#include <string.h>

static struct {
    long submissions;
    bool lost;
} fates[LAYER_DEVICES];
static long lost_devices;

// Counts a submission; whether the device is lost.
static bool is_lost(const void *object)
{
    const int number = layer_device_number(object);
    pthread_mutex_lock(&layer_lock);
    fates[number].submissions++;
    if (!fates[number].lost && fates[number].submissions == layer_setting("LOST_AT", 0) &&
        lost_devices < layer_setting("LOST_TIMES", 1)) {
        fates[number].lost = true;
        lost_devices++;
        fprintf(stderr, "lost device %ld at submission %ld\n", lost_devices,
                fates[number].submissions);
    }
    const bool lost = fates[number].lost;
    pthread_mutex_unlock(&layer_lock);
    return lost;
}

static VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count,
                                             const VkSubmitInfo *infos, VkFence fence)
{
    return is_lost(queue) ? VK_ERROR_DEVICE_LOST
                          : NEXT(queue, vkQueueSubmit)(queue, count, infos, fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL submit2(VkQueue queue, uint32_t count,
                                              const VkSubmitInfo2 *infos, VkFence fence)
{
    return is_lost(queue) ? VK_ERROR_DEVICE_LOST
                          : NEXT(queue, vkQueueSubmit2)(queue, count, infos, fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical,
                                                    const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *memory,
                                                    VkDevice *made)
{
    const VkResult result = layer_create_device(physical, info, memory, made);
    if (result == VK_SUCCESS)
        memset(&fates[layer_device_number(*made)], 0, sizeof fates[0]);
    return result;
}

const struct layer_hook layer_of_instance[] = {
    LAYER_HOOK("vkCreateDevice", create_device),
    {0},
};
const struct layer_hook layer_of_device[] = {
    LAYER_HOOK("vkQueueSubmit", submit),
    LAYER_HOOK("vkQueueSubmit2", submit2),
    LAYER_HOOK("vkQueueSubmit2KHR", submit2),
    {0},
};
