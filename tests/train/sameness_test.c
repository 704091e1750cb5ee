// SPDX-License-Identifier: MIT
// A run has the same bits alone, on a second invocation, and wherever it stands in a pack of 2, 5
// or 8.
//
// sameness_test [reference|mixed]
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "tests/model/support.h"
#include "tests/train/training_case.h"
#include "vkgrid/base/memory.h"

// Two rounds of one epoch of one step: the second round starts from kept weights.
#define RUN 4 // index of the run that is looked at

static struct engine *engine;
static enum precision precision;
static struct dataset *dataset;
static struct record *alone;

static struct train_run run_of(int index)
{
    struct train_run run = case_run(0.001 + 0.0005 * index, 2, 1, index);
    run.plan.count = 2;
    run.precision = precision;
    return run;
}

// A pack of `count` with the run at `place`.
static struct record *train(int count, int place)
{
    struct record *record = mem_zalloc(1, sizeof *record);
    struct train_run runs[CASE_SLOTS];
    record->stop_at_epoch = -1;
    for (int i = 0; i < count; i++)
        runs[i] = run_of(i == place ? RUN : 10 + i);
    must(case_train(engine, dataset, runs, count, record));
    return record;
}

static int set_up(void **state)
{
    (void)state;
    dataset = case_dataset(32, 32, 2, 2, 2, 1);
    alone = train(1, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    record_free(alone);
    dataset_free(&dataset);
    return 0;
}

static void assert_same(const struct slot_record *a, const struct slot_record *b)
{
    assert_int_equal(a->epoch_count, b->epoch_count);
    for (int i = 0; i < a->epoch_count; i++) {
        assert_memory_equal(a->epochs[i].training, b->epochs[i].training,
                            sizeof a->epochs[i].training);
        assert_memory_equal(a->epochs[i].validation, b->epochs[i].validation,
                            sizeof a->epochs[i].validation);
    }
    assert_int_equal(a->weights.count, b->weights.count);
    for (int i = 0; i < a->weights.count; i++) {
        const struct named_tensor *x = &a->weights.items[i], *y = &b->weights.items[i];
        const size_t size = x->type == TENSOR_INT ? sizeof(int64_t) : sizeof(float);
        if (memcmp(x->values, y->values, x->count * size) != 0)
            fail_msg("%s differs", x->name);
    }
}

// Skips the test when the device has too little memory for a pack.
static void must_fit(int count)
{
    const struct unet_shape shape = {RESNET18, 32, 32, 2, 2, 3, 2, 2, precision};
    const uint64_t needed = train_memory(engine, &shape, count);
    const uint64_t there = engine_device(engine)->memory;
    if (needed > there)
        SKIP_TEST("a pack of %d needs %llu MiB, the device has %llu MiB", count,
                  (unsigned long long)needed >> 20, (unsigned long long)there >> 20);
}

static void assert_same_in_pack(int count, int place)
{
    must_fit(count);
    struct record *record = train(count, place);
    assert_same(&record->slots[place], &alone->slots[0]);
    if (count > 1) // and the others are other runs
        assert_true(record->slots[(place + 1) % count].epochs[0].training[METRIC_LOSS] !=
                    alone->slots[0].epochs[0].training[METRIC_LOSS]);
    record_free(record);
}

static void test_again(void **state)
{
    (void)state;
    assert_same_in_pack(1, 0);
}

static void test_pack_of_2(void **state)
{
    (void)state;
    assert_same_in_pack(2, 1);
}

static void test_pack_of_5(void **state)
{
    (void)state;
    assert_same_in_pack(5, 2);
}

static void test_pack_of_8(void **state)
{
    (void)state;
    assert_same_in_pack(8, 7);
}

int main(int count, char **arguments)
{
    const char *wanted = count > 1 ? arguments[1] : NULL;
    precision = test_precision(wanted);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!(engine = test_engine(wanted)))
        return SKIPPED;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_pack_of_2),
        cmocka_unit_test(test_pack_of_5),
        cmocka_unit_test(test_pack_of_8),
    };
    const int failed = RUN_TESTS(tests, set_up, tear_down);
    engine_close(&engine);
    return failed;
}
