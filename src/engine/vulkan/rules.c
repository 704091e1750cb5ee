// SPDX-License-Identifier: MIT
#include "engine/vulkan/rules.h"

#include <stddef.h>

int rule_queue_family(const VkQueueFamilyProperties *families, uint32_t count)
{
    int first = -1;
    for (uint32_t i = 0; first < 0 && i < count; i++)
        if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT)
            first = (int)i;
    for (uint32_t i = 0; i < count; i++) {
        const VkQueueFlags kinds =
            families[i].queueFlags & (VK_QUEUE_COMPUTE_BIT | VK_QUEUE_GRAPHICS_BIT);
        if (kinds == VK_QUEUE_COMPUTE_BIT &&
            (families[i].timestampValidBits > 0 || families[first].timestampValidBits == 0))
            return (int)i;
    }
    return first;
}

// RDNA 3 was the first with WMMA, and with dot products of mixed signedness; before RDNA there is
// wave64 alone. (RADV tells so for Vega to RDNA 4; a driver that does not costs speed, and --matrix
// on helps.)
static bool is_rdna3(const struct matrix_facts *facts)
{
    return facts->vendor == 0x1002 && facts->least_subgroup == 32 && facts->most_subgroup == 64 &&
           facts->mixed_dot;
}

// Xe2 gave up SIMD8. (ANV: 8 to 32 up to Xe-HPG and Arrow Lake, 16 to 32 from Lunar Lake and
// Battlemage on.)
static bool is_xe2(const struct matrix_facts *facts)
{
    return facts->vendor == 0x8086 && facts->least_subgroup >= 16;
}

// lavapipe's vectors of 256 bits. With LP_NATIVE_VECTOR_WIDTH=512 its compiler crashes (Mesa 26.2).
static bool is_eight(const struct matrix_facts *facts)
{
    return facts->least_subgroup == 8;
}

static bool is_any(const struct matrix_facts *facts)
{
    (void)facts;
    return true;
}

// Drivers whose matrix units are used, and on which devices; `otherwise`: why not on the others.
// Numbers are those of llama.cpp's issues, whose users have met these drivers.
static const struct {
    VkDriverId driver;
    bool (*is_good)(const struct matrix_facts *facts);
    const char *otherwise;
} drivers[] = {
    // They list the extension where there are tensor cores: from Turing on.
    {VK_DRIVER_ID_NVIDIA_PROPRIETARY, is_any, NULL},
    {VK_DRIVER_ID_MESA_NVK, is_any, NULL},
    // RADV lists it from RDNA 3 on; should it ever emulate it before, that would be slower.
    {VK_DRIVER_ID_MESA_RADV, is_rdna3, "none before RDNA 3"},
    // AMD's own drivers list it on every GPU.
    {VK_DRIVER_ID_AMD_OPEN_SOURCE, is_rdna3, "real from RDNA 3 on alone"},
    {VK_DRIVER_ID_AMD_PROPRIETARY, is_rdna3, "real from RDNA 3 on alone"},
    // An A770 is slower with them than without (#14001).
    {VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA, is_xe2, "slower than without before Xe2"},
    // Garbage on a DG1 (#12690), a crash on an Arc Pro B70 (#24005).
    {VK_DRIVER_ID_INTEL_PROPRIETARY_WINDOWS, NULL, "known to fail with this driver"},
    // For tests: on software drivers kernels take them where VKGRID_TILE says so alone (tiles.c).
    {VK_DRIVER_ID_MESA_LLVMPIPE, is_eight, "made for vectors of 256 bits"},
};

const char *rule_matrix_refusal(const struct matrix_facts *facts, enum matrix_use use)
{
    if (use == MATRIX_ON)
        return NULL;
    if (use == MATRIX_OFF)
        return "--matrix off";
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++)
        if (drivers[i].driver == facts->driver)
            return drivers[i].is_good && drivers[i].is_good(facts) ? NULL : drivers[i].otherwise;
    return "nothing is known of them with this driver";
}
