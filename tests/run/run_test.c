// SPDX-License-Identifier: MIT
// Studies over a training that takes no time: files, resuming, packs, weights that are kept,
// ranking, failures.
#include "tests/test.h"
#include "tests/study/fakes.h"
#include "tests/study/home.h"
#include "tests/study/study_case.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/plan_json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static void test_files(void **state)
{
    struct study_result result;
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 3,
                    (struct study_options){.keep = KEEP_ALL, .log_steps = true}, &result));
    assert_int_equal(result.finished, 6);
    assert_int_equal(result.earlier, 0);
    assert_int_equal(result.failed_runs, 0);
    assert_int_equal(result.leaders.count, 1);
    assert_string_equal(result.leaders.items[0].task, "em_cell");
    study_result_free(&result);
    assert_int_equal(fake.runs, 12);
    assert_int_equal(fake.packs, 4); // two groups of six runs
    assert_int_equal(fake.largest, 3);
    static const char *const names[] = {"options.json", "plan.json",    "training.log",
                                        "opts.json",    "run.log",      "epochs.tsv",
                                        "steps.tsv",    "training.tsv", "best_em.safetensors"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *path = text_format("out/cells/grid00005/%s", names[i]);
        assert_true(file_exists(path));
        free(path);
    }
    char *log = contents("out/cells/grid00005/training.log"),
         *epochs = contents("out/cells/grid00005/epochs.tsv");
    char *steps = contents("out/cells/grid00005/steps.tsv"),
         *weights = contents("out/cells/grid00005/best_em.safetensors");
    assert_non_null(strstr(log, "\nBest val loss: "));
    assert_non_null(strstr(log, " *\n"));
    assert_int_equal(strncmp(epochs,
                             "run\tround\tepoch\tlr\tseconds\ttrn_bce\ttrn_dice\ttrn_loss\tval_"
                             "bce\tval_dice\tval_loss\tbest\n",
                             80),
                     0);
    assert_non_null(
        strstr(steps, "run\tround\tepoch\tstep\tbce\tdice\tloss\n0\t0\t0\t0\t0.5\t0.25\t0.125\n"));
    assert_non_null(strstr(weights, "\"em\""));
    assert_null(strstr(weights, "partition"));
    free(log);
    free(epochs);
    free(steps);
    free(weights);
}

// Of every cell: the metrics of the epoch whose weights are kept, which is not that of the score,
// and the means of what the fake training counts, 2 (epochs done) / (200 + run) in the first image
// and 0 in the second, which even cells have nothing of.
static void test_kept_weights(void **state)
{
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){.keep = KEEP_BEST}, NULL));
    assert_int_equal(
        query("out/study.db",
              "SELECT count(*) FROM (SELECT cell, json_extract(value_json, '$.run') AS run, "
              "value_json AS kept FROM vkgrid_cells JOIN trial_user_attributes USING (trial_id) "
              "WHERE key = 'kept') AS k JOIN vkgrid_runs AS r USING (cell, run) JOIN vkgrid_epochs "
              "AS e USING (cell, run) WHERE e.epoch_index = r.kept_epoch AND e.best = 1 AND "
              "e.round = r.best_round AND r.dice = (SELECT min(dice) FROM vkgrid_runs AS o WHERE "
              "o.cell = k.cell) AND r.loss = e.val_loss AND json_extract(kept, '$.round') = "
              "e.round AND json_extract(kept, '$.epoch') = e.epoch AND json_extract(kept, "
              "'$.bce_loss') = e.val_bce AND json_extract(kept, '$.dice_loss') = e.val_dice AND "
              "json_extract(kept, '$.loss') = e.val_loss"),
        6);
    assert_int_equal(
        query("out/study.db",
              "SELECT count(*) FROM vkgrid_cells JOIN trial_user_attributes AS k USING (trial_id) "
              "JOIN trial_user_attributes AS l USING (trial_id) JOIN vkgrid_runs AS r USING (cell) "
              "WHERE k.key = 'kept' AND l.key = 'labels' AND r.run = json_extract(k.value_json, "
              "'$.run') AND json_extract(l.value_json, '$.cell.images') = 1 + cell % 2 AND abs("
              "json_extract(l.value_json, '$.cell.hard_dice') - 2.0 * (r.kept_epoch + 1) / (200 + "
              "r.run) / (1 + cell % 2)) < 1e-12"),
        6);
    assert_int_equal(query("out/study.db",
                           "SELECT count(*) FROM vkgrid_overlaps JOIN vkgrid_runs USING (cell, "
                           "run) WHERE epoch_index = kept_epoch AND labels = 1 AND "
                           "length(counts) = 24"),
                     12);
    assert_int_equal(query("out/study.db", "SELECT count(*) FROM vkgrid_overlaps"), 12);
    char *ranking = contents("out/hyperparameters/em_cell.json");
    assert_non_null(strstr(ranking, "\"hard_dice\""));
    free(ranking);
}

