// SPDX-License-Identifier: MIT
// Parts of a study, trained by fakes.c in no time, become the study of one process.
#include "tests/test.h"
#include "tests/study/fakes.h"
#include "tests/study/home.h"
#include "tests/study/study_case.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/merge/merge.h"
#include "vkgrid/run/run.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRID(rates, more) \
    "{\"static\": {\"partition\": [[1, 2], [3]], \"raters\": [], \"gamma\": 1, \"bce_weight\": " \
    "0.5, \"until\": 2, \"features\": {\"inputs\": {\"em\": [\"em\"]}, \"prediction\": {\"a\": " \
    "[\"cell\"], \"b\": [\"cell\"]}}, \"num_epochs\": 2, \"inputs\": \"em\", " \
    "\"data_cache_path\": \"data\"" more "}, \"hyper\": {\"lr\": " rates \
    ", \"batch_size\": [1, 2], " \
    "\"prediction\": [\"a\", \"b\"]}}"
#define STUDY GRID("[0.1, 0.2, 0.3]", "")
#define CELLS 12

static bool train(const char *text, const char *out, struct study_options options)
{
    static const int device = 0;
    struct study_result result = {0};
    struct grid *grid = grid_of(text);
    options.out = out;
    options.devices = &device;
    options.device_count = 1;
    options.pack = 3;
    options.quiet = true;
    const bool trained = study_run(grid, &options, &result);
    study_result_free(&result);
    grid_free(&grid);
    return trained;
}

static void train_part(const char *text, int shard, int shards, struct study_options options)
{
    char out[] = {'p', (char)('0' + shard), 0};
    options.shard = shard;
    options.shards = shards;
    must(train(text, out, options));
}

// Parts p0, p1, p2 of a study and the same study at once, in `alone`.
static void train_parts(struct study_options options)
{
    for (int i = 0; i < 3; i++)
        train_part(STUDY, i, 3, options);
    assert_true(train(STUDY, "alone", options));
}

static bool merge(const char *out, struct merge_result *result, int count, ...)
{
    struct merge_result ignored = {0};
    const char *folders[4];
    va_list list;
    va_start(list, count);
    for (int i = 0; i < count; i++)
        folders[i] = va_arg(list, const char *);
    va_end(list);
    const bool merged =
        study_merge(&(struct merge_options){.folders = folders, .count = count, .out = out},
                    result ? result : &ignored);
    merge_result_free(&ignored);
    return merged;
}

