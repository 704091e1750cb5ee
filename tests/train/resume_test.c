// SPDX-License-Identifier: MIT
// A run that goes on from any of its checkpoints, beside other runs than before, ends with the bits
// of one that was never stopped; a checkpoint that is damaged is noticed.
//
// resume_test [reference|mixed]
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/formats/scratch.h"
#include "tests/model/support.h"
#include "tests/train/training_case.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

enum { ROUNDS = 2, EPOCHS = 3, TOTAL = ROUNDS * EPOCHS };

static struct engine *engine;
static enum precision precision;
static struct dataset *dataset;
static struct record *whole; // never stopped
static const char *names[2];

static struct train_run run_of(int index)
{
    struct train_run run = case_run(0.001 + 0.0005 * index, 2, EPOCHS, index);
    run.plan.count = ROUNDS;
    run.precision = precision;
    run.checkpoints = names[index];
    return run;
}

static struct record *train(const struct train_run *runs, int count)
{
    struct record *record = mem_zalloc(1, sizeof *record);
    record->stop_at_epoch = -1;
    record->checkpoints = true;
    must(case_train(engine, dataset, runs, count, record));
    return record;
}

static int set_up(void **state)
{
    (void)state;
    setenv("TMPDIR", ".", 0); // gigabytes of checkpoints: in the build folder, not in memory
    for (int i = 0; i < 2; i++)
        names[i] = scratch_path("run%d", i);
    dataset = case_dataset(32, 32, 2, 2, 4, 2);
    const struct train_run runs[] = {run_of(0), run_of(1)};
    whole = train(runs, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    record_free(whole);
    dataset_free(&dataset);
    scratch_remove();
    return 0;
}

static void assert_same_tensors(const struct tensors *a, const struct tensors *b)
{
    assert_true(a->count > 0);
    assert_int_equal(a->count, b->count);
    for (int i = 0; i < a->count; i++) {
        const struct named_tensor *x = &a->items[i], *y = &b->items[i];
        const size_t size = x->type == TENSOR_INT ? sizeof(int64_t) : sizeof(float);
        assert_string_equal(x->name, y->name);
        if (memcmp(x->values, y->values, x->count * size) != 0)
            fail_msg("%s differs", x->name);
    }
}

// What was told after `step` epochs.
static void assert_same_rest(const struct slot_record *a, const struct slot_record *b, int step)
{
    assert_int_equal(a->epoch_count, TOTAL);
    assert_int_equal(b->epoch_count, TOTAL - step);
    for (int i = step; i < TOTAL; i++) {
        const struct epoch_result *x = &a->epochs[i], *y = &b->epochs[i - step];
        assert_int_equal(x->round, y->round);
        assert_int_equal(x->epoch, y->epoch);
        assert_int_equal(x->best, y->best);
        assert_int_equal(a->overlaps[i] != 0, x->best);
        assert_int_equal(a->overlaps[i], b->overlaps[i - step]);
        assert_memory_equal(x->training, y->training, sizeof x->training);
        assert_memory_equal(x->validation, y->validation, sizeof x->validation);
    }
    assert_int_equal(a->result.best_round, b->result.best_round);
    assert_int_equal(a->result.kept_epochs, b->result.kept_epochs);
    assert_int_equal(a->epochs[a->result.kept_epochs - 1].round, a->result.best_round);
    assert_true(a->epochs[a->result.kept_epochs - 1].validation[METRIC_LOSS] == a->result.loss);
    assert_memory_equal(&a->result.loss, &b->result.loss, sizeof(double));
    assert_memory_equal(&a->result.dice, &b->result.dice, sizeof(double));
    assert_true(b->result.seconds > a->states[step].seconds); // time adds up
    assert_same_tensors(&a->weights, &b->weights);
}

static void resume_at(int step)
{
    // Alone, and with the order of the slots turned round.
    struct train_run runs[] = {run_of(1), run_of(0)};
    runs[0].resume = &whole->slots[1].states[step];
    runs[1].resume = &whole->slots[0].states[step];
    assert_int_equal(runs[0].resume->epochs_done, step);
    struct record *both = train(runs, 2), *alone = train(runs, 1);
    assert_same_rest(&whole->slots[1], &both->slots[0], step);
    assert_same_rest(&whole->slots[0], &both->slots[1], step);
    assert_same_rest(&whole->slots[1], &alone->slots[0], step);
    // The checkpoints that it leaves itself are those of the first time.
    for (int i = step + 1; i < TOTAL; i++)
        assert_int_equal(alone->slots[0].states[i].current.hash,
                         whole->slots[1].states[i].current.hash);
    record_free(both);
    record_free(alone);
}

static void test_inside_a_round(void **state)
{
    (void)state;
    resume_at(2);
    resume_at(5);
}

static void test_between_rounds(void **state)
{
    (void)state;
    resume_at(3);
}

static void assert_damaged(const struct train_run *run)
{
    struct record *record = mem_zalloc(1, sizeof *record);
    assert_false(case_train(engine, dataset, run, 1, record));
    assert_int_equal(error_kind(), ERROR_DAMAGED);
    record_free(record);
}

static void test_damage(void **state)
{
    (void)state;
    struct train_run run = run_of(0);
    run.resume = &whole->slots[0].states[4];
    char *path = checkpoint_path(run.checkpoints, 4);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -4000, SEEK_END), 0);
    const int byte = fgetc(file);
    fseek(file, -4000, SEEK_END);
    fputc(byte ^ 1, file); // one bit
    fclose(file);
    assert_damaged(&run);
    assert_int_equal(truncate(path, 100000), 0);
    assert_damaged(&run);
    assert_int_equal(unlink(path), 0);
    assert_damaged(&run);
    free(path);
}

int main(int count, char **arguments)
{
    const char *wanted = count > 1 ? arguments[1] : NULL;
    precision = test_precision(wanted);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!(engine = test_engine(wanted)))
        return SKIPPED;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inside_a_round),
        cmocka_unit_test(test_between_rounds),
        cmocka_unit_test(test_damage),
    };
    const int failed = cmocka_run_group_tests_name("resume", tests, set_up, tear_down);
    engine_close(&engine);
    return failed;
}