static void test_packs_do_not_matter(void **state)
{
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 1, (struct study_options){.keep = KEEP_ALL}, NULL));
    for (int pack = 2; pack <= 7; pack++) {
        assert_int_equal(system("rm -rf other"), 0);
        assert_true(
            run(GRID_TEXT(""), "other", pack, (struct study_options){.keep = KEEP_ALL}, NULL));
        assert_true(same_files("out/cells", "other/cells"));
        assert_true(same_files("out/hyperparameters", "other/hyperparameters"));
    }
}

// What was done before counts: all of the study's work is done, a hundred percent.
static void assert_all_work_done(const char *database)
{
    assert_int_equal(query(database,
                           "SELECT 1e6 * json_extract(value, '$.work') = round(1e6 * "
                           "json_extract(value, '$.work_done')) AND json_extract(value, "
                           "'$.work') = (SELECT 12 * 3 * 3 * 2) FROM vkgrid_study "
                           "WHERE key = 'progress'"),
                     1);
}

static void test_stopped_and_started_again(void **state)
{
    struct study_result result;
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 1, (struct study_options){.keep = KEEP_BEST}, NULL));
    fake.packs = 0;
    fake.stop_after = 5; // in the middle of a cell
    assert_false(
        run(GRID_TEXT(""), "other", 1, (struct study_options){.keep = KEEP_BEST}, &result));
    assert_int_equal(result.finished, 2);
    study_result_free(&result);
    fake.stop_after = -1;
    fake.packs = fake.runs = 0;
    assert_true(run(GRID_TEXT(""), "other", 4, (struct study_options){.keep = KEEP_BEST}, &result));
    assert_int_equal(result.earlier, 2);
    assert_int_equal(result.finished, 6);
    assert_int_equal(fake.runs, 7);
    study_result_free(&result);
    assert_all_work_done("out/study.db");
    assert_all_work_done("other/study.db");
    assert_true(same_files("out/cells", "other/cells"));
    assert_true(same_files("out/hyperparameters", "other/hyperparameters"));
    // Nothing left to do: no training, no data set.
    fake.runs = 0;
    fake.missing_label = true;
    assert_true(run(GRID_TEXT(""), "other", 4, (struct study_options){.keep = KEEP_BEST}, NULL));
    assert_int_equal(fake.runs, 0);
}

