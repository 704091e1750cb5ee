// SPDX-License-Identifier: MIT
// Cells that cannot be trained: found before the first pack, refused or failed, tried again.
#include "tests/test.h"
#include "tests/study/fakes.h"
#include "tests/study/home.h"
#include "tests/study/study_case.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

// Six cells in two groups, of images of 64 and of 96 rows.
static const char two_sizes[] =
    "{\"static\": {\"partition\": [[1, 2], [3]], \"raters\": [], \"gamma\": 1, "
    "\"bce_weight\": 0.5, \"until\": 2, \"features\": {\"inputs\": {\"em\": [\"em\"]}, \"prediction\": {\"cell\": "
    "[\"cell\"]}}, \"num_epochs\": 2, \"inputs\": \"em\", \"prediction\": \"cell\", "
    "\"data_cache_path\": \"data\", \"batch_size\": 2}, \"hyper\": {\"lr\": [0.1, 0.2, 0.3], "
    "\"image_size\": [[64, 64], [96, 64]]}}";

static const struct study_options plain = {.keep = KEEP_NONE};

static void test_all_groups_are_checked_first(void **state)
{
    (void)state;
    fake.missing_rows = 96;
    expect_refusal(run(two_sizes, "out", 4, plain, NULL),
                   "data/V2/x.png: no such file (3 of 6 cells cannot be trained");
    assert_int_equal(fake.packs, 0);
    assert_false(folder_exists("out"));
}

static int64_t count_like(const char *sql, const char *folder)
{
    char *text = text_format("%s LIKE '%%%s/x.png: no such file%%'", sql, folder);
    const int64_t count = query("out/study.db", text);
    free(text);
    return count;
}

static int64_t count_state(const char *path, const char *state)
{
    char *text = text_format(
        "SELECT count(*) FROM trials JOIN vkgrid_cells USING (trial_id) WHERE "
        "state = '%s'",
        state);
    const int64_t count = query(path, text);
    free(text);
    return count;
}

// For want of a file in the folder.
static void expect_failed(int cells, const char *folder)
{
    assert_int_equal(count_state("out/study.db", "FAIL"), cells);
    assert_int_equal(count_like("SELECT count(*) FROM trial_user_attributes JOIN vkgrid_cells "
                                "USING (trial_id) WHERE key = 'failure' AND value_json",
                                folder),
                     cells);
    assert_int_equal(
        count_like("SELECT count(*) FROM vkgrid_runs WHERE state = 'FAIL' AND failure", folder),
        2 * cells);
}

// Files that were there when the search began: the others go on, and these once they are mended.
static void test_files_that_vanish(void **state)
{
    struct study_result result;
    (void)state;
    fake.vanished_rows = 96;
    assert_true(run(two_sizes, "out", 4, plain, &result));
    assert_int_equal(result.finished, 3);
    assert_int_equal(result.unable, 3);
    assert_int_equal(result.failed_runs, 0);
    assert_int_equal(fake.runs, 6);
    study_result_free(&result);
    expect_failed(3, "V2");
    char *log = contents("out/cells/grid00004/training.log");
    assert_non_null(strstr(log, "Failed: data/V2/x.png: no such file"));
    free(log);
    fake.vanished_rows = 0;
    fake.missing_label = true; // of another reason
    assert_true(run(two_sizes, "out", 4, plain, NULL));
    expect_failed(3, "V1");
    log = contents("out/cells/grid00004/training.log");
    assert_non_null(strstr(log, "Failed: data/V1/x.png: no such file"));
    free(log);
    fake.missing_label = false;
    fake.missing_rows = 96; // not mended yet
    assert_true(run(two_sizes, "out", 4, plain, &result));
    assert_int_equal(result.finished, 3);
    assert_int_equal(result.unable, 3);
    assert_int_equal(fake.runs, 6);
    study_result_free(&result);
    expect_failed(3, "V2");
    fake.missing_rows = 0;
    assert_true(run(two_sizes, "out", 4, plain, &result));
    assert_int_equal(result.earlier, 3);
    assert_int_equal(result.finished, 6);
    assert_int_equal(result.unable, 0);
    assert_int_equal(fake.runs, 12);
    study_result_free(&result);
    expect_failed(0, "V2");
    assert_true(run(two_sizes, "other", 4, plain, NULL));
    assert_true(same_files("out/cells", "other/cells"));
}

// Cells that are not asked for keep what they are.
static void test_cells_of_others(void **state)
{
    static const int some_cells[] = {2, 3};
    (void)state;
    fake.vanished_rows = 96;
    assert_true(run(two_sizes, "out", 4, plain, NULL));
    fake.vanished_rows = 0;
    struct study_options some = plain;
    some.cells = some_cells;
    some.cell_count = 2; // one of each size
    assert_true(run(two_sizes, "out", 4, some, NULL));
    expect_failed(2, "V2");
    assert_int_equal(query("out/study.db", "SELECT count(*) FROM trials"), 7);
}

