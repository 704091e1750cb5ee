// SPDX-License-Identifier: MIT
// Parts whose cells do not have the same numbers become one study: parts that grew, and those whose
// cells Optuna chose. Trained by fakes.c in no time.
#include "tests/test.h"
#include "tests/study/fakes.h"
#include "tests/study/home.h"
#include "tests/study/study_case.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/merge/merge.h"
#include "vkgrid/run/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRID(rates, until, more) \
    "{\"static\": {\"partition\": [[1, 2], [3]], \"raters\": [], \"bce_weight\": 0.5, " \
    "\"until\": " until \
    ", \"features\": {\"inputs\": {\"em\": [\"em\"]}, " \
    "\"prediction\": {\"a\": [\"cell\"]}}, \"num_epochs\": 2, \"inputs\": \"em\", " \
    "\"prediction\": \"a\", \"data_cache_path\": \"data\"}, " \
    "\"hyper\": {\"lr\": " rates ", \"batch_size\": [1, 2]" more "}}"
#define ONE ", \"gamma\": [1]"

static bool train_as(const char *text, enum sampler sampler, const char *out)
{
    static const int device = 0;
    const struct grid_settings settings = {.sampler = sampler};
    struct study_options options = {
        .out = out, .devices = &device, .device_count = 1, .pack = 3, .quiet = true};
    struct study_result result = {0};
    struct grid *grid;
    must(grid_parse(text, strlen(text), "g.json", &settings, &grid));
    options.keep = KEEP_ALL;
    fake.runs = 0;
    const bool trained = study_run(grid, &options, &result);
    study_result_free(&result);
    grid_free(&grid);
    return trained;
}

static void train(const char *text, const char *out)
{
    must(train_as(text, SAMPLER_GRID, out));
}

static void join(const char *out, int cells, int taken, const char *a, const char *b)
{
    const char *folders[] = {a, b};
    struct merge_result result;
    must(study_merge(&(struct merge_options){.folders = folders, .count = 2, .out = out}, &result));
    assert_int_equal(result.cells, cells);
    assert_int_equal(result.taken, taken);
    assert_int_equal(result.conflicts, 0);
    merge_result_free(&result);
}

static int64_t ask(const char *out, const char *sql)
{
    char *path = text_format("%s/study.db", out);
    const int64_t value = query(path, sql);
    free(path);
    return value;
}

#define COMPLETE \
    "SELECT count(*) FROM vkgrid_cells JOIN trials USING (trial_id) WHERE state = 'COMPLETE' AND " \
    "outside = 0"
#define OUTSIDE "SELECT count(*) FROM vkgrid_cells WHERE outside = 1"

// What a run came to does not depend on the number that its cell has.
static void assert_same_results(const char *a, const char *b)
{
    static const char *const queries[] = {
        "SELECT options, run, state, dice, loss FROM vkgrid_runs JOIN vkgrid_cells USING (cell) "
        "ORDER BY 1, 2",
        "SELECT options, run, epoch_index, val_dice, val_loss FROM vkgrid_epochs JOIN vkgrid_cells "
        "USING (cell) ORDER BY 1, 2, 3",
        "SELECT options, state, value FROM vkgrid_cells JOIN trials USING (trial_id) LEFT JOIN "
        "trial_values USING (trial_id) ORDER BY 1",
    };
    assert_same_rows(a, b, queries, sizeof(queries) / sizeof(*queries));
}

// One part has grown, the other has not; in either order, and again.
static void test_one_grew(void **state)
{
    (void)state;
    train(GRID("[0.1, 0.2]", "1", ONE), "old");
    assert_int_equal(system("cp -r old grown"), 0);
    train(GRID("[0.1, 0.15, 0.2]", "1", ONE), "grown");
    assert_int_equal(fake.runs, 2);
    join("all", 6, 6, "old", "grown");
    assert_int_equal(ask("all", COMPLETE), 6);
    assert_same_results("all", "grown");
    join("other", 6, 6, "grown", "old");
    assert_same_results("other", "grown");
    join("all", 6, 0, "old", "grown");
    train(GRID("[0.1, 0.15, 0.2]", "1", ONE), "all");
    assert_int_equal(fake.runs, 0);
    assert_int_equal(ask("all", OUTSIDE), 0);
}