// Wherever it is stopped, it ends as if it had not been.
static void test_stopped_at_any_epoch(void **state)
{
    const struct study_options options = {.keep = KEEP_BEST, .log_steps = true, .always = true};
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, options, NULL));
    const int epochs = fake.epochs;
    int resumed = 0;
    for (int stop = 1; stop < epochs; stop += 1 + stop / 5) {
        assert_int_equal(system("rm -rf other"), 0);
        fake_reset();
        fake.stop_epoch = stop;
        assert_false(run(GRID_TEXT(""), "other", 4, options, NULL));
        fake.epochs = 0;
        fake.stop_epoch = 3; // and again
        assert_false(run(GRID_TEXT(""), "other", 2, options, NULL));
        fake.stop_epoch = 0;
        assert_true(run(GRID_TEXT(""), "other", 3, options, NULL));
        resumed += fake.resumed;
        assert_same_study("out", "other");
        assert_all_work_done("other/study.db");
        assert_true(same_files("out/cells", "other/cells"));
        assert_true(same_files("out/hyperparameters", "other/hyperparameters"));
    }
    assert_true(resumed > 0);
}

static void test_lost_device(void **state)
{
    const struct study_options options = {.keep = KEEP_ALL, .always = true};
    struct study_result result;
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, options, NULL));
    fake_reset();
    fake.lose = 1;
    assert_true(run(GRID_TEXT(""), "other", 4, options, NULL));
    assert_same_study("out", "other");
    assert_true(same_files("out/cells", "other/cells"));
    // Lost twice: these runs are given up, the others are not.
    fake_reset();
    fake.lose = 2;
    assert_true(run(GRID_TEXT(""), "out2", 6, options, &result));
    assert_int_equal(result.finished, 6);
    assert_int_equal(result.failed_runs, 6);
    assert_int_equal(result.failed, 3);
    study_result_free(&result);
    // And tried again when that is asked for, as new trials.
    struct study_options again = options;
    again.retry_failed = true;
    assert_true(run(GRID_TEXT(""), "out2", 4, again, &result));
    assert_int_equal(result.failed_runs, 0);
    assert_int_equal(result.earlier, 3);
    study_result_free(&result);
    assert_true(same_files("out/cells", "out2/cells"));
    assert_int_equal(query("out2/study.db", "SELECT count(*) FROM trials"), 9);
}

// Memory that a device said it had is not there: smaller packs, the same study.
static void test_less_memory(void **state)
{
    const struct study_options options = {.keep = KEEP_ALL, .always = true};
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, options, NULL));
    fake_reset();
    fake.fits = 2;
    assert_true(run(GRID_TEXT(""), "other", 0, options, NULL));
    assert_int_equal(fake.largest, 1); // six, three, one
    assert_int_equal(fake.packs, 12);
    assert_same_study("out", "other");
    assert_true(same_files("out/cells", "other/cells"));
    // In the middle of a training: it goes on from its checkpoints.
    assert_int_equal(system("rm -rf other"), 0);
    fake_reset();
    fake.starve = 2;
    assert_true(run(GRID_TEXT(""), "other", 4, options, NULL));
    assert_same_study("out", "other");
    assert_true(same_files("out/cells", "other/cells"));
    assert_int_equal(fake.resumed, 4); // three, one of them twice
}

// One slot is tried three times; then the search ends with what the device said, and can go on.
static void test_no_memory(void **state)
{
    const struct study_options options = {.keep = KEEP_ALL, .always = true};
    (void)state;
    setenv("VKGRID_MEMORY_SECONDS", "0.001", true);
    assert_true(run(GRID_TEXT(""), "out", 4, options, NULL));
    fake_reset();
    fake.fits = -1;
    expect_refusal(run(GRID_TEXT(""), "other", 4, options, NULL), "out of memory");
    assert_int_equal(fake.packs, 0);
    fake_reset();
    fake.starve = 3; // of three at once, then twice of one
    assert_true(run(GRID_TEXT(""), "other", 4, options, NULL));
    assert_same_study("out", "other");
    assert_true(same_files("out/cells", "other/cells"));
    // As often of one, but not in a row.
    assert_int_equal(system("rm -rf other"), 0);
    fake_reset();
    fake.starve = 3;
    fake.starve_apart = true;
    assert_true(run(GRID_TEXT(""), "other", 1, options, NULL));
    assert_same_study("out", "other");
}

