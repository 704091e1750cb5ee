// SPDX-License-Identifier: MIT
// Studies that grow, over a training that takes no time: what they are in the end is what one is
// that was all of it from the beginning.
#include "tests/study/fakes.h"
#include "tests/study/home.h"
#include "tests/study/study_case.h"
#include "tests/test.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATIC \
    "\"partition\": [[1, 2], [3]], \"raters\": [], \"inputs\": \"em\", \"prediction\": \"cell\", " \
    "\"features\": {\"inputs\": {\"em\": [\"em\"]}, \"prediction\": {\"cell\": [\"cell\"]}}, " \
    "\"bce_weight\": 0.5, \"data_cache_path\": \"data\""
#define GRID(more, hyper) "{\"static\": {" STATIC ", " more "}, \"hyper\": {" hyper "}}"
#define PLAN "\"plan\": [{\"num_epochs\": 2}, {}], "
#define REST "\"gamma\": 1, \"batch_size\": 2, \"num_epochs\": 2, \"until\": 1"

struct search {
    const char *out;
    enum sampler sampler;
    int trials;
    struct study_options options;
};

static bool search(const char *text, struct search how)
{
    static const int device = 0;
    struct study_result result;
    struct grid *grid;
    const struct grid_settings settings = {.sampler = how.sampler, .trials = how.trials};
    if (!grid_parse(text, strlen(text), "g.json", &settings, &grid))
        return false;
    how.options.out = how.out ? how.out : "out";
    how.options.devices = &device;
    how.options.device_count = 1;
    how.options.pack = 3;
    how.options.quiet = true;
    const bool done = study_run(grid, &how.options, &result);
    study_result_free(&result);
    grid_free(&grid);
    assert_int_equal(fake.engines, 0);
    assert_int_equal(fake.datasets, 0);
    return done;
}

static bool keep_best(const char *text, const char *out)
{
    return search(text, (struct search){.out = out, .options = {.keep = KEEP_BEST}});
}

static bool keep_all(const char *text, const char *out)
{
    return search(text, (struct search){.out = out, .options = {.keep = KEEP_ALL}});
}

static void assert_cell(const char *out, int cell, const char *options)
{
    char *path = text_format("%s/study.db", out),
         *sql = text_format(
             "SELECT count(*) FROM vkgrid_cells WHERE cell = %d AND json(options) = json('%s')",
             cell, options);
    if (query(path, sql) != 1)
        fail_msg("cell %d is not %s", cell, options);
    free(sql);
    free(path);
}

static void assert_same(const char *one, const char *other)
{
    char *cells = text_format("%s/cells", one), *others = text_format("%s/cells", other),
         *ranking = text_format("%s/hyperparameters", one),
         *rankings = text_format("%s/hyperparameters", other);
    assert_same_study(one, other);
    assert_true(same_files(cells, others));
    assert_true(same_files(ranking, rankings));
    free(cells);
    free(others);
    free(ranking);
    free(rankings);
}

// What is appended to the last axis has the numbers that it would have had.
static void test_values_runs_epochs(void **state)
{
    static bool (*const searches[])(const char *, const char *) = {keep_best, keep_all};
    for (int i = 0; i < 2; i++) {
        bool (*const search_with)(const char *, const char *) = searches[i];
        setup(state);
        assert_true(search_with(GRID(PLAN REST, "\"lr\": [0.1, 0.2]"), "out"));
        assert_int_equal(fake.runs, 2);
        assert_true(search_with(GRID(PLAN REST, "\"lr\": [0.1, 0.2, 0.3]"), "out"));
        assert_int_equal(fake.runs, 3);
        assert_true(search_with(GRID(PLAN "\"gamma\": 1, \"batch_size\": 2, \"num_epochs\": 2, "
                                          "\"until\": 3",
                                     "\"lr\": [0.1, 0.2, 0.3]"),
                                "out"));
        assert_int_equal(fake.runs, 9);
        assert_true(search_with(GRID(PLAN "\"gamma\": 1, \"batch_size\": 2, \"num_epochs\": 4, "
                                          "\"until\": 3",
                                     "\"lr\": [0.1, 0.2, 0.3, 0.4]"),
                                "out"));
        assert_int_equal(fake.runs, 21); // nine of them anew, since no checkpoint was kept
        assert_true(search_with(GRID(PLAN "\"gamma\": 1, \"batch_size\": 2, \"num_epochs\": 4, "
                                          "\"until\": 3",
                                     "\"lr\": [0.1, 0.2, 0.3, 0.4]"),
                                "whole"));
        assert_same("out", "whole");
    }
}