static const struct study_options asha = {.keep = KEEP_NONE, .prune = PRUNE_ASHA};

// Once they can be trained they are pruned as if they always could.
static void test_pruned_as_others(void **state)
{
    (void)state;
    fake.vanished_rows = 96;
    assert_true(run(two_sizes, "out", 4, asha, NULL));
    const int64_t before = count_state("out/study.db", "PRUNED");
    fake.vanished_rows = 0;
    assert_true(run(two_sizes, "out", 4, asha, NULL));
    assert_true(run(two_sizes, "other", 4, asha, NULL));
    assert_true(count_state("out/study.db", "PRUNED") > before);
    assert_int_equal(count_state("out/study.db", "PRUNED"),
                     count_state("other/study.db", "PRUNED"));
}

// What a pruned cell has come to stays where it cannot go on, found before or while others train.
static void test_pruned_keep_their_epochs(void **state)
{
    static const char count[] =
        "SELECT count(*) FROM vkgrid_epochs JOIN vkgrid_cells USING (cell) "
        "JOIN trials USING (trial_id) WHERE state = 'PRUNED' AND cell > 2";
    struct study_options unprune = asha;
    struct study_result result;
    (void)state;
    unprune.unprune = true;
    assert_true(run(two_sizes, "out", 4, asha, NULL));
    const int64_t epochs = query("out/study.db", count);
    assert_true(epochs > 0);
    for (int i = 0; i < 2; i++) {
        fake.missing_label = i == 0;
        fake.vanished_rows = i == 0 ? 0 : 96; // of cells 3, 4, 5
        run(two_sizes, "out", 4, unprune, &result);
        assert_int_equal(result.finished + result.unable, 6);
        assert_int_equal(query("out/study.db", count), epochs);
        study_result_free(&result);
    }
}

// What study.db has of the second group cannot be read: no failure of its cells.
static void test_study_that_cannot_be_asked(void **state)
{
    (void)state;
    assert_true(run(two_sizes, "out", 4, plain, NULL));
    query("out/study.db", "UPDATE trials SET state = 'RUNNING'");
    query("out/study.db", "ALTER TABLE vkgrid_datasets RENAME COLUMN fingerprint TO known");
    query("out/study.db",
          "ALTER TABLE vkgrid_datasets ADD COLUMN fingerprint AS (CASE WHEN key LIKE '%[96, 64]%' "
          "THEN abs(-9223372036854775807 - length(key) / length(key)) ELSE known END)");
    expect_refusal(run(two_sizes, "out", 4, plain, NULL),
                   "cannot be read or written: integer overflow");
    assert_int_equal(count_state("out/study.db", "RUNNING"), 6);
}

// A study that has begun goes on with what can be trained, and keeps what had begun of the rest.
static void test_going_on_without_some(void **state)
{
    struct study_result result;
    (void)state;
    fake.stop_epoch = 3;
    assert_false(run(two_sizes, "out", 2, (struct study_options){.always = true}, NULL));
    fake.stop_epoch = 0;
    fake.missing_rows = 64; // of the runs that had begun
    assert_true(run(two_sizes, "out", 2, plain, &result));
    assert_int_equal(result.finished, 3);
    assert_int_equal(result.unable, 3);
    study_result_free(&result);
    assert_int_equal(query("out/study.db", "SELECT count(*) FROM vkgrid_checkpoints"), 2);
    assert_int_equal(query("out/study.db", "SELECT count(*) FROM trials WHERE state = 'FAIL'"), 2);
    fake.missing_rows = 0;
    assert_true(run(two_sizes, "out", 2, plain, &result));
    assert_int_equal(result.finished, 6);
    assert_int_equal(fake.resumed, 2);
    study_result_free(&result);
}

static void test_going_on_with_nothing(void **state)
{
    (void)state;
    fake.stop_epoch = 3;
    assert_false(run(two_sizes, "out", 4, plain, NULL));
    fake.stop_epoch = 0;
    fake.missing_label = true;
    expect_refusal(run(two_sizes, "out", 4, plain, NULL), "data/V1/x.png: no such file");
}