static void test_two_devices(void **state)
{
    static const int devices[] = {0, 1};
    struct study_result result;
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){.keep = KEEP_BEST}, NULL));
    struct grid *grid = grid_of(GRID_TEXT(""));
    const struct study_options options = {.out = "other",
                                          .devices = devices,
                                          .device_count = 2,
                                          .pack = 1,
                                          .keep = KEEP_BEST,
                                          .quiet = true};
    assert_true(study_run(grid, &options, &result));
    assert_int_equal(result.finished, 6);
    study_result_free(&result);
    grid_free(&grid);
    assert_same_study("out", "other");
    assert_true(same_files("out/cells", "other/cells"));
}

// A process that was killed while it made the study left this and that; it is made again.
static void test_killed_at_the_beginning(void **state)
{
    (void)state;
    assert_true(folder_make("out"));
    assert_true(file_write_text("out/study.db.new", "half a data"));
    assert_true(file_write_text("out/study.db.new-journal", "base"));
    assert_true(file_write_text("out/.vkgrid.123.tmp", ""));
    assert_true(file_write_text("out/lock", "123 here\n"));
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){0}, NULL));
    assert_false(file_exists("out/study.db.new"));
    assert_false(file_exists("out/.vkgrid.123.tmp"));
}

static int count_weights(const char *out)
{
    int count = 0;
    for (int i = 0; i < 6; i++) {
        char *path = text_format("%s/cells/grid%05d/best_em.safetensors", out, i);
        count += file_exists(path);
        free(path);
    }
    return count;
}

static void test_keep_and_ranking(void **state)
{
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){.keep = KEEP_BEST}, NULL));
    assert_int_equal(count_weights("out"), 1);
    cJSON *ranks;
    assert_true(json_read("out/hyperparameters/em_cell.json", &ranks));
    assert_int_equal(cJSON_GetArraySize(ranks), 6);
    double before = 0;
    const cJSON *rank;
    cJSON_ArrayForEach(rank, ranks)
    {
        const double dice = json_member(rank, "dice_loss")->valuedouble;
        const struct round none = {0};
        struct plan plan;
        struct cell cell;
        assert_true(dice >= before && json_member(rank, "dice")->valuedouble == dice);
        before = dice;
        assert_true(cell_from_options(json_member(rank, "options"), "options", &cell));
        assert_true(plan_from_json(json_member(rank, "plan"), "plan", &none, &plan));
        assert_int_equal(plan.count, 3);
        cell_free(&cell);
    }
    const char *name = json_member(cJSON_GetArrayItem(ranks, 0), "name")->valuestring;
    char *weights = text_format("out/cells/%s/best_em.safetensors", name);
    assert_true(file_exists(weights));
    free(weights);
    cJSON_Delete(ranks);
    assert_true(run(GRID_TEXT(""), "other", 4, (struct study_options){.keep = KEEP_NONE}, NULL));
    assert_int_equal(count_weights("other"), 0);
}

// What an earlier command kept is not the next one's to remove.
static void test_going_on_keeps_weights(void **state)
{
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){.keep = KEEP_ALL}, NULL));
    assert_int_equal(count_weights("out"), 6);
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){.keep = KEEP_BEST}, NULL));
    assert_int_equal(count_weights("out"), 6);
}

static void test_failed_run_goes_on(void **state)
{
    struct study_result result;
    (void)state;
    fake.fail_cell = 2;
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){.keep = KEEP_ALL}, &result));
    assert_int_equal(result.finished, 6);
    assert_int_equal(result.failed_runs, 1);
    study_result_free(&result);
    char *table = contents("out/cells/grid00002/training.tsv"),
         *log = contents("out/cells/grid00002/training.log");
    assert_non_null(strstr(table, "em\tnan\tnan\t"));
    assert_non_null(strstr(log, "Failed: diverged: loss is not finite"));
    free(table);
    free(log);
    // It stays known, and its epochs rank nowhere.
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){.keep = KEEP_ALL}, &result));
    assert_int_equal(result.failed_runs, 1);
    study_result_free(&result);
    cJSON *ranks;
    const cJSON *rank;
    assert_true(json_read("out/hyperparameters/em_cell.json", &ranks));
    cJSON_ArrayForEach(rank, ranks)
    {
        if (strcmp(json_member(rank, "name")->valuestring, "grid00002") == 0)
            assert_int_equal(json_member(rank, "run")->valueint, 1);
    }
    cJSON_Delete(ranks);
}