// Values in the middle, axes in another order, an axis more: numbers stay, the others come after.
static void test_numbers_stay(void **state)
{
    (void)state;
    assert_true(keep_all(
        GRID("\"num_epochs\": 2, \"gamma\": 1", "\"lr\": [0.1, 0.3], \"batch_size\": [1, 2]"),
        "out"));
    char *before = contents("out/cells/grid00001/epochs.tsv");
    assert_cell("out", 1, "{\"lr\": 0.3, \"batch_size\": 1}");
    assert_int_equal(fake.runs, 4);
    assert_true(keep_all(
        GRID("\"num_epochs\": 2, \"gamma\": 1", "\"batch_size\": [2, 1], \"lr\": [0.3, 0.2, 0.1]"),
        "out"));
    assert_int_equal(fake.runs, 6);
    assert_cell("out", 1, "{\"lr\": 0.3, \"batch_size\": 1}");
    assert_cell("out", 4, "{\"batch_size\": 2, \"lr\": 0.2}");
    assert_cell("out", 5, "{\"batch_size\": 1, \"lr\": 0.2}");
    assert_true(keep_all(GRID("\"num_epochs\": 2",
                              "\"seed\": [1, 0], \"batch_size\": [2, 1], "
                              "\"gamma\": [0.9, 1], \"lr\": [0.3, 0.2, 0.1]"),
                         "out"));
    assert_int_equal(fake.runs, 24);
    assert_cell("out", 1, "{\"lr\": 0.3, \"batch_size\": 1, \"seed\": 0, \"gamma\": 1}");
    assert_cell("out", 6, "{\"seed\": 1, \"batch_size\": 2, \"gamma\": 0.9, \"lr\": 0.3}");
    char *after = contents("out/cells/grid00001/epochs.tsv");
    assert_string_equal(before, after);
    free(before);
    free(after);
    // Optuna has one distribution for all trials of a parameter.
    assert_int_equal(query("out/study.db",
                           "SELECT count(DISTINCT distribution_json) FROM trial_params WHERE "
                           "param_name = 'gamma'"),
                     1);
    assert_int_equal(
        query("out/study.db", "SELECT count(*) FROM trial_params WHERE param_name = 'seed'"), 24);
    // The same again changes nothing.
    assert_true(keep_all(GRID("\"num_epochs\": 2",
                              "\"seed\": [1, 0], \"batch_size\": [2, 1], "
                              "\"gamma\": [0.9, 1], \"lr\": [0.3, 0.2, 0.1]"),
                         "out"));
    assert_int_equal(fake.runs, 24);
}

static int outside(void)
{
    return (int)query("out/study.db",
                      "SELECT count(*) FROM vkgrid_cells JOIN trial_user_attributes USING "
                      "(trial_id) WHERE outside = 1 AND key = 'outside_grid'");
}

// What is taken away stays, unranked, and comes back.
static void test_outside(void **state)
{
    (void)state;
    assert_true(keep_all(GRID(REST, "\"lr\": [0.1, 0.2, 0.3]"), "out"));
    char *all = contents("out/hyperparameters/em_cell.json");
    assert_true(keep_all(GRID(REST, "\"lr\": [0.3, 0.4]"), "out"));
    assert_int_equal(fake.runs, 4);
    assert_int_equal(outside(), 2);
    assert_cell("out", 3, "{\"lr\": 0.4}");
    char *some = contents("out/hyperparameters/em_cell.json");
    assert_null(strstr(some, "grid00000"));
    assert_null(strstr(some, "grid00001"));
    assert_non_null(strstr(some, "grid00002"));
    free(some);
    // With more to train when they come back.
    assert_true(keep_all(GRID("\"gamma\": 1, \"batch_size\": 2, \"num_epochs\": 2, \"until\": 2",
                              "\"lr\": [0.3, 0.4]"),
                         "out"));
    assert_int_equal(fake.runs, 6);
    assert_true(keep_all(GRID("\"gamma\": 1, \"batch_size\": 2, \"num_epochs\": 2, \"until\": 2",
                              "\"lr\": [0.1, 0.2, 0.3]"),
                         "out"));
    assert_int_equal(fake.runs, 8);
    assert_int_equal(outside(), 1);
    assert_true(keep_all(GRID("\"gamma\": 1, \"batch_size\": 2, \"num_epochs\": 2, \"until\": 2",
                              "\"lr\": [0.4, 0.1, 0.2, 0.3]"),
                         "out"));
    assert_int_equal(fake.runs, 8);
    assert_int_equal(outside(), 0);
    assert_true(keep_all(GRID("\"gamma\": 1, \"batch_size\": 2, \"num_epochs\": 2, \"until\": 2",
                              "\"lr\": [0.1, 0.2, 0.3, 0.4]"),
                         "whole"));
    assert_same("out", "whole");
    free(all);
}

