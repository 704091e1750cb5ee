// SPDX-License-Identifier: MIT
// Which type of memory what gets, on devices as there are (tests/faults/device_profiles.c).
#include "tests/test.h"
#include "engine/vulkan/memory.h"

#include "tests/faults/device_profiles.h"

#include <string.h>

#define LOCAL VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT
#define VISIBLE VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
#define COHERENT VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
#define CACHED VK_MEMORY_PROPERTY_HOST_CACHED_BIT
#define SHARED (VISIBLE | COHERENT | CACHED)

static VkPhysicalDeviceMemoryProperties memory_of(const struct device_profile *profile)
{
    VkPhysicalDeviceMemoryProperties memory = {
        .memoryTypeCount = (uint32_t)profile->memory_count,
        .memoryHeapCount = (uint32_t)profile->heap_count,
    };
    memcpy(memory.memoryTypes, profile->memory, sizeof profile->memory);
    for (int i = 0; i < profile->heap_count; i++)
        memory.memoryHeaps[i].size = profile->heaps[i].size;
    return memory;
}

static VkMemoryPropertyFlags flags_for(const VkPhysicalDeviceMemoryProperties *memory,
                                       enum device_kind kind, enum vulkan_use use)
{
    const uint32_t type = memory_type(memory, kind, use, UINT32_MAX);
    assert_true(type < memory->memoryTypeCount);
    return memory->memoryTypes[type].propertyFlags;
}

// Kernels' memory is what the device likes best; the host maps tables where it shares the device's
// memory, and nothing else.
static void test_profiles(void **state)
{
    static const struct {
        const char *name;
        VkMemoryPropertyFlags device, table, staging;
    } cases[] = {
        {"nvidia-80gb", LOCAL, LOCAL, SHARED},
        {"radv-24gb", LOCAL, LOCAL, SHARED},
        {"amdvlk-8gb", LOCAL, LOCAL, SHARED},
        {"anv-12gb", LOCAL, LOCAL, SHARED},
        {"igpu-16gb", LOCAL, LOCAL | SHARED, LOCAL | SHARED},
        {"pi5-8gb", LOCAL | VISIBLE | COHERENT, LOCAL | VISIBLE | COHERENT,
         LOCAL | VISIBLE | COHERENT},
        {"moltenvk-16gb", LOCAL, LOCAL | SHARED, LOCAL | SHARED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct device_profile *profile = device_profile(cases[i].name);
        assert_non_null(profile);
        const VkPhysicalDeviceMemoryProperties memory = memory_of(profile);
        const enum device_kind kind = profile->type == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU
                                          ? DEVICE_INTEGRATED
                                          : DEVICE_DISCRETE;
        assert_int_equal(flags_for(&memory, kind, USE_DEVICE), cases[i].device);
        assert_int_equal(flags_for(&memory, kind, USE_TABLE), cases[i].table);
        assert_int_equal(flags_for(&memory, kind, USE_STAGING), cases[i].staging);
    }
    // Software drivers have all of their memory mapped.
    const VkPhysicalDeviceMemoryProperties memory = memory_of(device_profile("igpu-16gb"));
    assert_int_equal(flags_for(&memory, DEVICE_SOFTWARE, USE_DEVICE), LOCAL | SHARED);
}

static void test_mapped(void **state)
{
    (void)state;
    assert_false(memory_is_mapped(LOCAL, USE_DEVICE));
    assert_false(memory_is_mapped(LOCAL | VISIBLE | COHERENT, USE_DEVICE)); // slow to read
    assert_true(memory_is_mapped(LOCAL | SHARED, USE_DEVICE));
    assert_true(memory_is_mapped(VISIBLE | COHERENT, USE_STAGING));
}

// The largest heap, what is allowed, what is coherent; never what needs a feature.
static void test_choices(void **state)
{
    const VkPhysicalDeviceMemoryProperties memory = {
        .memoryTypeCount = 7,
        .memoryHeapCount = 3,
        .memoryTypes = {{LOCAL | VK_MEMORY_PROPERTY_PROTECTED_BIT, 1},
                        {LOCAL, 0},
                        {LOCAL, 1},
                        {VISIBLE, 2},
                        {VISIBLE | CACHED, 2},
                        {VISIBLE | COHERENT, 2},
                        {LOCAL | VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD, 1}},
        .memoryHeaps = {{.size = 1 << 20}, {.size = 1 << 30}, {.size = 1 << 29}},
    };
    (void)state;
    assert_int_equal(memory_type(&memory, DEVICE_DISCRETE, USE_DEVICE, UINT32_MAX), 2);
    assert_int_equal(memory_type(&memory, DEVICE_DISCRETE, USE_DEVICE, 0x43), 1);
    assert_int_equal(memory_type(&memory, DEVICE_DISCRETE, USE_DEVICE, 0x41), UINT32_MAX);
    assert_int_equal(memory_type(&memory, DEVICE_DISCRETE, USE_STAGING, UINT32_MAX), 5);
    assert_int_equal(memory_type(&memory, DEVICE_DISCRETE, USE_STAGING, 0x18), 4);
    assert_int_equal(memory_type(&memory, DEVICE_DISCRETE, USE_STAGING, 0x08), 3);
    assert_int_equal(memory_type(&memory, DEVICE_DISCRETE, USE_STAGING, 0x07), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_mapped),
        cmocka_unit_test(test_choices),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
