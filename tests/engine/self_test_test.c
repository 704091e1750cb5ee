// SPDX-License-Identifier: MIT
// What is tried when a device is opened: a device that rounds or multiplies wrongly is found out,
// is not used in that way, and says so. Wrong results are made up; wrong devices are the one at
// hand with some of its dispatches left out.
#include "tests/test.h"
#include "engine/vulkan/device.h"
#include "engine/vulkan/self_test.h"
#include "tests/test_device.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/half.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int device; // among Vulkan's own

// --- Made up ------------------------------------------------------------------------------------

static bool halves_good(int at, uint16_t rounded_as, bool read_as_well, char why[128])
{
    uint16_t rounded[HALF_CASES], copied[HALF_CASES];
    for (int i = 0; i < HALF_CASES; i++) {
        rounded[i] = float16_of(half_cases[i].value);
        copied[i] = rounded[i] > 0x8000 && rounded[i] <= 0xfc00 ? 0 : rounded[i];
    }
    if (at >= 0)
        rounded[at] = rounded_as;
    if (at >= 0 && read_as_well)
        copied[at] = 0x1234;
    return self_test_halves(rounded, copied, why, 128);
}

static int case_of(const char *name)
{
    for (int i = 0; i < HALF_CASES; i++)
        if (strcmp(half_cases[i].name, name) == 0)
            return i;
    fail_msg("%s: no such case", name);
    return -1;
}

static void test_halves(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint16_t bits;
        const char *why;
    } wrong[] = {
        {"65520", 0x7bff, "65520 is rounded to 65504, not to inf"},       // towards zero
        {"2^-24", 0x0000, "2^-24 is rounded to 0, not to 5.9604645e-08"}, // flushed
        {"2^-25", 0x0001, "2^-25 is rounded to 5.9604645e-08, not to 0"}, // away from zero
        {"1 + 2^-11", 0x3c01, "1 + 2^-11 is rounded to 1.0009766, not to 1"},
        {"1 + 2^-11 and a little", 0x3c00,
         "1 + 2^-11 and a little is rounded to 1, not to 1.0009766"},
        {"NaN", 0x0000, "NaN is rounded to 0, not to nan"},
    };
    char why[128];
    assert_true(halves_good(-1, 0, false, why));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(halves_good(case_of(wrong[i].name), wrong[i].bits, false, why));
        assert_string_equal(why, wrong[i].why);
    }
    for (int i = 0; i < HALF_CASES; i++) // every one is looked at, both times
        assert_false(halves_good(i, 0x2345, false, why) ||
                     halves_good(i, half_cases[i].bits, true, why));
    assert_true(halves_good(case_of("NaN"), 0xfe01, false, why)); // another NaN is one
    for (int i = 0; i < HALF_CASES; i++)                          // the host rounds in the same way
        assert_true(float16_of(half_cases[i].value) == half_cases[i].bits ||
                    isnan(half_cases[i].value));
}

enum { M = 16, N = 8, K = 32 };
static const struct matrix_size size = {M, N, K, 32};

// As a device should: sums in some order in fp32, rounded at the end.
static void multiply(const uint16_t *a, const uint16_t *b, float *sums, uint16_t *rounded)
{
    for (int i = 0; i < M * N; i++) {
        sums[i] = 0;
        for (int k = 2 * K; k-- > 0;)
            sums[i] +=
                float_of_float16(a[i / N * K + k % K]) * float_of_float16(b[k % K * N + i % N]);
        rounded[i] = float16_of(sums[i]);
    }
}

static void test_products(void **state)
{
    (void)state;
    uint16_t a[M * K], b[K * N], rounded[M * N];
    float sums[M * N], kept;
    char why[96];
    for (int exact = 0; exact < 2; exact++) {
        self_test_factors(&size, exact, a, b);
        multiply(a, b, sums, rounded);
        assert_true(self_test_products(&size, exact, a, b, sums, rounded, why, sizeof why));
        for (int i = 0; i < M * N; i++) { // every element is looked at
            kept = sums[i];
            sums[i] = exact ? kept + 1 : kept * 1.001f;
            assert_false(self_test_products(&size, exact, a, b, sums, rounded, why, sizeof why));
            sums[i] = NAN;
            assert_false(self_test_products(&size, exact, a, b, sums, rounded, why, sizeof why));
            sums[i] = kept;
            rounded[i] ^= 1;
            assert_false(self_test_products(&size, exact, a, b, sums, rounded, why, sizeof why));
            rounded[i] ^= 1;
        }
    }
    // The numbers that are rounded tell sums in fp16 from sums in fp32, and rounding from cutting.
    self_test_factors(&size, false, a, b);
    multiply(a, b, sums, rounded);
    assert_int_equal(rounded[0], 0x7c00); // overflows
    for (int i = 0; i < M * N; i++)
        sums[i] = float_of_float16(rounded[i]);
    assert_false(self_test_products(&size, false, a, b, sums, rounded, why, sizeof why));
}

