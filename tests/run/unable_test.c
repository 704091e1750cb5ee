// SPDX-License-Identifier: MIT
// Cells that cannot be trained: found before the first pack, refused or failed, tried again.
#include "tests/test.h"
#include "tests/study/fakes.h"
#include "tests/study/home.h"
#include "tests/study/study_case.h"
#include "vkgrid/base/file.h"

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

static void expect_failed(int cells)
{
    assert_int_equal(query("out/study.db",
                           "SELECT count(*) FROM trials JOIN vkgrid_cells USING "
                           "(trial_id) WHERE state = 'FAIL'"),
                     cells);
    assert_int_equal(query("out/study.db",
                           "SELECT count(*) FROM trial_user_attributes JOIN vkgrid_cells USING "
                           "(trial_id) WHERE key = 'failure' AND value_json LIKE '%V2/x.png%'"),
                     cells);
    assert_int_equal(query("out/study.db",
                           "SELECT count(*) FROM vkgrid_runs WHERE state = 'FAIL' "
                           "AND failure LIKE '%V2/x.png: no such file'"),
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
    expect_failed(3);
    char *log = contents("out/cells/grid00004/training.log");
    assert_non_null(strstr(log, "Failed: data/V2/x.png: no such file"));
    free(log);
    fake.vanished_rows = 0;
    fake.missing_rows = 96; // not mended yet
    assert_true(run(two_sizes, "out", 4, plain, &result));
    assert_int_equal(result.finished, 3);
    assert_int_equal(result.unable, 3);
    assert_int_equal(fake.runs, 6);
    study_result_free(&result);
    expect_failed(3);
    fake.missing_rows = 0;
    assert_true(run(two_sizes, "out", 4, plain, &result));
    assert_int_equal(result.earlier, 3);
    assert_int_equal(result.finished, 6);
    assert_int_equal(result.unable, 0);
    assert_int_equal(fake.runs, 12);
    study_result_free(&result);
    expect_failed(0);
    assert_true(run(two_sizes, "other", 4, plain, NULL));
    assert_true(same_files("out/cells", "other/cells"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_groups_are_checked_first, setup),
        cmocka_unit_test_setup(test_files_that_vanish, setup),
        cmocka_unit_test_setup(test_going_on_without_some, setup),
        cmocka_unit_test_setup(test_going_on_with_nothing, setup),
        cmocka_unit_test_setup(test_values_that_cannot_be_trained, setup),
        cmocka_unit_test_setup(test_last_batch_of_one, setup),
        cmocka_unit_test_setup(test_data_is_shared, setup),
        cmocka_unit_test_setup(test_shared_data_of_a_group_that_fails, setup),
    };
    return cmocka_run_group_tests(tests, enter_home, leave_home);
}