// An axis that goes leaves the cells that have the value of all.
static void test_axis_goes(void **state)
{
    (void)state;
    assert_true(keep_all(GRID("\"num_epochs\": 2, \"gamma\": 1",
                              "\"lr\": [0.1, 0.2], \"batch_size\": [1, 2], \"seed\": [0, 1]"),
                         "out"));
    assert_true(keep_all(
        GRID("\"num_epochs\": 2, \"gamma\": 1, \"batch_size\": 2", "\"lr\": [0.1, 0.2, 0.3]"),
        "out"));
    assert_int_equal(fake.runs, 9);
    assert_int_equal(outside(), 6);
    assert_cell("out", 8, "{\"lr\": 0.3}");
    assert_true(keep_all(
        GRID("\"num_epochs\": 2, \"gamma\": 1", "\"lr\": [0.1, 0.2, 0.3], \"batch_size\": [1, 2]"),
        "out"));
    assert_int_equal(fake.runs, 10);
    assert_int_equal(outside(), 4);
    assert_cell("out", 8, "{\"lr\": 0.3, \"batch_size\": 2}");
}

// Values that mean the same are the same cells, however they are written.
static void test_equal_values(void **state)
{
    (void)state;
    assert_true(
        keep_all(GRID("\"num_epochs\": 2, \"batch_size\": 2, \"gamma\": 1, \"lr\": 0.1",
                      "\"image_size\": [32, [64, 64]], \"plan\": [[{\"gamma\": 1, \"lr\": 0.1}]]"),
                 "out"));
    assert_true(keep_all(
        GRID("\"num_epochs\": 2, \"batch_size\": 2, \"gamma\": 1, \"lr\": 0.1",
             "\"image_size\": [[64, 64], [32, 64]], \"plan\": [[{\"lr\": 0.1, \"gamma\": 1}]]"),
        "out"));
    assert_int_equal(fake.runs, 2);
    assert_int_equal(outside(), 0);
}

// What a cell outside the grid was trained with stays its own: where that has changed for all in
// the meantime it does not come back.
static void test_return(void **state)
{
    (void)state;
    assert_true(keep_all(
        GRID("\"num_epochs\": 2, \"batch_size\": 2", "\"lr\": [0.1], \"gamma\": [0.8, 0.9]"),
        "out"));
    assert_true(keep_all(
        GRID("\"num_epochs\": 2, \"batch_size\": 2, \"gamma\": 0.9", "\"lr\": [0.1, 0.2]"), "out"));
    assert_int_equal(fake.runs, 3);
    assert_true(keep_all(
        GRID("\"num_epochs\": 2, \"batch_size\": 2, \"gamma\": 0.8", "\"lr\": [0.1]"), "out"));
    assert_cell("out", 2, "{\"lr\": 0.2, \"gamma\": 0.9}");
    assert_true(keep_all(
        GRID("\"num_epochs\": 2, \"batch_size\": 2, \"gamma\": 0.8", "\"lr\": [0.1, 0.2]"), "out"));
    assert_int_equal(fake.runs, 4); // with 0.8
    assert_true(keep_all(
        GRID("\"num_epochs\": 2, \"batch_size\": 2, \"gamma\": 0.9", "\"lr\": [0.1, 0.2]"), "out"));
    assert_int_equal(fake.runs, 4);
    assert_int_equal(outside(), 2);
}