// Both have grown in other ways: the cells of one are outside the grid until it grows, too; runs
// that some cells have and others have not are what is left to train.
static void test_both_grew(void **state)
{
    (void)state;
    train(GRID("[0.1, 0.2]", "1", ONE), "values");
    assert_int_equal(system("cp -r values runs; cp -r values more"), 0);
    train(GRID("[0.1, 0.15, 0.2]", "1", ONE), "values");
    train(GRID("[0.1, 0.2]", "2", ONE), "runs");
    assert_int_equal(fake.runs, 4);
    join("all", 6, 6, "values", "runs");
    assert_int_equal(ask("all", "SELECT count(*) FROM vkgrid_runs"), 10);
    assert_int_equal(ask("all",
                         "SELECT json_extract(value, '$.static.until') FROM vkgrid_study "
                         "WHERE key = 'grid'"),
                     2);
    train(GRID("[0.1, 0.15, 0.2]", "2", ONE), "all");
    assert_int_equal(fake.runs, 2); // a second run of the two cells that are new in `values`
    train(GRID("[0.1, 0.2, 0.3]", "1", ONE), "more");
    join("three", 8, 8, "values", "more");
    assert_int_equal(ask("three", OUTSIDE), 2);
    train(GRID("[0.1, 0.15, 0.2, 0.3]", "1", ONE), "three");
    assert_int_equal(fake.runs, 0);
    assert_int_equal(ask("three", OUTSIDE), 0);
}

// An axis that only one of them has.
static void test_an_axis_more(void **state)
{
    (void)state;
    train(GRID("[0.1, 0.2]", "1", ONE), "old");
    assert_int_equal(system("cp -r old grown"), 0);
    train(GRID("[0.1, 0.2]", "1", ONE ", \"seed\": [0, 5]"), "grown");
    assert_int_equal(fake.runs, 4);
    join("all", 8, 8, "old", "grown");
    train(GRID("[0.1, 0.2]", "1", ONE ", \"seed\": [0, 5]"), "all");
    assert_int_equal(fake.runs, 0);
    assert_int_equal(ask("all", "SELECT count(*) FROM vkgrid_cells WHERE options LIKE '%seed%'"),
                     8);
}

#define SETS(em, rates) \
    "{\"static\": {\"partition\": [[1, 2], [3]], \"raters\": [], \"bce_weight\": 0.5, " \
    "\"features\": {\"inputs\": {\"em\": " em \
    ", \"two\": [\"em\", \"cell\"]}, " \
    "\"prediction\": {\"a\": [\"cell\"]}}, \"num_epochs\": 2, \"batch_size\": 1, " \
    "\"prediction\": \"a\", \"gamma\": 1, \"data_cache_path\": \"data\"}, " \
    "\"hyper\": {\"lr\": " rates ", \"inputs\": [\"em\", \"two\"]}}"

// Names of sets mean the same in all parts.
static void test_other_sets(void **state)
{
    static const char *const folders[] = {"a", "b"};
    struct merge_result result;
    (void)state;
    train(SETS("[\"em\"]", "[0.1]"), "a");
    train(SETS("{\"em\": \"cell\"}", "[0.1, 0.2]"), "b");
    expect_refusal(
        study_merge(&(struct merge_options){.folders = folders, .count = 2, .out = "all"}, &result),
        "b: holds another study than a: em: {\"em\": \"cell\"} instead of [\"em\"]");
}

#define LAST "\"plan\": [{\"num_epochs\": 1}, {}], "
#define EPOCHS(rates, plan, epochs) \
    "{\"static\": {\"partition\": [[1, 2], [3]], \"raters\": [], \"bce_weight\": 0.5, " plan \
    "\"features\": {\"inputs\": {\"em\": [\"em\"]}, \"prediction\": {\"a\": [\"cell\"]}}, " \
    "\"num_epochs\": " epochs \
    ", \"batch_size\": 1, \"inputs\": \"em\", \"prediction\": \"a\", " \
    "\"gamma\": 1, \"data_cache_path\": \"data\"}, \"hyper\": {\"lr\": " rates "}}"

