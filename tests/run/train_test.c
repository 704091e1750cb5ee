// SPDX-License-Identifier: MIT
// A training is a study of one cell: the bits and files of the cell in its grid, going on, what is
// refused.
#include "tests/test.h"
#include "tests/study/fakes.h"
#include "tests/study/home.h"
#include "tests/study/study_case.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/merge/merge.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

// Of the fifth cell of GRID_TEXT, with a key more or another value of it; NULL: as it is.
static struct grid *cell_grid(const char *key, const char *value)
{
    struct grid *grids = grid_of(GRID_TEXT("")), *grid;
    struct cell cell;
    must(grid_cell(grids, 4, &cell));
    cJSON *options = cJSON_Duplicate(cell.options, true);
    if (key) {
        cJSON_DeleteItemFromObjectCaseSensitive(options, key);
        cJSON_AddItemToObject(options, key, cJSON_Parse(value));
    }
    must(grid_of_cell(options, "options.json", &grid));
    cJSON_Delete(options);
    cell_free(&cell);
    grid_free(&grids);
    return grid;
}

// Takes over the grid.
static bool train(struct grid *grid, const char *out, struct study_options more)
{
    static const int device = 0;
    struct study_result result;
    more.devices = &device;
    more.device_count = 1;
    more.out = out;
    more.keep = KEEP_ALL;
    more.quiet = true;
    const bool done = study_run(grid, &more, &result);
    study_result_free(&result);
    grid_free(&grid);
    assert_int_equal(fake.engines, 0);
    assert_int_equal(fake.datasets, 0);
    return done;
}

static bool has_cell_files(const char *cell, const char *out)
{
    char *command = text_format("diff -r -x study.db -x lock -x checkpoints %s %s", cell, out);
    const int status = system(command);
    free(command);
    return status == 0;
}

static void test_repeats_a_cell(void **state)
{
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){.keep = KEEP_ALL}, NULL));
    for (int pack = 1; pack <= 2; pack++) {
        const struct study_options options = {.pack = pack, .overwrite = pack == 2};
        fake.runs = 0;
        assert_true(train(cell_grid(NULL, NULL), "out2", options));
        assert_int_equal(fake.runs, 2);
        assert_true(has_cell_files("out/cells/grid00004", "out2"));
        assert_false(folder_exists("out2/hyperparameters"));
    }
    // It is finished.
    fake.runs = 0;
    assert_true(train(cell_grid(NULL, NULL), "out2", (struct study_options){0}));
    assert_int_equal(fake.runs, 0);
}

// Wherever it is stopped, it ends as if it had not been.
static void test_stopped_at_any_epoch(void **state)
{
    const struct study_options options = {.pack = 1, .log_steps = true, .always = true};
    (void)state;
    assert_true(train(cell_grid(NULL, NULL), "out", options));
    const int epochs = fake.epochs;
    int resumed = 0;
    for (int stop = 1; stop < epochs; stop++) {
        assert_int_equal(system("rm -rf other"), 0);
        fake_reset();
        fake.stop_epoch = stop;
        assert_false(train(cell_grid(NULL, NULL), "other", options));
        fake.stop_epoch = 0;
        assert_true(train(cell_grid(NULL, NULL), "other", options));
        resumed += fake.resumed;
        assert_same_study("out", "other");
        assert_true(has_cell_files("out", "other"));
    }
    assert_true(resumed > 0);
}

static void test_less_memory(void **state)
{
    (void)state;
    assert_true(train(cell_grid(NULL, NULL), "out", (struct study_options){.pack = 2}));
    assert_int_equal(fake.largest, 2);
    fake_reset();
    fake.fits = 1;
    assert_true(train(cell_grid(NULL, NULL), "other", (struct study_options){.pack = 2}));
    assert_int_equal(fake.largest, 1);
    assert_same_study("out", "other");
    assert_true(has_cell_files("out", "other"));
}

// Nothing is measured for the sake of a few runs.
static void test_packs(void **state)
{
    (void)state;
    fake.useful = 1;
    assert_true(train(cell_grid("until", "5"), "out", (struct study_options){0}));
    assert_int_equal(fake.measured, 0);
    assert_int_equal(fake.runs, 5);
}