// Cells that never had the key are compared each: they were trained with what the grid had then.
static void test_left(void **state)
{
    static const char *const grids[] = {
        GRID("\"num_epochs\": 2, \"batch_size\": 1", "\"gamma\": [0.8, 0.9], \"lr\": [0.1]"),
        GRID("\"num_epochs\": 2, \"batch_size\": 1", "\"gamma\": [0.8, 0.9], \"lr\": [0.1, 0.2]"),
        GRID("\"num_epochs\": 2", "\"gamma\": [0.8, 0.9], \"lr\": [0.2], \"batch_size\": [1, 2]"),
        GRID("\"num_epochs\": 2, \"gamma\": 0.9", "\"lr\": [0.1, 0.2], \"batch_size\": [1, 2]"),
    };
    (void)state;
    for (int i = 0; i < 4; i++)
        assert_true(keep_all(grids[i], "out"));
    expect_refusal(keep_all(GRID("\"num_epochs\": 2, \"gamma\": 0.8",
                                 "\"lr\": [0.1, 0.2], \"batch_size\": [1, 2]"),
                            "out"),
                   "out: holds another study: gamma: 0.8 instead of 0.9");
}

// A number of runs that told cells apart and is one for all now: the cell with another one stays
// outside, however often the search goes on.
static void test_amount_goes(void **state)
{
    (void)state;
    assert_true(keep_all(GRID("\"num_epochs\": 2, \"gamma\": 1, \"batch_size\": 2",
                              "\"until\": [1, 2], \"lr\": [0.1]"),
                         "out"));
    assert_int_equal(fake.runs, 3);
    for (int i = 0; i < 3; i++) {
        assert_true(
            keep_all(GRID("\"num_epochs\": 2, \"gamma\": 1, \"batch_size\": 2, \"until\": 2",
                          "\"lr\": [0.1]"),
                     "out"));
        assert_int_equal(fake.runs, 3);
        assert_int_equal(query("out/study.db", "SELECT outside FROM vkgrid_cells WHERE cell = 0"),
                         1);
        assert_int_equal(query("out/study.db", "SELECT outside FROM vkgrid_cells WHERE cell = 1"),
                         0);
    }
    assert_true(keep_all(GRID("\"num_epochs\": 2, \"gamma\": 1, \"batch_size\": 2",
                              "\"until\": [2, 1], \"lr\": [0.1]"),
                         "out"));
    assert_int_equal(fake.runs, 3);
    assert_int_equal(outside(), 0);
}