// What lies in the values of a cell needs no mending: the others are trained at once.
static void test_values_that_cannot_be_trained(void **state)
{
    struct study_result result;
    (void)state;
    assert_true(run(GRID_TEXT(", \"image_size\": [32, 32]"), "out", 4, plain, &result));
    assert_int_equal(result.finished, 3);
    assert_int_equal(result.unable, 3);
    assert_int_equal(fake.runs, 6);
    assert_int_equal(query("out/study.db",
                           "SELECT count(*) FROM vkgrid_runs WHERE state = 'FAIL' AND attempts = 0 "
                           "AND failure LIKE '%batches of 1 of 32x32: batch norm%'"),
                     6);
    study_result_free(&result);
    assert_true(run(GRID_TEXT(", \"image_size\": [32, 32]"), "out", 4, plain, &result));
    assert_int_equal(result.earlier, 3);
    assert_int_equal(result.unable, 3);
    study_result_free(&result);
}

// How many samples have files says what the last batch is.
static void test_last_batch_of_one(void **state)
{
    (void)state;
    fake.left_out = 1;
    expect_refusal(run(GRID_TEXT(", \"image_size\": [32, 32]"), "out", 4, plain, NULL),
                   "(6 of 6 cells cannot be trained, for 2 reasons)");
    assert_false(folder_exists("out"));
}

// Groups that have the same data read it once.
static void test_data_is_shared(void **state)
{
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, plain, NULL));
    assert_int_equal(fake.loads, 1);
    assert_true(run(two_sizes, "other", 4, plain, NULL));
    assert_int_equal(fake.loads, 3);
}

// The second group fails to open while the first has the data that both need.
static void test_shared_data_of_a_group_that_fails(void **state)
{
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, plain, NULL));
    query("out/study.db", "UPDATE trials SET state = 'RUNNING'"); // nothing is left of the first
    query("out/study.db", "UPDATE vkgrid_runs SET run = 7 WHERE cell = 5 AND run = 1");
    expect_refusal(run(GRID_TEXT(""), "out", 4, plain, NULL), "has a run 7 of 2");
}

// Six cells, of which those of 96 rows need 100 bytes a slot, on two devices.
static bool run_on_two(const char *out, uint64_t first, uint64_t second,
                       struct study_result *result)
{
    static const int devices[] = {0, 1};
    const struct study_options options = {
        .out = out, .devices = devices, .device_count = 2, .keep = KEEP_BEST, .quiet = true};
    struct grid *grid = grid_of(two_sizes);
    fake.memory = first;
    fake.second = second;
    fake.heavy_rows = 96;
    const bool done = study_run(grid, &options, result);
    grid_free(&grid);
    assert_int_equal(fake.engines, 0);
    assert_int_equal(fake.datasets, 0);
    return done;
}

static void test_a_group_goes_to_the_device_that_can_hold_it(void **state)
{
    static const uint64_t memory[][2] = {{50, 250}, {250, 50}};
    struct study_result result;
    (void)state;
    assert_true(run(two_sizes, "out", 4, (struct study_options){.keep = KEEP_BEST}, NULL));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(system("rm -rf other"), 0);
        assert_true(run_on_two("other", memory[i][0], memory[i][1], &result));
        assert_int_equal(result.finished, 6);
        assert_int_equal(result.unable, 0);
        study_result_free(&result);
        assert_same_study("out", "other");
    }
}

static void test_a_group_that_fits_no_device_is_unable(void **state)
{
    struct study_result result;
    (void)state;
    assert_true(run_on_two("out", 50, 60, &result));
    assert_int_equal(result.finished, 3);
    assert_int_equal(result.unable, 3);
    study_result_free(&result);
    assert_int_equal(query("out/study.db",
                           "SELECT count(*) FROM vkgrid_runs WHERE failure LIKE '%one slot%; %one "
                           "slot%'"),
                     6);
    assert_true(run_on_two("out", 50, 100, &result)); // tried again
    assert_int_equal(result.finished, 6);
    study_result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_groups_are_checked_first, setup),
        cmocka_unit_test_setup(test_files_that_vanish, setup),
        cmocka_unit_test_setup(test_cells_of_others, setup),
        cmocka_unit_test_setup(test_pruned_as_others, setup),
        cmocka_unit_test_setup(test_pruned_keep_their_epochs, setup),
        cmocka_unit_test_setup(test_study_that_cannot_be_asked, setup),
        cmocka_unit_test_setup(test_going_on_without_some, setup),
        cmocka_unit_test_setup(test_going_on_with_nothing, setup),
        cmocka_unit_test_setup(test_values_that_cannot_be_trained, setup),
        cmocka_unit_test_setup(test_last_batch_of_one, setup),
        cmocka_unit_test_setup(test_data_is_shared, setup),
        cmocka_unit_test_setup(test_shared_data_of_a_group_that_fails, setup),
        cmocka_unit_test_setup(test_a_group_goes_to_the_device_that_can_hold_it, setup),
        cmocka_unit_test_setup(test_a_group_that_fits_no_device_is_unable, setup),
    };
    return cmocka_run_group_tests(tests, enter_home, leave_home);
}
