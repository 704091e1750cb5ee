// SPDX-License-Identifier: MIT
// Pixel counts of a run that is stopped some epochs after its last checkpoint: those of the weights
// that were kept then are still there, and of a run that is over only its own are.
#include "tests/study/home.h"
#include "tests/study/study_case.h"
#include "tests/test.h"
#include "vkgrid/study/saved.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

static struct store *store;
static struct record record;
static struct job job;

static void open_record(void)
{
    struct grid *grid = grid_of(GRID_TEXT(""));
    struct cell cell;
    must(grid_cell(grid, 0, &cell));
    record_open(&record, &cell, "folder");
    grid_free(&grid);
    job = (struct job){.record = &record, .run = 1};
}

static bool add_trial(struct store *to, void *context)
{
    cJSON *none = context;
    int64_t task;
    return store_task(to, "task", &task) && store_add_trial(to, task, 0, none, none, NULL, 0);
}

// A run of two rounds of two epochs has begun.
static int begin(void **state)
{
    static const struct device_info device = {.name = "device"};
    cJSON *none = cJSON_CreateObject();
    setup(state);
    must(store_create("study.db", &store) && store_commit(store));
    must(store_transaction(store, add_trial, none));
    open_record();
    must(saved_begin(store, &job, 1, &device, none));
    cJSON_Delete(none);
    return 0;
}

static int end(void **state)
{
    (void)state;
    record_close(&record);
    store_close(&store);
    return 0;
}

static void tell(int round, int epoch, bool best)
{
    uint32_t counts[2][OVERLAP_COUNTS] = {{(uint32_t)(2 * round + epoch), 10, 10}, {1, 2, 3}};
    const struct overlaps overlaps = {2, 1, counts[0]};
    record_epoch(
        &record, job.run,
        &(struct epoch_result){
            .round = round, .epoch = epoch, .best = best, .overlaps = best ? &overlaps : NULL});
}

static void save(void)
{
    cJSON *none = cJSON_CreateObject();
    must(saved_epochs(store, &job, 1, none));
    cJSON_Delete(none);
}

static void leave_checkpoint(void)
{
    job_run(&job)->checkpoint =
        (struct run_state){.epochs_done = job_run(&job)->epoch_count, .best_round = -1};
    job_run(&job)->saved_checkpoint = false;
}

// The epochs whose counts the database has, one bit each.
static int64_t saved(void)
{
    return query("study.db", "SELECT sum(1 << epoch_index) FROM vkgrid_overlaps WHERE run = 1");
}

static void test_back_to_the_checkpoint(void **state)
{
    (void)state;
    tell(0, 0, true);
    leave_checkpoint();
    save();
    assert_int_equal(saved(), 1);
    tell(0, 1, true); // of which no checkpoint is left
    save();
    assert_int_equal(saved(), 1 | 2);
    tell(1, 0, true);
    save();
    assert_int_equal(saved(), 1 | 2 | 4); // 0 at the checkpoint, 1 and 2 of their rounds
    record_close(&record);
    open_record();
    must(saved_load(store, &record));
    assert_int_equal(job_run(&job)->epoch_count, 1);
    assert_int_equal(job_run(&job)->kept_count, 1);
    assert_int_equal(job_run(&job)->kept[0].epoch_index, 0);
    assert_int_equal(job_run(&job)->kept[0].overlaps.samples, 2);
    assert_int_equal(job_run(&job)->kept[0].overlaps.counts[5], 3);
    assert_int_equal(saved(), 1);
}

static void test_superseded(void **state)
{
    (void)state;
    tell(0, 0, true);
    save();
    tell(0, 1, true);
    leave_checkpoint();
    save();
    assert_int_equal(saved(), 2);
    assert_int_equal(job_run(&job)->kept_count, 1);
    tell(1, 0, true);
    tell(1, 1, false);
    leave_checkpoint();
    save();
    assert_int_equal(saved(), 2 | 4);
    const struct run_result result = {.best_round = 0, .kept_epochs = 2, .dice = 0.5};
    record_end(&record, job.run, TRIAL_COMPLETE, &result);
    must(saved_end(store, &job, NULL, NULL, -1));
    assert_int_equal(saved(), 2);
    assert_int_equal(query("study.db", "SELECT kept_epoch FROM vkgrid_runs WHERE run = 1"), 1);
    assert_int_equal(record_kept_run(&record, 0), 1);
    cJSON *json = cJSON_CreateObject();
    record_describe_kept(&record, json);
    const cJSON *label = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "labels"), "cell");
    assert_int_equal(cJSON_GetObjectItem(label, "images")->valueint, 2);
    assert_true(cJSON_GetObjectItem(label, "hard_dice")->valuedouble ==
                (2.0 * 1 / 20 + 2.0 * 1 / 5) / 2);
    assert_true(cJSON_GetObjectItem(label, "iou")->valuedouble == (1.0 / 19 + 1.0 / 4) / 2);
    cJSON_Delete(json);
}

static void test_failed(void **state)
{
    (void)state;
    tell(0, 0, true);
    save();
    record_end(&record, job.run, TRIAL_FAIL, &(struct run_result){.failure = "diverged"});
    must(saved_end(store, &job, NULL, NULL, -1));
    assert_int_equal(query("study.db", "SELECT count(*) FROM vkgrid_overlaps"), 0);
    assert_int_equal(query("study.db", "SELECT count(kept_epoch) FROM vkgrid_runs"), 0);
    assert_int_equal(record_kept_run(&record, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_back_to_the_checkpoint, begin, end),
        cmocka_unit_test_setup_teardown(test_superseded, begin, end),
        cmocka_unit_test_setup_teardown(test_failed, begin, end),
    };
    return RUN_TESTS(tests, enter_home, leave_home);
}