// More epochs of the last round are more of the same cells, of every round they are other cells.
static void test_other_epochs(void **state)
{
    static const char *const folders[] = {"more", "less"};
    struct merge_result result;
    (void)state;
    train(EPOCHS("[0.1]", LAST, "2"), "less");
    train(EPOCHS("[0.1, 0.2]", LAST, "3"), "more");
    join("all", 2, 2, "less", "more");
    assert_int_equal(ask("all", "SELECT count(*) FROM vkgrid_epochs"), 8);
    assert_int_equal(system("rm -r less more"), 0);
    train(EPOCHS("[0.1]", "", "2"), "less");
    train(EPOCHS("[0.1, 0.2]", "", "3"), "more");
    expect_refusal(
        study_merge(&(struct merge_options){.folders = folders, .count = 2, .out = "none"},
                    &result),
        "less: holds another study than the part with most epochs: num_epochs: 3 instead of 2");
    assert_false(folder_exists("none"));
}

#define RANGES GRID("{\"min\": 0.01, \"max\": 1}", "1", ONE)

static void enqueue(const char *out, const char *values)
{
    char *sql = text_format(
        "INSERT INTO trials (number, study_id, state) SELECT count(*), (SELECT study_id FROM "
        "studies), 'WAITING' FROM trials");
    ask(out, sql);
    free(sql);
    sql = text_format(
        "INSERT INTO trial_system_attributes (trial_id, key, value_json) SELECT "
        "max(trial_id), 'fixed_params', '%s' FROM trials",
        values);
    ask(out, sql);
    free(sql);
}

// Each part has the trials that its own Optuna asked for.
static void test_optuna(void **state)
{
    static const char *const outs[] = {"o0", "o1"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_true(train_as(RANGES, SAMPLER_OPTUNA, outs[i]));
        enqueue(outs[i], i == 0 ? "{\"lr\": 0.1, \"batch_size\": 1, \"gamma\": 1}"
                                : "{\"lr\": 0.3, \"batch_size\": 1, \"gamma\": 1}");
        enqueue(outs[i], "{\"lr\": 0.2, \"batch_size\": 2, \"gamma\": 1}");
        assert_true(train_as(RANGES, SAMPLER_OPTUNA, outs[i]));
        assert_int_equal(fake.runs, 2);
    }
    // The second of each is the same trial, to the stream of its random numbers.
    join("all", 3, 3, "o0", "o1");
    assert_int_equal(ask("all", COMPLETE), 3);
    assert_int_equal(ask("all", "SELECT count(*) FROM trials"), 3);
    assert_int_equal(ask("all", "SELECT stream FROM vkgrid_cells WHERE cell = 2"), 0);
    assert_int_equal(ask("all",
                         "SELECT count(*) FROM trial_user_attributes JOIN vkgrid_cells USING "
                         "(trial_id) WHERE key = 'weights' AND value_json LIKE "
                         "printf('%%/grid%05d/%%', cell)"),
                     3);
    assert_true(file_exists("all/cells/grid00002/options.json"));
    join("all", 3, 0, "o0", "o1");
    enqueue("all", "{\"lr\": 0.5, \"batch_size\": 1, \"gamma\": 1}");
    assert_true(train_as(RANGES, SAMPLER_OPTUNA, "all"));
    assert_int_equal(fake.runs, 1);
    assert_int_equal(ask("all", COMPLETE), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_one_grew, setup),
        cmocka_unit_test_setup(test_both_grew, setup),
        cmocka_unit_test_setup(test_an_axis_more, setup),
        cmocka_unit_test_setup(test_other_sets, setup),
        cmocka_unit_test_setup(test_other_epochs, setup),
        cmocka_unit_test_setup(test_optuna, setup),
    };
    return cmocka_run_group_tests(tests, enter_home, leave_home);
}