static void test_refused_folders(void **state)
{
    const struct study_options plain = {0};
    (void)state;
    assert_true(train(cell_grid(NULL, NULL), "out", plain));
    expect_refusal(train(cell_grid("seed", "3"), "out", plain),
                   "out: holds another training: seed: 3 instead of 0: another folder");
    expect_refusal(train(cell_grid("plan", "[{\"lr\": 0.5}]"), "out", plain),
                   "out: holds another training: plan: [{\"lr\": 0.5}] instead of nothing:");
    expect_refusal(run(GRID_TEXT(""), "out", 4, plain, NULL),
                   "out: holds what vkgrid train has written: another folder");
    assert_true(run(GRID_TEXT(""), "other", 4, plain, NULL));
    expect_refusal(train(cell_grid(NULL, NULL), "other", plain),
                   "other: holds what vkgrid search has written: another folder");
    expect_refusal(train(cell_grid("init_weights", "\"none.pt\""), "new", plain),
                   "none.pt: no such file of weights to begin with");
    assert_false(folder_exists("new"));
    const struct merge_options merge = {
        .folders = (const char *[]){"out"}, .count = 1, .out = "new"};
    expect_refusal(study_merge(&merge, &(struct merge_result){0}),
                   "out: is one training (vkgrid train): it has no shares to be joined");
    // Nothing of a training is left by what takes its place.
    assert_true(file_exists("out/best_em.safetensors"));
    assert_true(run(GRID_TEXT(""), "out", 4,
                    (struct study_options){.keep = KEEP_ALL, .overwrite = true}, NULL));
    assert_false(file_exists("out/best_em.safetensors"));
    assert_false(file_exists("out/options.json"));
}

// Weights to begin with are not where --overwrite removes them first.
static void test_overwrite_keeps_weights(void **state)
{
    const struct study_options anew = {.overwrite = true};
    static const char weights[] = "\"out18/best_em.safetensors\"";
    (void)state;
    assert_true(train(cell_grid(NULL, NULL), "out18", anew));
    expect_refusal(train(cell_grid("init_weights", weights), "out18", anew),
                   "out18/best_em.safetensors: is in out18, which --overwrite empties");
    assert_true(file_exists("out18/best_em.safetensors"));
    assert_true(train(cell_grid("init_weights", weights), "next", anew));
}

// What --overwrite removes is what vkgrid has written.
static void test_overwrite_keeps_others(void **state)
{
    const struct study_options anew = {.keep = KEEP_ALL, .overwrite = true};
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, anew, NULL));
    assert_true(file_write_text("out/options.json", "mine"));
    assert_true(file_write_text("out/best_of_mine.pt", "mine"));
    assert_true(folder_make("out/models/em_own"));
    assert_true(file_write_text("out/models/em_own/model.pt", "x"));
    assert_true(file_write_text("out/models/mine", "mine"));
    assert_true(run(GRID_TEXT(""), "out", 4, anew, NULL));
    assert_true(file_exists("out/options.json"));
    assert_true(file_exists("out/best_of_mine.pt"));
    assert_true(file_exists("out/models/mine"));
    assert_false(folder_exists("out/models/em_own"));
}

static void test_weights_to_begin_with(void **state)
{
    (void)state;
    assert_true(file_write_text("begin18.pt", "x"));
    assert_true(
        train(cell_grid("init_weights", "\"begin18.pt\""), "out", (struct study_options){0}));
    assert_non_null(fake.init);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_repeats_a_cell, setup),
        cmocka_unit_test_setup(test_stopped_at_any_epoch, setup),
        cmocka_unit_test_setup(test_less_memory, setup),
        cmocka_unit_test_setup(test_packs, setup),
        cmocka_unit_test_setup(test_refused_folders, setup),
        cmocka_unit_test_setup(test_overwrite_keeps_weights, setup),
        cmocka_unit_test_setup(test_overwrite_keeps_others, setup),
        cmocka_unit_test_setup(test_weights_to_begin_with, setup),
    };
    return cmocka_run_group_tests(tests, enter_home, leave_home);
}