static void test_refused(void **state)
{
    static const char begun[] = GRID(PLAN REST, "\"lr\": [0.1, 0.2]");
    static const struct {
        const char *grid, *message;
    } cases[] = {
        {GRID(PLAN REST, "\"lr\": [0.3]"),
         "out: holds another study: lr: [0.3] instead of [0.1, 0.2]: another folder (-o) is "
         "needed; with the values of both in a list of hyper it grows"},
        {GRID(PLAN REST ", \"seed\": 3", "\"lr\": [0.1, 0.2]"),
         "out: holds another study: seed: 3 instead of 0: another folder"},
        {GRID(PLAN "\"gamma\": 1, \"batch_size\": 2, \"num_epochs\": 1", "\"lr\": [0.1, 0.2]"),
         "out: num_epochs: is less than the study has"},
        {GRID("\"plan\": [{\"num_epochs\": 3}, {}], " REST, "\"lr\": [0.1, 0.2]"),
         "out: holds another study: plan: [{\"num_epochs\": 3}, {}] instead of"},
        {GRID(PLAN "\"gamma\": 1, \"batch_size\": 2, \"num_epochs\": 2, \"until\": 1",
              "\"seed\": [1], \"lr\": [0.1, 0.2]"),
         "out: holds another study: seed: [1] instead of 0"},
    };
    (void)state;
    assert_true(keep_all(begun, "out"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        expect_refusal(keep_all(cases[i].grid, "out"), cases[i].message);
    assert_int_equal(fake.runs, 2);
    assert_true(keep_all(GRID(PLAN "\"gamma\": 1, \"batch_size\": 2, \"num_epochs\": 2, "
                                   "\"until\": 2",
                              "\"lr\": [0.1, 0.2]"),
                         "out"));
    expect_refusal(keep_all(begun, "out"),
                   "out: until: is less than the study has: runs can be "
                   "added, not taken away");
}

// Stopped in the middle of what is new, it goes on there.
static void test_stopped(void **state)
{
    static const char begun[] = GRID(PLAN REST, "\"lr\": [0.1, 0.2, 0.3]"),
                      grown[] = GRID(PLAN
                                     "\"gamma\": 1, \"batch_size\": 2, \"num_epochs\": 3, "
                                     "\"until\": 2",
                                     "\"lr\": [0.1, 0.2, 0.3, 0.4]");
    assert_true(keep_best(grown, "whole"));
    for (int epoch = 1; epoch < 12; epoch += 2) {
        fake_reset();
        assert_int_equal(system("rm -rf out"), 0);
        assert_true(keep_best(begun, "out"));
        fake.stop_epoch = fake.epochs + epoch;
        const bool done = keep_best(grown, "out");
        fake.stop_epoch = 0;
        if (done)
            break;
        // What cells came to stays until they have come to more.
        assert_int_equal(query("out/study.db",
                               "SELECT count(*) FROM vkgrid_cells JOIN trial_values "
                               "USING (trial_id) WHERE cell < 3"),
                         3);
        assert_true(keep_best(grown, "out"));
        assert_same("out", "whole");
    }
    (void)state;
}

// What a random search draws depends on the order of the axes: that of the study stays.
static void test_random(void **state)
{
    const char *const begun = GRID("\"num_epochs\": 2, \"gamma\": 1",
                                   "\"lr\": {\"min\": 0.01, \"max\": 1}, \"batch_size\": [1, 2]"),
                      *const other =
                          GRID("\"gamma\": 1, \"until\": 2, \"num_epochs\": 2",
                               "\"batch_size\": [1, 2], \"lr\": {\"max\": 1, \"min\": 0.01}"),
                      *const narrow =
                          GRID("\"num_epochs\": 2, \"gamma\": 1",
                               "\"lr\": {\"min\": 0.1, \"max\": 1}, \"batch_size\": [1, 2]"),
                      *const whole =
                          GRID("\"num_epochs\": 2, \"gamma\": 1, \"until\": 2",
                               "\"lr\": {\"min\": 0.01, \"max\": 1}, \"batch_size\": [1, 2]");
    const struct study_options keep = {.keep = KEEP_ALL};
    (void)state;
    assert_true(search(begun, (struct search){"out", SAMPLER_RANDOM, 3, keep}));
    assert_true(search(other, (struct search){"out", SAMPLER_RANDOM, 5, keep}));
    assert_int_equal(fake.runs, 10);
    assert_true(search(whole, (struct search){"whole", SAMPLER_RANDOM, 5, keep}));
    assert_same("out", "whole");
    expect_refusal(search(narrow, (struct search){"out", SAMPLER_RANDOM, 5, keep}),
                   "out: holds another study: lr: {\"min\": 0.1, \"max\": 1} instead of");
    expect_refusal(search(whole, (struct search){"out", SAMPLER_RANDOM, 4, keep}),
                   "more --trials are needed");
}

// The one cell of a training has more runs.
static void test_cell(void **state)
{
#define OPTIONS(until) \
    "{" STATIC \
    ", \"lr\": 0.1, \"gamma\": 1, \"batch_size\": 1, \"num_epochs\": 2, \"until\": " until \
    ", \"cell\": 7}"
    static const char *const texts[] = {OPTIONS("1"), OPTIONS("3"), OPTIONS("2")};
    static const int device = 0;
    (void)state;
    for (int i = 0; i < 3; i++) {
        cJSON *options;
        struct grid *grid;
        struct study_result result;
        assert_true(json_parse(texts[i], strlen(texts[i]), "o.json", &options));
        must(grid_of_cell(options, "o.json", &grid));
        const bool done = study_run(grid,
                                    &(struct study_options){.out = "out",
                                                            .devices = &device,
                                                            .device_count = 1,
                                                            .keep = KEEP_ALL,
                                                            .quiet = true},
                                    &result);
        if (i < 2)
            assert_true(done);
        else
            expect_refusal(done, "out: until: is less than the study has");
        study_result_free(&result);
        grid_free(&grid);
        cJSON_Delete(options);
    }
    assert_int_equal(fake.runs, 3);
}

static void enqueue(const char *out, const char *values)
{
    char *path = text_format("%s/study.db", out),
         *sql = text_format(
             "INSERT INTO trial_system_attributes (trial_id, key, value_json) "
             "SELECT max(trial_id), 'fixed_params', '%s' FROM trials",
             values);
    query(path,
          "INSERT INTO trials (number, study_id, state) SELECT count(*), 1, 'WAITING' FROM "
          "trials");
    query(path, sql);
    free(sql);
    free(path);
}

// Optuna's cells stay where a range is another one; those that are not in it are outside.
static void test_optuna(void **state)
{
    static const char begun[] = GRID("\"num_epochs\": 2, \"gamma\": 1, \"batch_size\": 2",
                                     "\"lr\": {\"min\": 0.01, \"max\": 0.5}"),
                      wide[] = GRID("\"num_epochs\": 2, \"batch_size\": 2, \"until\": 2",
                                    "\"gamma\": {\"min\": 0.5, \"max\": 1}, "
                                    "\"lr\": {\"min\": 0.001, \"max\": 0.9}"),
                      narrow[] = GRID("\"num_epochs\": 2, \"batch_size\": 2, \"until\": 2",
                                      "\"gamma\": {\"min\": 0.5, \"max\": 1}, "
                                      "\"lr\": {\"min\": 0.3, \"max\": 0.9}");
    const struct search optuna = {.sampler = SAMPLER_OPTUNA, .options = {.keep = KEEP_ALL}};
    (void)state;
    assert_true(search(begun, optuna));
    enqueue("out", "{\"lr\": 0.25}");
    enqueue("out", "{\"lr\": 0.375}");
    assert_true(search(begun, optuna));
    assert_int_equal(fake.runs, 2);
    assert_true(search(wide, optuna));
    assert_int_equal(fake.runs, 4);
    enqueue("out", "{\"lr\": 0.75, \"gamma\": 0.5}");
    assert_true(search(wide, optuna));
    assert_int_equal(fake.runs, 6);
    assert_cell("out", 1, "{\"lr\": 0.375, \"gamma\": 1}");
    assert_cell("out", 2, "{\"gamma\": 0.5, \"lr\": 0.75}");
    assert_true(search(narrow, optuna));
    assert_int_equal(outside(), 1);
    enqueue("out", "{\"lr\": 0.5, \"gamma\": 0.5}");
    assert_true(search(narrow, optuna));
    assert_int_equal(fake.runs, 8);
    assert_int_equal(query("out/study.db",
                           "SELECT count(DISTINCT distribution_json) FROM "
                           "trial_params WHERE param_name = 'lr'"),
                     1);
    assert_true(search(wide, optuna));
    assert_int_equal(outside(), 0);
    assert_int_equal(fake.runs, 8);
}

static int64_t taken_runs(const char *out)
{
    char *path = text_format("%s/study.db", out);
    const int64_t runs = query(path, "SELECT count(*) FROM vkgrid_runs WHERE state = 'COMPLETE'");
    free(path);
    return runs;
}

// Finished cells of another study keep their bits, and their streams when they get more runs.
static void test_from(void **state)
{
    static const char theirs[] =
        GRID("\"num_epochs\": 2, \"batch_size\": 2, \"gamma\": 1", "\"lr\": [0.1, 0.2, 0.3]"),
                      mine[] = GRID("\"num_epochs\": 2, \"batch_size\": 2",
                                    "\"lr\": [0.4, 0.3, 0.1], \"gamma\": [0.9, 1]"),
                      more[] = GRID("\"num_epochs\": 2, \"batch_size\": 2, \"until\": 2",
                                    "\"lr\": [0.4, 0.3, 0.1], \"gamma\": [0.9, 1]"),
                      theirs_more[] = GRID(
                          "\"num_epochs\": 2, \"batch_size\": 2, \"gamma\": 1, "
                          "\"until\": 2",
                          "\"lr\": [0.1, 0.2, 0.3]"),
                      other_runs[] = GRID("\"num_epochs\": 2, \"batch_size\": 2, \"until\": 3",
                                          "\"lr\": [0.1], \"gamma\": [1]");
    const struct study_options from = {.keep = KEEP_ALL, .from = "theirs"};
    (void)state;
    assert_true(keep_all(theirs, "theirs"));
    assert_true(search(mine, (struct search){.options = from}));
    assert_int_equal(fake.runs, 7); // of six cells two were there
    assert_true(same_files("theirs/cells/grid00002/best_em.safetensors",
                           "out/cells/grid00004/best_em.safetensors"));
    assert_true(same_files("theirs/cells/grid00000/epochs.tsv", "out/cells/grid00005/epochs.tsv"));
    assert_int_equal(query("out/study.db", "SELECT stream FROM vkgrid_cells WHERE cell = 4"), 2);
    assert_int_equal(query("out/study.db",
                           "SELECT count(*) FROM vkgrid_cells JOIN "
                           "trial_user_attributes USING (trial_id) WHERE key = "
                           "'cell' AND value_json = '\"grid00004\"'"),
                     1);
    assert_true(keep_all(more, "out"));
    assert_true(keep_all(theirs_more, "theirs"));
    assert_int_equal(fake.runs, 16);
    assert_true(same_files("theirs/cells/grid00002/epochs.tsv", "out/cells/grid00004/epochs.tsv"));
    // Of other data, or with another number of runs, none is.
    assert_true(search(other_runs, (struct search){.out = "runs", .options = from}));
    assert_int_equal(fake.runs, 19);
    fake.fingerprint++;
    assert_true(search(more, (struct search){.out = "differs", .options = from}));
    assert_int_equal(fake.runs, 31);
    assert_int_equal(taken_runs("differs"), 12);
    expect_refusal(search(more, (struct search){.out = "none",
                                                .options = {.matrix = "off", .from = "theirs"}}),
                   "theirs: no cell can be taken from there: matrix: \"off\" instead of \"auto\"");
    assert_false(folder_exists("none"));
}

// A cell that is taken and leads leaves no weights of the one that led.
static void test_from_leads(void **state)
{
    static const char theirs[] =
        GRID("\"num_epochs\": 2, \"batch_size\": 2, \"gamma\": 1", "\"lr\": [0.1, 0.2, 0.3]"),
                      some[] = GRID("\"num_epochs\": 2, \"batch_size\": 2, \"gamma\": 1",
                                    "\"lr\": [0.4]"),
                      more[] = GRID("\"num_epochs\": 2, \"batch_size\": 2, \"gamma\": 1",
                                    "\"lr\": [0.4, 0.1, 0.2, 0.3]");
    (void)state;
    assert_true(keep_all(theirs, "theirs"));
    assert_true(keep_best(some, "out"));
    assert_true(search(more, (struct search){.options = {.keep = KEEP_BEST, .from = "theirs"}}));
    int kept = 0;
    for (int i = 0; i < 4; i++) {
        char *path = text_format("out/cells/grid%05d/best_em.safetensors", i);
        kept += file_exists(path);
        free(path);
    }
    assert_int_equal(kept, 1);
    assert_int_equal(query("out/study.db",
                           "SELECT count(*) FROM trial_user_attributes WHERE key = "
                           "'weights' AND value_json != 'null'"),
                     1);
}

// Cells that differ in their runs alone find each other; the study itself is none to take from.
static void test_from_by_runs(void **state)
{
    static const char theirs[] = GRID("\"num_epochs\": 2, \"batch_size\": 2, \"gamma\": 1",
                                      "\"until\": [2, 1], \"lr\": [0.1]"),
                      mine[] = GRID("\"num_epochs\": 2, \"batch_size\": 2, \"gamma\": 1",
                                    "\"until\": [1, 2], \"lr\": [0.1]");
    (void)state;
    assert_true(keep_all(theirs, "theirs"));
    assert_int_equal(fake.runs, 3);
    assert_true(search(mine, (struct search){.options = {.keep = KEEP_ALL, .from = "theirs"}}));
    assert_int_equal(fake.runs, 3);
    expect_refusal(search(mine, (struct search){.out = "theirs",
                                                .options = {.overwrite = true, .from = "theirs"}}),
                   "--from theirs: is the study itself: another one is needed");
    assert_true(file_exists("theirs/study.db"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_values_runs_epochs, setup),
        cmocka_unit_test_setup(test_numbers_stay, setup),
        cmocka_unit_test_setup(test_outside, setup),
        cmocka_unit_test_setup(test_axis_goes, setup),
        cmocka_unit_test_setup(test_equal_values, setup),
        cmocka_unit_test_setup(test_return, setup),
        cmocka_unit_test_setup(test_left, setup),
        cmocka_unit_test_setup(test_amount_goes, setup),
        cmocka_unit_test_setup(test_refused, setup),
        cmocka_unit_test_setup(test_stopped, setup),
        cmocka_unit_test_setup(test_random, setup),
        cmocka_unit_test_setup(test_cell, setup),
        cmocka_unit_test_setup(test_optuna, setup),
        cmocka_unit_test_setup(test_from, setup),
        cmocka_unit_test_setup(test_from_leads, setup),
        cmocka_unit_test_setup(test_from_by_runs, setup),
    };
    return cmocka_run_group_tests(tests, enter_home, leave_home);
}
