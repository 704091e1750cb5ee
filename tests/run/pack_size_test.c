// SPDX-License-Identifier: MIT
// How many slots packs get, by memory, runs, what was asked for, and what a device measures; on a
// fake one of 100 bytes, of which a slot takes 10.
#include "tests/test.h"
#include "tests/study/fakes.h"
#include "vkgrid/base/error.h"
#include "vkgrid/run/run.h"
#include "vkgrid/run/groups.h"
#include "vkgrid/run/pack_size.h"

#include <string.h>

static struct pack_size width_of(int runs, int most)
{
    const struct group group = {.run_count = runs, .work = 1e9, .shape = {.training_count = 8}};
    struct engine *engine;
    struct pack_size size = {0};
    assert_true(engine_open(0, &engine));
    assert_true(pack_size_of(engine, &group, most, &size));
    engine_close(&engine);
    return size;
}

static void measure(int runs, double work)
{
    const struct group group = {.run_count = runs, .work = work, .shape = {.training_count = 8}};
    struct engine *engine;
    assert_true(engine_open(0, &engine));
    pack_size_measure(engine, &group);
    engine_close(&engine);
}

static void check(struct pack_size size, int slots, enum pack_size_reason reason)
{
    assert_int_equal(size.slots, slots);
    assert_string_equal(pack_size_reason(size.reason), pack_size_reason(reason));
}

static void test_asked(void **state)
{
    (void)state;
    fake_reset();
    check(width_of(150, 4), 4, PACK_ASKED);
    check(width_of(150, 40), 10, PACK_MEMORY);
    check(width_of(3, 40), 3, PACK_RUNS);
    check(width_of(4, 4), 4, PACK_RUNS);
    fake.curve = (struct slot_times){.count = 2, .points = {{1, 1}, {2, 2}}};
    check(width_of(150, 4), 4, PACK_ASKED); // whatever was measured
}

static void test_unmeasured(void **state)
{
    (void)state;
    fake_reset();
    check(width_of(150, 0), 10, PACK_UNMEASURED);
    check(width_of(1, 0), 1, PACK_RUNS);
    fake.memory = 10;
    check(width_of(150, 0), 1, PACK_MEMORY);
    fake.memory = 100000;
    check(width_of(150, 0), 64, PACK_UNMEASURED);
}

static void test_measured(void **state)
{
    (void)state;
    static const struct {
        int memory, runs, useful, slots;
        enum pack_size_reason reason;
        int measured;
    } cases[] = {
        {100, 150, 1000, 10, PACK_MEMORY, 4}, // 1, 2, 4, 8, all of which gain
        {100, 150, 4, 4, PACK_MEASURED, 4},   // 8 gain nothing
        {100, 150, 1, 1, PACK_MEASURED, 2},    {100, 150, 8, 10, PACK_MEMORY, 4}, // 16 do not fit
        {100, 5, 1000, 5, PACK_RUNS, 3},       {10000, 150, 64, 64, PACK_MEASURED, 8},
        {10000, 150, 1000, 150, PACK_RUNS, 8}, {100000, 5000, 100000, 256, PACK_MEASURED, 9},
        {10, 150, 1000, 1, PACK_MEMORY, 0}, // nothing to choose from
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake_reset();
        fake.memory = (uint64_t)cases[i].memory;
        fake.useful = cases[i].useful;
        measure(cases[i].runs, 1e9);
        check(width_of(cases[i].runs, 0), cases[i].slots, cases[i].reason);
        assert_int_equal(fake.measured, cases[i].measured);
        measure(cases[i].runs, 1e9); // it is known
        assert_int_equal(fake.measured, cases[i].measured);
    }
}

