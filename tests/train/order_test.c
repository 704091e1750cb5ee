// SPDX-License-Identifier: MIT
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "train/trainer.h"

#define COUNT 20

static struct train_run run_of(uint64_t seed, int cell, int index)
{
    return (struct train_run){.seed = seed, .cell = cell, .index = index, .shuffle = true};
}

static void test_no_shuffle(void **state)
{
    (void)state;
    struct train_run run = run_of(1, 2, 3);
    uint32_t order[COUNT];
    run.shuffle = false;
    order_training(&run, 5, order, COUNT);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(order[i], i);
    order_identity(order, 7, COUNT);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(order[i], 7 + i);
}

static void test_permutations(void **state)
{
    (void)state;
    for (int epoch = 0; epoch < 30; epoch++) {
        const struct train_run run = run_of(1, 2, 3);
        uint32_t order[COUNT], seen = 0;
        order_training(&run, epoch, order, COUNT);
        for (int i = 0; i < COUNT; i++) {
            assert_true(order[i] < COUNT);
            seen |= UINT32_C(1) << order[i];
        }
        assert_int_equal(seen, (UINT32_C(1) << COUNT) - 1);
    }
}

// Each of the names matters, and nothing else does.
static void test_names(void **state)
{
    (void)state;
    const struct {
        struct train_run run;
        int epoch;
    } cases[] = {{run_of(1, 2, 3), 4}, {run_of(9, 2, 3), 4}, {run_of(1, 9, 3), 4},
                 {run_of(1, 2, 9), 4}, {run_of(1, 2, 3), 9}, {run_of(1, 2, 4), 3}};
    enum { CASES = sizeof cases / sizeof cases[0] };
    uint32_t orders[CASES][COUNT], again[COUNT];

    for (int i = 0; i < CASES; i++)
        order_training(&cases[i].run, cases[i].epoch, orders[i], COUNT);
    for (int i = 0; i < CASES; i++) {
        order_training(&cases[i].run, cases[i].epoch, again, COUNT);
        assert_memory_equal(again, orders[i], sizeof again);
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(orders[i], orders[j], sizeof again);
    }
}

static void test_batches(void **state)
{
    (void)state;
    assert_int_equal(batch_count(12, 4), 3);
    assert_int_equal(batch_count(13, 4), 4);
    assert_int_equal(batch_count(3, 4), 1);
    assert_int_equal(batch_samples(12, 4, 2), 4);
    assert_int_equal(batch_samples(13, 4, 2), 4);
    assert_int_equal(batch_samples(13, 4, 3), 1);
    assert_int_equal(batch_samples(3, 4, 0), 3);
}

static void test_means(void **state)
{
    (void)state;
    // Seven samples in batches of 3: 3, 3 and 1.
    const float table[] = {1, 10, 100, 2, 20, 200, 8, 80, 800};
    double mean[METRIC_COUNT];
    metrics_mean(table, 7, 3, mean);
    assert_true(mean[METRIC_BCE] == 17.0 / 7);
    assert_true(mean[METRIC_DICE] == 170.0 / 7);
    assert_true(mean[METRIC_LOSS] == 1700.0 / 7);
    metrics_mean(table, 2, 3, mean);
    assert_true(mean[METRIC_BCE] == 1);
}

static void test_finite(void **state)
{
    (void)state;
    float table[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    assert_int_equal(metrics_finite(table, 3), 3);
    table[7] = NAN;
    assert_int_equal(metrics_finite(table, 3), 2);
    table[3] = -INFINITY;
    assert_int_equal(metrics_finite(table, 3), 1);
    assert_int_equal(metrics_finite(table, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_shuffle), cmocka_unit_test(test_permutations),
        cmocka_unit_test(test_names),      cmocka_unit_test(test_batches),
        cmocka_unit_test(test_means),      cmocka_unit_test(test_finite),
    };
    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