static void test_some_cells_then_all(void **state)
{
    static const int some[] = {1, 3};
    struct study_result result;
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){.cells = some, .cell_count = 2},
                    &result));
    assert_int_equal(result.finished, 2);
    assert_int_equal(fake.runs, 4);
    study_result_free(&result);
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){0}, &result));
    assert_int_equal(result.earlier, 2);
    assert_int_equal(fake.runs, 12);
    study_result_free(&result);
}

static void count_report(void *context)
{
    ++*(int *)context;
}

// While it runs, when it is time for one and not more often.
static void test_live_reports(void **state)
{
    int reports = 0;
    const struct study_options options = {.report = count_report, .report_context = &reports};
    (void)state;
    setenv("VKGRID_REPORT_SECONDS", "0", 1);
    assert_true(run(GRID_TEXT(""), "out", 1, options, NULL));
    assert_in_range(reports, 1, fake.epochs); // a hundredth of the time at most
    setenv("VKGRID_REPORT_SECONDS", "1000", 1);
    reports = 0;
    assert_true(run(GRID_TEXT(""), "other", 1, options, NULL));
    assert_int_equal(reports, 0);
    unsetenv("VKGRID_REPORT_SECONDS");
}

static void test_memory_limits_packs(void **state)
{
    (void)state;
    fake.memory = 25; // two slots
    assert_true(run(GRID_TEXT(""), "out", 0, (struct study_options){0}, NULL));
    assert_int_equal(fake.largest, 2);
    assert_int_equal(fake.packs, 6);
}

// Two groups of six runs; four slots do no more than two.
static void test_measured_packs(void **state)
{
    (void)state;
    fake.useful = 2;
    assert_true(run(GRID_TEXT(""), "out", 0, (struct study_options){0}, NULL));
    assert_int_equal(fake.largest, 2);
    assert_int_equal(fake.packs, 6);
    assert_int_equal(fake.measured, 3); // 1, 2, 4: the second group is alike
    assert_true(run(GRID_TEXT(""), "other", 3, (struct study_options){0}, NULL));
    assert_int_equal(fake.largest, 3); // as asked for
    assert_int_equal(fake.measured, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_files, setup),
        cmocka_unit_test_setup(test_kept_weights, setup),
        cmocka_unit_test_setup(test_packs_do_not_matter, setup),
        cmocka_unit_test_setup(test_stopped_and_started_again, setup),
        cmocka_unit_test_setup(test_stopped_at_any_epoch, setup),
        cmocka_unit_test_setup(test_lost_device, setup),
        cmocka_unit_test_setup(test_less_memory, setup),
        cmocka_unit_test_setup(test_no_memory, setup),
        cmocka_unit_test_setup(test_two_devices, setup),
        cmocka_unit_test_setup(test_killed_at_the_beginning, setup),
        cmocka_unit_test_setup(test_keep_and_ranking, setup),
        cmocka_unit_test_setup(test_going_on_keeps_weights, setup),
        cmocka_unit_test_setup(test_failed_run_goes_on, setup),
        cmocka_unit_test_setup(test_some_cells_then_all, setup),
        cmocka_unit_test_setup(test_live_reports, setup),
        cmocka_unit_test_setup(test_memory_limits_packs, setup),
        cmocka_unit_test_setup(test_measured_packs, setup),
    };
    return cmocka_run_group_tests(tests, enter_home, leave_home);
}