// --- The device at hand -------------------------------------------------------------------------

static PFN_vkCmdDispatch dispatch;
static int dispatches;
static unsigned left_out; // a bit for each
static bool float_sums;   // matrix units without fp16 sums

static VKAPI_ATTR void VKAPI_CALL some_dispatches(VkCommandBuffer commands, uint32_t x, uint32_t y,
                                                  uint32_t z)
{
    if (!(left_out >> dispatches++ & 1))
        dispatch(commands, x, y, z);
}

// Opened without a test, then tested with some dispatches left out: rounding and reading fp16, the
// product that is rounded and the one that is exact.
enum { ROUND = 1, READ = 2, INEXACT = 4, EXACT = 8 };
static struct engine *open_broken(unsigned without)
{
    struct engine *base;
    must(vulkan_open_lab(device, &base));
    struct vulkan_engine *engine = (struct vulkan_engine *)base;
    dispatch = engine->vk.vkCmdDispatch;
    engine->vk.vkCmdDispatch = some_dispatches;
    dispatches = 0;
    left_out = without;
    engine->matrix.half_sums &= !float_sums;
    assert_true(vulkan_self_test(engine));
    engine->vk.vkCmdDispatch = dispatch;
    return base;
}

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say: %s", text, part);
}

static bool has_units(void)
{
    struct engine *base;
    assert_true(vulkan_open_lab(device, &base));
    const bool has = ((struct vulkan_engine *)base)->matrix.m > 0;
    engine_close(&base);
    return has;
}

static void test_device_passes(void **state)
{
    (void)state;
    struct engine *tested, *untested;
    assert_true(vulkan_engine_ops.open(device, &tested));
    assert_true(vulkan_open_lab(device, &untested));
    assert_string_equal(tested->device.features, untested->device.features);
    assert_int_equal(tested->device.half, untested->device.half);
    engine_close(&tested);
    engine_close(&untested);
}

static bool create(struct engine *engine, enum precision precision)
{
    const struct program_options options = {.slots = 1, .batch = 1, .precision = precision};
    struct graph *graph = graph_create();
    struct program *program;
    graph_relu(graph, graph_activation(graph, "x", 4, 4, 4));
    const bool created = program_create(engine, graph, &options, &program);
    program_destroy(&program);
    graph_destroy(&graph);
    return created;
}

static void test_broken_halves(void **state)
{
    (void)state;
    struct engine *engine = open_broken(ROUND | READ);
    assert_int_equal(engine->device.half, HALF_NONE);
    assert_says(engine->device.features,
                ", fp16 is there but not used: 65520 is rounded to 0, not to inf");
    assert_int_equal(((struct vulkan_engine *)engine)->matrix.m, 0);
    assert_false(create(engine, PRECISION_MIXED));
    assert_says(error_text(),
                "cannot compute in mixed precision: 65520 is rounded to 0, not to inf");
    assert_true(create(engine, PRECISION_FP32));
    engine_close(&engine);
    engine = open_broken(READ); // rounds, but cannot read what it has rounded
    assert_int_equal(engine->device.half, HALF_NONE);
    assert_says(engine->device.features, "inf is read as 0");
    engine_close(&engine);
}

static void test_broken_units(void **state)
{
    (void)state;
    if (!has_units()) {
        print_message("skipped: no matrix units, or no kernels for them\n");
        skip();
    }
    static const unsigned without[] = {INEXACT | EXACT, INEXACT, EXACT, 0};
    for (int i = 0; i < 8; i++) {
        float_sums = i >= 4;
        struct engine *engine = open_broken(without[i % 4]);
        const bool good = without[i % 4] == 0;
        assert_int_equal(engine->device.half, HALF_FLOAT16);
        assert_int_equal(((struct vulkan_engine *)engine)->matrix.m > 0, good);
        assert_says(
            engine->device.features,
            good ? ", matrix units "
                 : ", matrix units are there but not used: a product of matrices: 0 instead");
        assert_true(create(engine, PRECISION_MIXED));
        engine_close(&engine);
    }
    float_sums = false;
}