// A merged study has all that one process writes: in study.db but for the times and the numbers of
// trials' rows, and in files. The folder of checkpoints is empty when all is done.
static void assert_same_merged(const char *a, const char *b)
{
    static const char *const queries[] = {
        "SELECT study_name, number, state, cell, value FROM trials JOIN studies USING (study_id) "
        "LEFT "
        "JOIN trial_values USING (trial_id) LEFT JOIN vkgrid_cells USING (trial_id) ORDER BY 1, 2",
        "SELECT study_name, number, param_name, param_value, distribution_json FROM trial_params "
        "JOIN trials USING (trial_id) JOIN studies USING (study_id) ORDER BY 1, 2, param_id",
        "SELECT study_name, number, key, value_json FROM trial_user_attributes JOIN trials USING "
        "(trial_id) JOIN studies USING (study_id) ORDER BY 1, 2, 3",
        "SELECT study_name, number, key, value_json FROM trial_system_attributes JOIN trials USING "
        "(trial_id) JOIN studies USING (study_id) ORDER BY 1, 2, 3",
        "SELECT study_name, number, step, intermediate_value FROM trial_intermediate_values JOIN "
        "trials USING (trial_id) JOIN studies USING (study_id) ORDER BY 1, 2, 3",
        "SELECT * FROM vkgrid_runs",
        "SELECT * FROM vkgrid_epochs",
        "SELECT cell, run, epoch_index, hex(metrics) FROM vkgrid_step_metrics",
        "SELECT cell, run, epoch_index, labels, hex(counts) FROM vkgrid_overlaps",
        "SELECT * FROM vkgrid_checkpoints",
        "SELECT * FROM vkgrid_datasets ORDER BY 1",
        "SELECT key, json_remove(value, '$.shard') FROM vkgrid_study WHERE key <> 'progress' ORDER "
        "BY 1",
    };
    assert_same_rows(a, b, queries, sizeof queries / sizeof *queries);
    char *command = text_format(
        "find '%s' '%s' -type d -empty -delete; diff -r -x study.db -x lock '%s' '%s'", a, b, a, b);
    assert_int_equal(system(command), 0);
    free(command);
    char *path = text_format("%s/study.db", a);
    assert_int_equal(
        query(path, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
        0);
    assert_int_equal(query(path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    free(path);
}

static void test_parts_become_one(void **state)
{
    static const struct study_options options[] = {
        {.keep = KEEP_BEST}, {.keep = KEEP_ALL, .log_steps = true}, {.keep = KEEP_NONE}};
    (void)state;
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        struct merge_result result;
        assert_int_equal(setup(NULL), 0);
        train_parts(options[i]);
        assert_true(merge("all", &result, 3, "p0", "p1/", "p2"));
        assert_int_equal(result.folders, 3);
        assert_int_equal(result.cells, CELLS);
        assert_int_equal(result.complete, CELLS);
        assert_int_equal(result.taken, CELLS);
        assert_int_equal(result.conflicts, 0);
        merge_result_free(&result);
        assert_same_merged("alone", "all");
        // A search finds nothing to do.
        fake.runs = 0;
        assert_true(train(STUDY, "all", options[i]));
        assert_int_equal(fake.runs, 0);
        assert_same_merged("alone", "all");
    }
}

// Only what file_write() has not finished is swept, whatever else a name contains, in the folder
// and in those of the cells.
static void test_names_of_others(void **state)
{
    static const char *const kept[] = {"p0/notes.tmpl", "p0/my.tmp.csv", "p0/.tmp", "p0/a.7x.tmp",
                                       "p0/cells/grid00000/notes.tmp"};
    static const char *const swept[] = {"p0/report.html.12.tmp",
                                        "p0/cells/grid00000/plan.json.7.tmp"};
    (void)state;
    train_parts((struct study_options){.keep = KEEP_BEST});
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        assert_true(file_write_text(kept[i], "x"));
    for (size_t i = 0; i < sizeof(swept) / sizeof(*swept); i++)
        assert_true(file_write_text(swept[i], "x"));
    assert_true(merge("p0", NULL, 2, "p1", "p2"));
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        assert_true(file_exists(kept[i]));
    for (size_t i = 0; i < sizeof(swept) / sizeof(*swept); i++)
        assert_false(file_exists(swept[i]));
}

// A set of inputs may have any name, its weights too.
static void test_inputs_named_tmp(void **state)
{
    static const char study[] =
        "{\"static\": {\"partition\": [[1, 2], [3]], \"raters\": [], \"gamma\": 1, \"bce_weight\": "
        "0.5, \"until\": 1, \"features\": {\"inputs\": {\"a.tmp\": [\"em\"]}, \"prediction\": "
        "{\"a\": [\"cell\"]}}, \"num_epochs\": 2, \"inputs\": \"a.tmp\", \"prediction\": \"a\", "
        "\"batch_size\": 1, \"data_cache_path\": \"data\"}, \"hyper\": {\"lr\": [0.1, 0.2]}}";
    (void)state;
    for (int i = 0; i < 2; i++)
        train_part(study, i, 2, (struct study_options){.keep = KEEP_ALL});
    assert_true(merge("all", NULL, 2, "p0", "p1"));
    assert_true(file_exists("all/cells/grid00000/best_a.tmp.safetensors"));
    assert_true(file_exists("all/cells/grid00001/best_a.tmp.safetensors"));
}

// The order of the folders changes nothing, nor does a merge of merges, nor a merge into a part.
static void test_any_order(void **state)
{
    (void)state;
    train_parts((struct study_options){.keep = KEEP_BEST});
    assert_true(merge("all", NULL, 3, "p2", "p0", "p1"));
    assert_same_merged("alone", "all");
    assert_true(merge("two", NULL, 2, "p0", "p1"));
    assert_int_equal(system("cp -r p2 three"), 0);
    assert_true(merge("three", NULL, 3, "two", "three", "three/."));
    assert_same_merged("alone", "three");
}

static void test_again(void **state)
{
    struct merge_result result;
    (void)state;
    train_part(STUDY, 0, 2, (struct study_options){.keep = KEEP_BEST});
    assert_true(merge("all", &result, 1, "p0"));
    assert_int_equal(result.complete, CELLS / 2);
    merge_result_free(&result);
    train_part(STUDY, 1, 2, (struct study_options){.keep = KEEP_BEST});
    assert_true(merge("all", &result, 2, "p0", "p1"));
    assert_int_equal(result.taken, CELLS / 2);
    merge_result_free(&result);
    assert_true(train(STUDY, "alone", (struct study_options){.keep = KEEP_BEST}));
    assert_same_merged("alone", "all");
    assert_int_equal(system("cp -r all before"), 0);
    assert_true(merge("all", &result, 2, "p0", "p1"));
    assert_int_equal(result.taken, 0);
    merge_result_free(&result);
    assert_same_merged("before", "all");
}

static void test_refusals(void **state)
{
    struct merge_result result;
    (void)state;
    train_part(STUDY, 0, 2, (struct study_options){.keep = KEEP_BEST});
    train_part(GRID("[0.1, 0.2]", ", \"seed\": 3"), 1, 2,
               (struct study_options){.keep = KEEP_ALL, .log_steps = true});
    expect_refusal(
        merge("all", NULL, 2, "p0", "p1"),
        "p1: holds another study than p0: seed: 3 instead of 0; log_steps: true instead of false; "
        "keep: \"all\" instead of \"best\"");
    assert_false(folder_exists("all"));
    expect_refusal(merge("all", NULL, 1, "nowhere"), "nowhere: no such folder");
    expect_refusal(merge("all", NULL, 1, "data"), "data: holds no study");
    expect_refusal(merge("data", NULL, 1, "p0"), "data: holds other files and no study");
    // Other data.
    assert_int_equal(system("cp -r p0 other"), 0);
    query("other/study.db", "UPDATE vkgrid_datasets SET fingerprint = '0123456789abcdef'");
    expect_refusal(merge("all", NULL, 2, "p0", "other"),
                   "other: holds another study than p0: data: the files of 1 data set");
    query("other/study.db", "UPDATE vkgrid_study SET value = '1' WHERE key = 'numerics'");
    query("other/study.db", "DELETE FROM vkgrid_datasets");
    expect_refusal(merge("all", NULL, 2, "p0", "other"), "numerics 1 instead of 2");
    // A search is at work.
    const int file = open("p0/lock", O_RDWR);
    assert_int_equal(flock(file, LOCK_EX | LOCK_NB), 0);
    assert_true(write(file, "17 there\n", 9) == 9);
    expect_refusal(merge("all", NULL, 2, "p0", "other"),
                   "p0: process 17 on there is at work there");
    close(file);
    // Damaged.
    assert_int_equal(system("cp -r p0 short"), 0);
    query("short/study.db", "DELETE FROM vkgrid_cells WHERE cell = 3");
    expect_refusal(merge("all", NULL, 2, "p0", "short"),
                   "short/study.db: has a cell 4, where cell 3 of");
    query("short/study.db", "DELETE FROM vkgrid_cells WHERE cell > 3");
    expect_refusal(merge("all", NULL, 2, "p0", "short"),
                   "short/study.db: has 3 cells, its grid 12");
    query("short/study.db", "UPDATE vkgrid_study SET value = '{' WHERE key = 'grid'");
    expect_refusal(merge("all", NULL, 2, "p0", "short"), "short/study.db: grid");
    assert_int_equal(system("head -c 5000 p0/study.db > short/study.db"), 0);
    expect_refusal(merge("all", NULL, 2, "p0", "short"), "short/study.db: ");
    assert_false(folder_exists("all"));
    assert_true(merge("all", &result, 1, "p0"));
    merge_result_free(&result);
}

// What is not finished goes on in the joined folder, from its checkpoints.
static void test_goes_on(void **state)
{
    const struct study_options options = {.keep = KEEP_BEST, .always = true};
    struct merge_result result;
    (void)state;
    assert_true(train(STUDY, "alone", options));
    train_part(STUDY, 0, 2, options);
    fake.epochs = 0;
    fake.stop_epoch = 3;
    assert_false(
        train(STUDY, "p1",
              (struct study_options){.keep = KEEP_BEST, .always = true, .shard = 1, .shards = 2}));
    fake.stop_epoch = 0;
    const int64_t waiting = query("p1/study.db", "SELECT count(*) FROM vkgrid_checkpoints");
    assert_true(waiting > 0);
    // Files that fakes.c does not write: of the checkpoints, and one that is of none.
    query("p1/study.db",
          "UPDATE vkgrid_checkpoints SET state = json_set(state, '$.current', "
          "json('{\"epochs_done\": 2, "
          "\"hash\": \"1\"}'))");
    assert_int_equal(system("for i in 1 2 3 4 5 6 7 8 9; do for r in 0 1; do echo $i $r > "
                            "p1/checkpoints/grid0000$i-$r-2.safetensors; done; done; touch "
                            "p1/checkpoints/grid00000-0-1.safetensors"),
                     0);
    assert_true(merge("all", &result, 2, "p0", "p1"));
    assert_int_equal(result.complete, CELLS / 2);
    merge_result_free(&result);
    assert_int_equal(query("all/study.db", "SELECT count(*) FROM vkgrid_checkpoints"), waiting);
    char *command = text_format("test $(ls all/checkpoints | wc -l) -eq %d", (int)waiting);
    assert_int_equal(system(command), 0);
    free(command);
    query("all/study.db", "UPDATE vkgrid_checkpoints SET state = json_remove(state, '$.current')");
    fake.resumed = 0;
    assert_true(train(STUDY, "all", options));
    assert_int_equal(fake.resumed, waiting);
    assert_int_equal(system("rm -rf all/checkpoints alone/checkpoints"), 0);
    assert_same_merged("alone", "all");
    // The files of a checkpoint go when another part has the cell finished.
    assert_true(merge("other", NULL, 1, "p1"));
    assert_true(merge("other", NULL, 2, "p1", "all"));
    assert_int_equal(system("rmdir other/checkpoints"), 0);
    assert_same_merged("alone", "other");
}

static void test_states(void **state)
{
    struct merge_result result;
    (void)state;
    train_parts((struct study_options){.keep = KEEP_BEST});
    assert_int_equal(system("cp -r p0 failed"), 0);
    query("failed/study.db", "UPDATE trials SET state = 'FAIL'");
    query("failed/study.db", "DELETE FROM trial_values");
    assert_true(merge("all", &result, 2, "failed", "p1"));
    assert_int_equal(result.failed, CELLS - 4);
    assert_int_equal(result.complete, 4);
    merge_result_free(&result);
    assert_true(merge("all", &result, 3, "failed", "p0", "p2"));
    assert_int_equal(result.failed, 0);
    assert_int_equal(result.taken, 8);
    merge_result_free(&result);
    assert_same_merged("alone", "all");
    // Two results for a cell: the first counts.
    query("failed/study.db", "UPDATE trials SET state = 'COMPLETE'");
    query("failed/study.db",
          "INSERT INTO trial_values (trial_id, objective, value, value_type) SELECT "
          "trial_id, 0, 0.5, 'FINITE' FROM vkgrid_cells WHERE cell IN (0, 1)");
    query("failed/study.db", "DELETE FROM trial_user_attributes WHERE key = 'over_runs'");
    query("failed/study.db",
          "UPDATE trials SET state = 'WAITING' WHERE trial_id NOT IN (SELECT trial_id FROM "
          "trial_values)");
    assert_true(merge("all", &result, 2, "failed", "p0"));
    assert_int_equal(result.conflicts, 2);
    assert_int_equal(result.taken, 0);
    assert_memory_equal(result.conflict, "grid00000 has dice loss 0.", 26);
    assert_non_null(strstr(result.conflict, " in all and 0.5 in failed: the first is taken"));
    merge_result_free(&result);
    assert_same_merged("alone", "all");
}

// Names of images that only another part has.
static void test_images(void **state)
{
    (void)state;
    train_parts((struct study_options){.keep = KEEP_BEST});
    query("p0/study.db", "UPDATE vkgrid_datasets SET images = NULL");
    assert_true(merge("all", NULL, 3, "p0", "p1", "p2"));
    assert_same_merged("alone", "all");
}

// What could not be trained in one part takes nothing away that another has begun.
static void test_unable(void **state)
{
    static const char count[] = "SELECT count(*) FROM trials WHERE state = '%s'";
    static const char *const states[] = {"RUNNING", "PRUNED"};
    (void)state;
    train_part(STUDY, 0, 1, (struct study_options){.keep = KEEP_BEST});
    assert_int_equal(system("cp -r p0 unable"), 0);
    query("unable/study.db", "UPDATE trials SET state = 'FAIL'");
    query("unable/study.db", "DELETE FROM trial_values");
    query("unable/study.db",
          "INSERT INTO trial_user_attributes (trial_id, key, value_json) SELECT "
          "trial_id, 'unable', 'true' FROM trials");
    query("unable/study.db", "DELETE FROM vkgrid_epochs");
    for (int i = 0; i < 2; i++) {
        char *set = text_format("UPDATE trials SET state = '%s'", states[i]),
             *begun = text_format(count, states[i]);
        query("p0/study.db", set);
        query("p0/study.db", "DELETE FROM trial_values");
        assert_true(merge("p0", NULL, 2, "p0", "unable"));
        assert_true(merge("all", NULL, 2, "unable", "p0"));
        assert_int_equal(query("p0/study.db", begun), CELLS);
        assert_int_equal(query("all/study.db", begun), CELLS);
        assert_true(query("p0/study.db", "SELECT count(*) FROM vkgrid_epochs") > 0);
        assert_int_equal(system("rm -r all"), 0);
        free(set);
        free(begun);
    }
    query("p0/study.db", "UPDATE trials SET state = 'WAITING'");
    assert_true(merge("p0", NULL, 2, "p0", "unable"));
    assert_int_equal(query("p0/study.db", "SELECT count(*) FROM trials WHERE state = 'FAIL'"),
                     CELLS);
}

// A failed trial whose cell was tried again is not forgotten.
static void test_failed_trials(void **state)
{
    static const char trials[] = "SELECT count(*) FROM trials",
                      failed[] =
                          "SELECT count(*) FROM trials WHERE state = 'FAIL' AND trial_id NOT "
                          "IN (SELECT trial_id FROM vkgrid_cells)";
    (void)state;
    train_part(STUDY, 0, 2, (struct study_options){.keep = KEEP_BEST});
    train_part(STUDY, 1, 2, (struct study_options){.keep = KEEP_BEST});
    const int cell = (int)query("p1/study.db",
                                "SELECT cell FROM vkgrid_cells JOIN trials USING (trial_id) "
                                "WHERE state = 'COMPLETE' LIMIT 1");
    char *fail = text_format(
        "UPDATE trials SET state = 'FAIL' WHERE trial_id = (SELECT trial_id FROM "
        "vkgrid_cells WHERE cell = %d)",
        cell);
    query("p1/study.db", fail);
    free(fail);
    assert_true(merge("early", NULL, 2, "p0", "p1")); // before it is tried again
    train_part(STUDY, 1, 2, (struct study_options){.keep = KEEP_BEST, .retry_failed = true});
    assert_int_equal(query("p1/study.db", trials), CELLS + 1);
    for (int i = 0; i < 2; i++) { // and again
        assert_true(merge("all", NULL, 2, "p0", "p1"));
        assert_true(merge("early", NULL, 2, "p1", "p0"));
        assert_true(merge("first", NULL, 2, "p1", "p0")); // keeps the numbers of p1
        static const char *const outs[] = {"all/study.db", "early/study.db", "first/study.db"};
        for (int k = 0; k < 3; k++) {
            assert_int_equal(query(outs[k], trials), CELLS + 1);
            assert_int_equal(query(outs[k], failed), 1);
            assert_int_equal(query(outs[k],
                                   "SELECT count(*) FROM vkgrid_cells JOIN trials USING "
                                   "(trial_id) WHERE state = 'COMPLETE'"),
                             CELLS);
            assert_int_equal(query(outs[k], "SELECT max(number) FROM trials"), CELLS / 2);
        }
    }
}

// A process that is killed in the middle of a transaction leaves a journal that must be undone.
static void test_hot_journal(void **state)
{
    (void)state;
    train_parts((struct study_options){.keep = KEEP_BEST});
    const pid_t child = fork();
    if (child == 0) {
        sqlite3 *db;
        sqlite3_open("p1/study.db", &db);
        sqlite3_exec(
            db,
            "PRAGMA cache_size = 1; BEGIN; UPDATE vkgrid_epochs SET val_dice = 0; DELETE FROM "
            "trial_user_attributes; UPDATE trials SET state = 'FAIL';",
            NULL, NULL, NULL);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(file_exists("p1/study.db-journal"));
    assert_true(merge("all", NULL, 3, "p0", "p1", "p2"));
    assert_same_merged("alone", "all");
    assert_false(file_exists("p1/study.db-journal"));
}

// A merge that is killed leaves the study that was there, or the new one, and can be repeated.
static void test_killed(void **state)
{
    enum { KILLS = 24 };
    int unfinished = 0;
    (void)state;
    train_parts((struct study_options){.keep = KEEP_BEST});
    assert_true(merge("first", NULL, 1, "p0"));
    const double begun = seconds_now();
    assert_true(merge("all", NULL, 3, "p0", "p1", "p2"));
    const double each = (seconds_now() - begun) / KILLS;
    for (int i = 0; i < KILLS; i++) {
        const bool in_place = i % 2 == 0;
        if (system(in_place ? "rm -rf all && cp -r first all" : "rm -rf all") != 0)
            fail();
        const pid_t child = fork();
        if (child == 0) {
            merge("all", NULL, 3, "p0", "p1", "p2");
            _exit(0);
        }
        usleep((useconds_t)(1e6 * each * i));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        const int64_t complete =
            file_exists("all/study.db")
                ? query("all/study.db", "SELECT count(*) FROM trials WHERE state = 'COMPLETE'")
                : -1;
        if (complete != CELLS)
            assert_int_equal(complete, in_place ? 4 : -1);
        unfinished += complete != CELLS;
        must(merge("all", NULL, 3, "p0", "p1", "p2"));
        assert_same_merged("alone", "all");
    }
    print_message("%d of %d merges were killed before their end\n", unfinished, KILLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_parts_become_one, setup),
        cmocka_unit_test_setup(test_names_of_others, setup),
        cmocka_unit_test_setup(test_inputs_named_tmp, setup),
        cmocka_unit_test_setup(test_any_order, setup),
        cmocka_unit_test_setup(test_again, setup),
        cmocka_unit_test_setup(test_refusals, setup),
        cmocka_unit_test_setup(test_goes_on, setup),
        cmocka_unit_test_setup(test_states, setup),
        cmocka_unit_test_setup(test_images, setup),
        cmocka_unit_test_setup(test_unable, setup),
        cmocka_unit_test_setup(test_failed_trials, setup),
        cmocka_unit_test_setup(test_hot_journal, setup),
        cmocka_unit_test_setup(test_killed, setup),
    };
    return cmocka_run_group_tests(tests, enter_home, leave_home);
}