// A group of more runs goes on where the curve ends.
static void test_curve_goes_on(void **state)
{
    (void)state;
    fake_reset();
    fake.useful = 8;
    fake.memory = 1000;
    measure(3, 1e9);
    assert_int_equal(fake.curve.count, 2);
    check(width_of(3, 0), 3, PACK_RUNS);
    check(width_of(150, 0), 2, PACK_UNMEASURED); // no more than was measured
    measure(150, 1e9);
    assert_int_equal(fake.curve.count, 5); // 16 gain nothing
    assert_int_equal(fake.measured, 5);
    check(width_of(150, 0), 8, PACK_MEASURED);
    check(width_of(5, 0), 5, PACK_RUNS);
}

// A little work is not worth more than one measurement, which is kept.
static void test_little_work(void **state)
{
    (void)state;
    fake_reset();
    measure(150, 0);
    assert_int_equal(fake.measured, 1);
    check(width_of(150, 0), 1, PACK_UNMEASURED);
}

static void test_failure(void **state)
{
    (void)state;
    fake_reset();
    fake.measuring_fails = true;
    measure(150, 1e9);
    assert_int_equal(fake.measured, 1);
    assert_int_equal(fake.curve.count, 0);
    check(width_of(150, 0), 10, PACK_UNMEASURED);
}

// Memory says that ten slots fit, but eight do not.
static void test_no_memory_to_measure(void **state)
{
    static const struct {
        int fits, most, measured;
    } cases[] = {{7, 4, 4}, {1, 1, 2}, {0, 1, 1}, {1000, 0, 4}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct group group = {.run_count = 150, .work = 1e9, .shape = {.training_count = 8}};
        struct engine *engine;
        fake_reset();
        fake.measuring_fits = cases[i].fits;
        assert_true(engine_open(0, &engine));
        assert_int_equal(pack_size_measure(engine, &group), cases[i].most);
        engine_close(&engine);
        assert_int_equal(fake.measured, cases[i].measured);
        if (cases[i].most > 0 && cases[i].fits > 0)
            check(width_of(150, 0), cases[i].most, PACK_UNMEASURED);
    }
}

// Other programs have taken memory since the engine was opened.
static void test_memory_is_asked_for_anew(void **state)
{
    const struct group group = {.run_count = 150, .work = 1e9, .shape = {.training_count = 8}};
    struct engine *engine;
    struct pack_size size;
    (void)state;
    fake_reset();
    fake.then = 30;
    assert_true(engine_open(0, &engine));
    assert_true(pack_size_of(engine, &group, 20, &size));
    check(size, 10, PACK_MEMORY);
    assert_true(pack_size_of(engine, &group, 20, &size));
    check(size, 3, PACK_MEMORY);
    engine_close(&engine);
}

// Curves of a file that anybody may have written.
static void test_odd_curves(void **state)
{
    (void)state;
    static const struct slot_times curves[] = {
        {.count = 1, .points = {{4096, 1}}},
        {.count = 2, .points = {{3, 1}, {4096, 1e-9}}},
        {.count = 2, .points = {{7, 1}, {8, 1e6}}},
    };
    static const int slots[] = {10, 10, 7};
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        fake_reset();
        fake.curve = curves[i];
        assert_int_equal(width_of(150, 0).slots, slots[i]);
    }
}

static void test_no_room(void **state)
{
    (void)state;
    fake_reset();
    fake.memory = 9;
    const struct group group = {.run_count = 2, .label = "a group"};
    struct engine *engine;
    struct pack_size size;
    assert_true(engine_open(0, &engine));
    assert_false(pack_size_of(engine, &group, 0, &size));
    assert_non_null(strstr(error_text(), "one slot of a group needs"));
    pack_size_measure(engine, &group);
    assert_int_equal(fake.measured, 0);
    engine_close(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asked),
        cmocka_unit_test(test_unmeasured),
        cmocka_unit_test(test_measured),
        cmocka_unit_test(test_curve_goes_on),
        cmocka_unit_test(test_little_work),
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_odd_curves),
        cmocka_unit_test(test_no_room),

        cmocka_unit_test(test_no_memory_to_measure),
        cmocka_unit_test(test_memory_is_asked_for_anew),
    };
    return cmocka_run_group_tests_name("size", tests, NULL, NULL);
}