static void test_switches(void **state)
{
    (void)state;
    struct engine *engine;
    const bool units = has_units();
    engine_matrix(MATRIX_OFF);
    assert_true(vulkan_engine_ops.open(device, &engine));
    assert_int_equal(((struct vulkan_engine *)engine)->matrix.m, 0);
    if (units)
        assert_says(engine->device.features, "matrix units are there but not used: --matrix off");
    engine_close(&engine);
    engine_matrix(MATRIX_AUTO);
    setenv("VKGRID_SELF_TEST", "perhaps", 1);
    assert_false(vulkan_engine_ops.open(device, &engine));
    assert_string_equal(error_text(), "VKGRID_SELF_TEST: is \"perhaps\": on or off is allowed");
    setenv("VKGRID_SELF_TEST", "off", 1);
    assert_true(vulkan_engine_ops.open(device, &engine));
    assert_int_equal(((struct vulkan_engine *)engine)->pipeline_count, 0);
    engine_close(&engine);
    unsetenv("VKGRID_SELF_TEST");
}

// --- What the device is made with ---------------------------------------------------------------

static PFN_vkCreateDevice create_device;
static PFN_vkEnumerateDeviceExtensionProperties list_extensions;
#define STATISTICS VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME
static bool asked_subset, asked_statistics, fed_statistics;

static VKAPI_ATTR VkResult VKAPI_CALL watched_device(VkPhysicalDevice physical,
                                                     const VkDeviceCreateInfo *info,
                                                     const VkAllocationCallbacks *memory,
                                                     VkDevice *made)
{
    VkDeviceCreateInfo less = *info;
    const char *names[8];
    asked_subset = asked_statistics = fed_statistics = false;
    less.enabledExtensionCount = 0;
    less.ppEnabledExtensionNames = names;
    for (uint32_t i = 0; i < info->enabledExtensionCount; i++) {
        const char *name = info->ppEnabledExtensionNames[i];
        const bool subset = strcmp(name, "VK_KHR_portability_subset") == 0;
        asked_subset |= subset;
        asked_statistics |= strcmp(name, STATISTICS) == 0;
        if (!subset && strcmp(name, STATISTICS) != 0) // the driver may not know them
            names[less.enabledExtensionCount++] = name;
    }
    for (const VkBaseInStructure *next = info->pNext; next; next = next->pNext)
        fed_statistics |=
            next->sType ==
            VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR;
    return create_device(physical, &less, memory, made);
}

// As a driver that is portable, and one that tells statistics.
static VKAPI_ATTR VkResult VKAPI_CALL more_extensions(VkPhysicalDevice physical, const char *layer,
                                                      uint32_t *count, VkExtensionProperties *list)
{
    uint32_t room = *count - 2;
    if (!list) {
        const VkResult result = list_extensions(physical, layer, count, NULL);
        *count += 2;
        return result;
    }
    const VkResult result = list_extensions(physical, layer, &room, list);
    list[room++] = (VkExtensionProperties){"VK_KHR_portability_subset", 1};
    list[room++] = (VkExtensionProperties){STATISTICS, 1};
    *count = room;
    return result;
}

static void test_extensions(void **state)
{
    (void)state;
    struct engine *engine;
    create_device = vkCreateDevice;
    list_extensions = vkEnumerateDeviceExtensionProperties;
    vkCreateDevice = watched_device;
    assert_true(vulkan_engine_ops.open(device, &engine));
    assert_false(asked_subset || asked_statistics || fed_statistics);
    engine_close(&engine);
    vkEnumerateDeviceExtensionProperties = more_extensions;
    assert_true(vulkan_engine_ops.open(device, &engine));
    assert_true(asked_subset && !asked_statistics && !fed_statistics);
    engine_close(&engine);
    if (vulkan_open_lab(device, &engine)) // where the driver minds no feature that it has not got
        engine_close(&engine);
    assert_true(asked_subset && asked_statistics && fed_statistics);
    vkEnumerateDeviceExtensionProperties = list_extensions;
    vkCreateDevice = create_device;
}

int main(void)
{
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(test_halves),
        cmocka_unit_test(test_products),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device_passes), cmocka_unit_test(test_broken_halves),
        cmocka_unit_test(test_broken_units),  cmocka_unit_test(test_switches),
        cmocka_unit_test(test_extensions),
    };
    int failed = cmocka_run_group_tests_name("self-test", alone, NULL, NULL);
    struct engine *engine = open_test_device_for(PRECISION_MIXED);
    if (!engine)
        return failed ? failed : SKIPPED;
    if (engine_device(engine)->half != HALF_FLOAT16) {
        printf("skipped: %s has no float16\n", engine_device(engine)->name);
        engine_close(&engine);
        return failed ? failed : SKIPPED;
    }
    const VkPhysicalDevice chosen = ((struct vulkan_engine *)engine)->physical;
    while (((struct vulkan_engine *)engine)->context.devices[device] != chosen)
        device++;
    engine_close(&engine);
    failed += cmocka_run_group_tests_name("self-test on the device", tests, NULL, NULL);
    return failed;
}
