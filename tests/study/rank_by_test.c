// SPDX-License-Identifier: MIT
// What ranks the cells of a study, its default, and a study that is ranked anew: values, leaders,
// weights.
#include "tests/study/fakes.h"
#include "tests/study/home.h"
#include "tests/study/study_case.h"
#include "tests/test.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/study/rank_by.h"

#include <stdlib.h>

// The best epoch of each run.
#define RUNS \
    "(SELECT cell, run, min(val_dice) AS d FROM vkgrid_epochs WHERE best = 1 GROUP BY cell, run)"

// Cells whose trial has that value.
static int64_t count_values(const char *of_runs)
{
    char *sql = text_format(
        "SELECT count(*) FROM vkgrid_cells JOIN trial_values USING (trial_id) "
        "JOIN (SELECT cell, %s AS v FROM " RUNS
        " GROUP BY cell) USING (cell) "
        "WHERE abs(v - value) < 1e-15",
        of_runs);
    const int64_t count = query("out/study.db", sql);
    free(sql);
    return count;
}

static bool search(const char *out, enum keep keep, enum rank_by rank_by)
{
    struct study_result result;
    const bool done = run(GRID_TEXT(""), out, 4,
                          (struct study_options){.keep = keep, .rank_by = rank_by}, &result);
    study_result_free(&result);
    return done;
}

static void test_values(void **state)
{
    (void)state;
    assert_true(search("out", KEEP_BEST, RANK_DEFAULT));
    assert_int_equal(count_values("avg(d)"), 6);
    assert_int_equal(query("out/study.db",
                           "SELECT json_extract(value, '$.rank_by') = 'mean' FROM "
                           "vkgrid_study WHERE key = 'settings'"),
                     1);
    assert_int_equal(
        query(
            "out/study.db",
            "SELECT count(*) FROM vkgrid_cells JOIN trial_user_attributes USING (trial_id) JOIN "
            "(SELECT cell, avg(d) AS m, min(d) AS b, abs(max(d) - min(d)) / sqrt(2) AS s FROM " RUNS
            " GROUP BY cell) USING (cell) WHERE key = 'over_runs' AND abs(json_extract("
            "value_json, '$.dice_loss.mean') - m) < 1e-12 AND abs(json_extract(value_json, "
            "'$.dice_loss.sd') - s) < 1e-12 AND json_extract(value_json, '$.dice_loss.best') = b "
            "AND json_extract(value_json, '$.runs') = 2"),
        6);
    // The weights that are there are those of the cell with the lowest mean.
    const int64_t best = query("out/study.db", "SELECT cell FROM " RUNS
                                               " GROUP BY cell ORDER BY avg(d), cell LIMIT 1");
    char *path = text_format("out/cells/grid%05d/best_em.safetensors", (int)best);
    assert_true(file_exists(path));
    free(path);
    assert_int_equal(system("test $(ls out/cells/*/best_em.safetensors | wc -l) -eq 1"), 0);
    char *ranking = contents("out/hyperparameters/em_cell.json");
    char *first = text_format("\"name\": \"grid%05d\"", (int)best);
    assert_non_null(strstr(ranking, first));
    assert_true(strstr(ranking, first) < strstr(ranking, "\"rank\": 2"));
    free(first);
    free(ranking);
}

static const char *const all_values[] = {
    "SELECT cell, value FROM vkgrid_cells JOIN trial_values USING (trial_id) ORDER BY cell",
    "SELECT cell, key, value_json FROM vkgrid_cells JOIN trial_user_attributes USING (trial_id) "
    "WHERE key IN ('over_runs', 'best_set', 'weights') ORDER BY cell, key"};

// A finished study is ranked anew and trains nothing; there and back it is what it was.
static void test_ranked_anew(void **state)
{
    (void)state;
    assert_true(search("out", KEEP_ALL, RANK_MEAN));
    assert_int_equal(system("cp -r out there"), 0);
    fake.runs = 0;
    assert_true(search("out", KEEP_ALL, RANK_BEST));
    assert_int_equal(count_values("min(d)"), 6);
    assert_true(search("out", KEEP_ALL, RANK_DEFAULT)); // keeps what it has
    assert_int_equal(count_values("min(d)"), 6);
    assert_true(search("out", KEEP_ALL, RANK_MEAN));
    assert_int_equal(fake.runs, 0);
    assert_same_rows("out", "there", all_values, 2);
    assert_true(same_files("out/hyperparameters", "there/hyperparameters"));
    assert_int_equal(system("rm -r there"), 0);
}

// A study of a version before has neither means nor a ranking of its own: it stays with the best
// run until it is asked for the mean.
static void test_older(void **state)
{
    (void)state;
    assert_true(search("out", KEEP_ALL, RANK_BEST));
    assert_int_equal(system("cp -r out there"), 0);
    query("out/study.db", "DELETE FROM trial_user_attributes WHERE key = 'over_runs'");
    query("out/study.db",
          "UPDATE vkgrid_study SET value = json_remove(value, '$.rank_by') WHERE "
          "key = 'settings'");
    assert_true(search("out", KEEP_ALL, RANK_DEFAULT));
    assert_int_equal(count_values("min(d)"), 6);
    assert_same_rows("out", "there", all_values, 2);
    query("out/study.db", "DELETE FROM trial_user_attributes WHERE key = 'over_runs'");
    assert_true(search("out", KEEP_ALL, RANK_MEAN));
    assert_int_equal(count_values("avg(d)"), 6);
    assert_int_equal(system("rm -r there"), 0);
}

// Failed runs do not count.
static void test_failed_run(void **state)
{
    (void)state;
    fake.fail_cell = 2;
    assert_true(search("out", KEEP_ALL, RANK_MEAN));
    assert_int_equal(query("out/study.db",
                           "SELECT count(*) FROM vkgrid_cells JOIN trial_values USING (trial_id) "
                           "WHERE cell = 2 AND value = (SELECT min(val_dice) FROM vkgrid_epochs "
                           "WHERE cell = 2 AND run = 1 AND best = 1)"),
                     1);
}

static enum rank_by default_of(const char *text)
{
    struct grid *grid = grid_of(text);
    const enum rank_by rank_by = rank_by_default(grid);
    grid_free(&grid);
    return rank_by;
}

static void test_default(void **state)
{
    struct grid *grid;
    const struct grid_settings settings = {0};
    (void)state;
    assert_int_equal(default_of(GRID_TEXT("")), RANK_MEAN);
    must(grid_read(TEST_SOURCE "/../../assets/benson2025-grid.json", &settings, &grid));
    assert_int_equal(rank_by_default(grid), RANK_BEST);
    grid_free(&grid);
    must(grid_read(TEST_SOURCE "/../../assets/sample-grid.json", &settings, &grid));
    assert_true(rank_by_trivial(grid));
    assert_int_equal(rank_by_default(grid), RANK_BEST);
    grid_free(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_values, setup),
        cmocka_unit_test_setup(test_ranked_anew, setup),
        cmocka_unit_test_setup(test_older, setup),
        cmocka_unit_test_setup(test_failed_run, setup),
        cmocka_unit_test_setup(test_default, setup),
    };
    return RUN_TESTS(tests, enter_home, leave_home);
}
