// SPDX-License-Identifier: MIT
// What follows from what a device says of itself. The devices are made up, or told by the drivers
// of Mesa 26.2 (RADV, NVK, ANV) for the chips that they are named for; nothing runs.
#include "tests/test.h"
#include "engine/vulkan/rules.h"
#include "vkgrid/base/error.h"

#include <stdio.h>
#include <string.h>

enum { AMD = 0x1002, NVIDIA = 0x10de, INTEL = 0x8086, MESA = 0x10005, ARM = 0x13b5 };

static const struct matrix_case {
    const char *name;
    struct matrix_facts facts;
    bool used;
} devices[] = {
    {"H100, NVIDIA's driver", {VK_DRIVER_ID_NVIDIA_PROPRIETARY, NVIDIA, 32, 32, true}, true},
    {"Turing, NVK", {VK_DRIVER_ID_MESA_NVK, NVIDIA, 32, 32, true}, true},
    {"navi31, RADV", {VK_DRIVER_ID_MESA_RADV, AMD, 32, 64, true}, true},
    {"gfx1201, RADV", {VK_DRIVER_ID_MESA_RADV, AMD, 32, 64, true}, true},
    {"navi21, RADV, should it list them", {VK_DRIVER_ID_MESA_RADV, AMD, 32, 64, false}, false},
    {"vega10, RADV, should it list them", {VK_DRIVER_ID_MESA_RADV, AMD, 64, 64, false}, false},
    {"wave64 alone, whatever its dots", {VK_DRIVER_ID_MESA_RADV, AMD, 64, 64, true}, false},
    {"RDNA 3, AMDVLK", {VK_DRIVER_ID_AMD_OPEN_SOURCE, AMD, 32, 64, true}, true},
    {"RDNA 2, AMDVLK", {VK_DRIVER_ID_AMD_OPEN_SOURCE, AMD, 32, 64, false}, false},
    {"RDNA 3, AMD's driver", {VK_DRIVER_ID_AMD_PROPRIETARY, AMD, 32, 64, true}, true},
    {"Vega, AMD's driver", {VK_DRIVER_ID_AMD_PROPRIETARY, AMD, 64, 64, false}, false},
    {"A770, ANV", {VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA, INTEL, 8, 32, true}, false},
    {"Arrow Lake, ANV", {VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA, INTEL, 8, 32, true}, false},
    {"Lunar Lake, ANV", {VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA, INTEL, 16, 32, true}, true},
    {"B580, ANV", {VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA, INTEL, 16, 32, true}, true},
    {"B580, Windows", {VK_DRIVER_ID_INTEL_PROPRIETARY_WINDOWS, INTEL, 16, 32, true}, false},
    {"lavapipe", {VK_DRIVER_ID_MESA_LLVMPIPE, MESA, 8, 8, false}, true},
    {"lavapipe, vectors of 512 bits", {VK_DRIVER_ID_MESA_LLVMPIPE, MESA, 16, 16, false}, false},
    {"Mali, ARM's driver", {VK_DRIVER_ID_ARM_PROPRIETARY, ARM, 16, 16, true}, false},
    {"a driver of the future", {(VkDriverId)1000, 0x1234, 32, 32, true}, false},
};
#define DEVICES ((int)(sizeof devices / sizeof devices[0]))

static void test_matrix_units(void **state)
{
    (void)state;
    for (int i = 0; i < DEVICES; i++) {
        const char *refusal = rule_matrix_refusal(&devices[i].facts, MATRIX_AUTO);
        if (devices[i].used == (refusal != NULL))
            fail_msg("%s: %s", devices[i].name, refusal ? refusal : "used");
        assert_true(!refusal || (*refusal && strlen(refusal) < 96)); // vulkan_engine.matrix_missing
    }
}

static void test_matrix_asked_for(void **state)
{
    (void)state;
    for (int i = 0; i < DEVICES; i++) {
        assert_null(rule_matrix_refusal(&devices[i].facts, MATRIX_ON));
        assert_string_equal(rule_matrix_refusal(&devices[i].facts, MATRIX_OFF), "--matrix off");
    }
}

static void test_words(void **state)
{
    (void)state;
    static const char *const words[] = {"auto", "on", "off"};
    enum matrix_use use;
    for (int i = 0; i < 3; i++) {
        assert_true(matrix_use_parse(words[i], &use));
        assert_int_equal(use, i);
    }
    assert_false(matrix_use_parse("On", &use));
    assert_string_equal(error_text(), "matrix On: auto, on or off is allowed");
}

enum {
    GRAPHICS = VK_QUEUE_GRAPHICS_BIT,
    COMPUTE = VK_QUEUE_COMPUTE_BIT,
    COPY = VK_QUEUE_TRANSFER_BIT,
    VIDEO = 0x20
};

static const struct family_case {
    const char *name;
    uint32_t kinds[4], bits[4], count;
    int chosen;
} families[] = {
    {"lavapipe", {GRAPHICS | COMPUTE | COPY}, {64}, 1, 0},
    {"RADV",
     {GRAPHICS | COMPUTE | COPY, COMPUTE | COPY, VK_QUEUE_SPARSE_BINDING_BIT},
     {64, 64, 0},
     3,
     1},
    {"NVIDIA", {GRAPHICS | COMPUTE | COPY, COPY, COMPUTE | COPY, VIDEO}, {64, 64, 64, 32}, 4, 2},
    {"few bits are enough", {GRAPHICS | COMPUTE, COMPUTE}, {64, 36}, 2, 1},
    {"the other tells no times", {GRAPHICS | COMPUTE, COMPUTE}, {36, 0}, 2, 0},
    {"none tells times", {GRAPHICS | COMPUTE, COMPUTE}, {0, 0}, 2, 1},
    {"compute comes late", {GRAPHICS, COPY, COMPUTE | GRAPHICS}, {64, 64, 64}, 3, 2},
    {"compute alone comes first", {COMPUTE, GRAPHICS | COMPUTE}, {64, 64}, 2, 0},
    {"no compute", {GRAPHICS, COPY}, {64, 64}, 2, -1},
    {"no queue", {0}, {0}, 0, -1},
};

static void test_queue_families(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        const struct family_case *c = &families[i];
        VkQueueFamilyProperties list[4];
        for (uint32_t f = 0; f < c->count; f++)
            list[f] = (VkQueueFamilyProperties){
                .queueFlags = c->kinds[f], .queueCount = 1, .timestampValidBits = c->bits[f]};
        const int chosen = rule_queue_family(list, c->count);
        if (chosen != c->chosen)
            fail_msg("%s: %d, expected %d", c->name, chosen, c->chosen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix_units),
        cmocka_unit_test(test_matrix_asked_for),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_queue_families),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
