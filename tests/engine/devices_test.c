// SPDX-License-Identifier: MIT
#include "tests/test.h"
#include "engine/devices.h"
#include "vkgrid/base/error.h"

#include <string.h>

#define GIB (UINT64_C(1) << 30)

static const struct device_info machine[] = {
    {.name = "llvmpipe (LLVM 15)", .kind = DEVICE_SOFTWARE, .memory = 64 * GIB, .usable = true},
    {.name = "Intel Arc", .kind = DEVICE_INTEGRATED, .memory = 30 * GIB, .usable = true},
    {.name = "Radeon RX 580",
     .kind = DEVICE_DISCRETE,
     .memory = 8 * GIB,
     .missing = "no buffer device addresses"},
    {.name = "GeForce RTX 4090", .kind = DEVICE_DISCRETE, .memory = 24 * GIB, .usable = true},
    {.name = "Radeon RX 7900", .kind = DEVICE_DISCRETE, .memory = 20 * GIB, .usable = true},
    {.name = "EPYC 4090X", .kind = DEVICE_CPU, .memory = 512 * GIB, .usable = true},
};

static void check_chosen(int count, const char *wanted, int expected, const char *why)
{
    char reason[512];
    int chosen = -1;
    assert_true(device_choose_from(machine, count, wanted, &chosen, reason, sizeof reason));
    assert_int_equal(chosen, expected);
    if (!strstr(reason, why))
        fail_msg("'%s' does not say '%s'", reason, why);
}

static void check_refused(int count, const char *wanted, const char *why)
{
    char reason[512];
    int chosen = -1;
    assert_false(device_choose_from(machine, count, wanted, &chosen, reason, sizeof reason));
    if (!strstr(error_text(), why))
        fail_msg("'%s' does not say '%s'", error_text(), why);
}

static void test_auto(void **state)
{
    (void)state;
    check_chosen(5, "auto", 3, "discrete GPU with most memory (24.0 GiB)");
    check_chosen(3, "auto", 1, "integrated GPU");
    check_chosen(6, "auto", 3, "discrete GPU");
    check_refused(1, "auto",
                  "no CPU engine; llvmpipe (LLVM 15) is a software driver, taken only when asked "
                  "for: --device 0");
    check_refused(0, "auto", "no Vulkan device");
}

static void test_auto_without_a_gpu(void **state)
{
    const struct device_info broken = machine[2];
    const struct device_info list[] = {
        broken,
        {.name = "SwiftShader", .kind = DEVICE_SOFTWARE, .memory = 4 * GIB, .usable = true},
        machine[5],
    };
    char reason[512];
    int chosen = -1;
    (void)state;
    assert_true(device_choose_from(list, 3, "auto", &chosen, reason, sizeof reason));
    assert_int_equal(chosen, 2);
    assert_non_null(strstr(reason, "EPYC 4090X: no usable GPU: auto takes the CPU"));
    assert_false(device_choose_from(list, 1, "auto", &chosen, reason, sizeof reason));
    assert_string_equal(
        error_text(),
        "device auto: no usable GPU and no CPU engine; Radeon RX 580 cannot be used: "
        "no buffer device addresses");
}

static void test_index(void **state)
{
    (void)state;
    check_chosen(5, "0", 0, "llvmpipe");
    check_refused(5, "2", "no buffer device addresses");
    check_refused(5, "5", "device 5: there is no such device (5 found)");
    check_refused(5, "99999999999999999999", "no device");
    check_refused(5, "-1", "no device");
}

static void test_name(void **state)
{
    (void)state;
    check_chosen(5, "LLVMpipe", 0, "by name");
    check_chosen(5, "4090", 3, "by name");
    check_chosen(5, "radeon", 4, "first usable of 2");
    check_chosen(5, "rx", 4, "first usable of 2");
    check_refused(3, "radeon", "no buffer device addresses");
    check_refused(5, "voodoo", "no device has that name");
    check_refused(5, "", "allowed are auto");
}

static void test_cpu(void **state)
{
    const struct device_info list[] = {
        {.name = "llvmpipe on a CPU", .kind = DEVICE_SOFTWARE, .usable = true},
        machine[5],
    };
    char reason[512];
    int chosen = -1;
    (void)state;
    assert_true(device_choose_from(list, 2, "cpu", &chosen, reason, sizeof reason));
    assert_int_equal(chosen, 1); // the word, not a part of the name
    check_chosen(6, "cpu", 5, "asked for");
    check_chosen(6, "epyc", 5, "by name");
    check_chosen(6, "4090", 3, "first usable of 2");
    check_refused(5, "cpu", "there is no CPU engine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auto),  cmocka_unit_test(test_auto_without_a_gpu),
        cmocka_unit_test(test_index), cmocka_unit_test(test_name),
        cmocka_unit_test(test_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
