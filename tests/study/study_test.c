// SPDX-License-Identifier: MIT
// Studies over a training that takes no time: files, resuming, packs, weights that are kept,
// ranking, failures.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fakes.h"
#include "study/record.h"
#include "vkgrid/error.h"
#include "vkgrid/file.h"
#include "vkgrid/json.h"
#include "vkgrid/memory.h"
#include "vkgrid/random.h"
#include "vkgrid/study.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define GRID_TEXT(more) \
    "{\"static\": {\"partition\": [[1, 2], [3]], \"raters\": [], \"gamma\": 1, \"bce_weight\": " \
    "0.5, \"until\": 2, " \
    "\"features\": {\"inputs\": {\"em\": [\"em\"]}, \"prediction\": {\"cell\": [\"cell\"]}}, " \
    "\"num_epochs\": 2, " \
    "\"inputs\": \"em\", \"prediction\": \"cell\", \"data_cache_path\": \"data\"" more \
    "}, " \
    "\"hyper\": {\"lr\": [0.1, 0.2, 0.3], \"batch_size\": [1, 2]}}"

static char home[] = "vkgrid-study-XXXXXX"; // in the build folder

static int setup(void **state)
{
    (void)state;
    fake_reset();
    if (system("rm -rf out other out2 data") != 0)
        return -1;
    return folder_make("data/em") && folder_make("data/cell") ? 0 : -1;
}

static struct grid *grid_of(const char *text)
{
    struct grid *grid;
    if (!grid_parse(text, strlen(text), "g.json", NULL, &grid))
        fail_msg("%s", error_text());
    return grid;
}

static bool run(const char *text, const char *out, int pack, struct study_options more,
                struct study_result *result)
{
    static const int cells[] = {0, 1, 2, 3, 4, 5};
    struct study_result ignored = {0};
    static const int device = 0;
    struct grid *grid = grid_of(text);
    more.devices = &device;
    more.device_count = 1;
    more.out = out;
    more.pack = pack;
    more.quiet = true;
    if (!more.cells) {
        more.cells = cells;
        more.cell_count = 6;
    }
    const bool done = study_run(grid, &more, result ? result : &ignored);
    study_result_free(&ignored);
    grid_free(&grid);
    assert_int_equal(fake.engines, 0);
    assert_int_equal(fake.datasets, 0);
    return done;
}

static char *contents(const char *path)
{
    void *bytes;
    size_t size;
    if (!file_read(path, 1 << 20, &bytes, &size))
        fail_msg("%s", error_text());
    return bytes;
}

// Runs a statement in a study.db; returns the integer that it gives, or -1.
static int64_t query(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    int64_t value = -1;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    if (sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

// What study.db says, without times and the numbers of rows.
static char *dump(const char *out)
{
    static const char *const queries[] = {
        "SELECT study_name, number, state, value FROM trials JOIN studies USING (study_id) LEFT "
        "JOIN trial_values USING (trial_id) ORDER BY 1, 2",
        "SELECT cell, param_name, param_value, distribution_json FROM trial_params JOIN "
        "vkgrid_cells USING (trial_id) ORDER BY 1, 2",
        "SELECT cell, key, value_json FROM trial_user_attributes JOIN vkgrid_cells USING "
        "(trial_id) ORDER BY 1, 2",
        "SELECT cell, step, intermediate_value FROM trial_intermediate_values JOIN vkgrid_cells "
        "USING (trial_id) ORDER BY 1, 2",
        "SELECT cell, run, state, device, best_round, loss, dice, failure FROM vkgrid_runs",
        "SELECT cell, run, step, round, epoch, lr, trn_bce, trn_dice, trn_loss, val_bce, "
        "val_dice, val_loss, best FROM vkgrid_epochs",
        "SELECT cell, run, step, hex(metrics) FROM vkgrid_steps",
        "SELECT cell, run, step FROM vkgrid_checkpoints",
    };
    struct text text = {0};
    sqlite3 *db;
    char *path = text_format("%s/study.db", out);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
        sqlite3_stmt *statement;
        assert_int_equal(sqlite3_prepare_v2(db, queries[i], -1, &statement, NULL), SQLITE_OK);
        while (sqlite3_step(statement) == SQLITE_ROW) {
            for (int k = 0; k < sqlite3_column_count(statement); k++) {
                if (sqlite3_column_type(statement, k) == SQLITE_FLOAT)
                    text_add(&text, "%a|", sqlite3_column_double(statement, k));
                else
                    text_add(&text, "%s|", (const char *)sqlite3_column_text(statement, k));
            }
            text_add(&text, "\n");
        }
        sqlite3_finalize(statement);
    }
    sqlite3_close(db);
    free(path);
    return text.bytes;
}

static void assert_same_study(const char *a, const char *b)
{
    char *x = dump(a), *y = dump(b);
    assert_string_equal(x, y);
    free(x);
    free(y);
}

static bool same_files(const char *a, const char *b)
{
    char *command = text_format("diff -r '%s' '%s'", a, b);
    const int status = system(command);
    free(command);
    return status == 0;
}

static void expect_refusal(bool done, const char *message)
{
    assert_false(done);
    if (!strstr(error_text(), message))
        fail_msg("\"%s\" lacks \"%s\"", error_text(), message);
}

static void test_files(void **state)
{
    struct study_result result;
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 3,
                    (struct study_options){.keep = KEEP_ALL, .log_steps = true}, &result));
    assert_int_equal(result.finished, 6);
    assert_int_equal(result.earlier, 0);
    assert_int_equal(result.failed_runs, 0);
    assert_int_equal(result.leader_count, 1);
    assert_string_equal(result.leaders[0].model, "em_cell");
    study_result_free(&result);
    assert_int_equal(fake.runs, 12);
    assert_int_equal(fake.packs, 4); // two groups of six runs
    assert_int_equal(fake.largest, 3);
    static const char *const names[] = {"options.json",       "plan.json", "training.log",
                                        "epochs.tsv",         "steps.tsv", "training.tsv",
                                        "best_em.safetensors"};
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
        assert_true(same_files("out/cells", "other/cells"));
        assert_true(same_files("out/hyperparameters", "other/hyperparameters"));
    }
    assert_true(resumed > 0);
}

static void test_damaged_checkpoints(void **state)
{
    const struct study_options options = {.keep = KEEP_ALL, .always = true};
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, options, NULL));
    fake_reset();
    fake.stop_epoch = 3;
    assert_false(run(GRID_TEXT(""), "other", 4, options, NULL));
    fake.stop_epoch = 0;
    fake.damaged = 2;
    assert_true(run(GRID_TEXT(""), "other", 4, options, NULL));
    assert_same_study("out", "other");
    assert_true(same_files("out/cells", "other/cells"));
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

static void test_one_process_at_a_time(void **state)
{
    (void)state;
    assert_true(folder_make("out"));
    const int file = open("out/lock", O_RDWR | O_CREAT, 0666);
    assert_int_equal(flock(file, LOCK_EX), 0);
    assert_true(write(file, "42 somewhere\n", 13) == 13);
    expect_refusal(run(GRID_TEXT(""), "out", 4, (struct study_options){0}, NULL),
                   "out: process 42 on somewhere is at work there");
    close(file);
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){0}, NULL));
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

static void test_other_data(void **state)
{
    (void)state;
    fake.stop_after = 1;
    assert_false(run(GRID_TEXT(""), "out", 2, (struct study_options){0}, NULL));
    fake.stop_after = -1;
    fake.fingerprint = 8;
    expect_refusal(run(GRID_TEXT(""), "out", 2, (struct study_options){0}, NULL),
                   "is not the data that the study began with");
    fake.fingerprint = 7;
    assert_true(run(GRID_TEXT(""), "out", 2, (struct study_options){0}, NULL));
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
        const double dice = json_member(rank, "dice")->valuedouble;
        struct plan plan;
        struct cell cell;
        assert_true(dice >= before);
        before = dice;
        assert_true(cell_from_options(json_member(rank, "options"), "options", &cell));
        assert_true(plan_from_json(json_member(rank, "plan"), "plan", &plan));
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

// One value a channel in the deepest layer: refused before any cell is trained.
static void test_batch_norm_of_one_value(void **state)
{
    (void)state;
    expect_refusal(
        run(GRID_TEXT(", \"image_size\": [32, 32]"), "out", 4, (struct study_options){0}, NULL),
        "g.json: grid00000: 2 training targets in batches of 1 of 32x32: batch norm");
    assert_int_equal(fake.packs, 0);
    assert_false(folder_exists("out"));
    assert_true(
        run(GRID_TEXT(", \"image_size\": [32, 64]"), "out", 4, (struct study_options){0}, NULL));
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

static void test_folders_that_are_refused(void **state)
{
    const struct study_options plain = {.keep = KEEP_NONE};
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, plain, NULL));
    expect_refusal(run(GRID_TEXT(", \"seed\": 3"), "out", 4, plain, NULL),
                   "out: holds another study: static.seed: 3 instead of nothing: another folder");
    expect_refusal(
        run(GRID_TEXT(""), "out", 4, (struct study_options){.prune = PRUNE_ASHA, .log_steps = true},
            NULL),
        "out: holds another study: log_steps: true instead of false; prune: \"asha\" instead of "
        "\"none\": another folder");
    assert_int_equal(fake.runs, 12);
    assert_true(
        run(GRID_TEXT(", \"seed\": 3"), "out", 4, (struct study_options){.overwrite = true}, NULL));
    assert_int_equal(fake.runs, 24);
    assert_true(folder_make("other"));
    assert_true(file_write_text("other/thesis.tex", "x"));
    expect_refusal(run(GRID_TEXT(""), "other", 4, plain, NULL),
                   "other: holds other files and no study");
    expect_refusal(run(GRID_TEXT(""), "other", 4, (struct study_options){.overwrite = true}, NULL),
                   "holds other files");
    expect_refusal(run(GRID_TEXT(""), "other/thesis.tex", 4, plain, NULL),
                   "other/thesis.tex: not a folder");
    expect_refusal(run(GRID_TEXT(""), "other/thesis.tex/x", 4, plain, NULL),
                   "other/thesis.tex/x: ");
    expect_refusal(run(GRID_TEXT(""), "/proc/vkgrid/x", 4, plain, NULL), "/proc/vkgrid");
    query("out/study.db", "UPDATE vkgrid_study SET value = '\"0.0.0\"' WHERE key = 'version'");
    expect_refusal(run(GRID_TEXT(", \"seed\": 3"), "out", 4, plain, NULL),
                   "out: holds another study: vkgrid 0.1.0 instead of 0.0.0: another folder");
    assert_true(file_write_text("out/study.db", "what a database would never say"));
    expect_refusal(run(GRID_TEXT(""), "out", 4, plain, NULL),
                   "out/study.db: not a study's database");
}

// Nothing is written when something is wrong.
static void test_bad_inputs_write_nothing(void **state)
{
    const struct study_options plain = {.keep = KEEP_NONE};
    (void)state;
    fake.missing_label = true;
    expect_refusal(run(GRID_TEXT(""), "out", 4, plain, NULL), "no such file");
    assert_false(folder_exists("out"));
    fake.missing_label = false;
    fake.memory = 9;
    expect_refusal(run(GRID_TEXT(""), "out", 4, plain, NULL),
                   "fake: one slot of resnet18 em cell, batch 1, 128x256 needs");
    assert_false(folder_exists("out"));
    fake.memory = 100;
    expect_refusal(run(GRID_TEXT(", \"pretrained\": \"none.pth\""), "out", 4, plain, NULL),
                   "none.pth: no such file of pretrained weights");
    assert_int_equal(rmdir("data/cell"), 0);
    expect_refusal(run(GRID_TEXT(""), "out", 4, plain, NULL),
                   "data/cell: no such folder: the label \"cell\"");
    assert_int_equal(system("rm -rf data"), 0);
    expect_refusal(run(GRID_TEXT(""), "out", 4, plain, NULL), "data: no such data folder");
    assert_false(folder_exists("out"));
    assert_int_equal(fake.runs, 0);
}

// A damaged study.db is refused, or what can be read of it is done again; nothing worse (run under
// ASan).
static void test_mutated_database(void **state)
{
    const struct study_options options = {.keep = KEEP_ALL, .always = true};
    struct random random = random_stream(3, 0, 0, 0);
    void *bytes;
    size_t size;
    int refused = 0;
    (void)state;
    fake.stop_epoch = 3;
    assert_false(run(GRID_TEXT(""), "out", 4, options, NULL));
    fake.stop_epoch = 0;
    assert_true(file_read("out/study.db", 1 << 24, &bytes, &size));
    for (int i = 0; i < 80; i++) {
        unsigned char *copy = mem_alloc(size);
        memcpy(copy, bytes, size);
        for (uint32_t n = 1 + random_below(&random, 64); n > 0; n--)
            copy[random_below(&random, (uint32_t)size)] = (unsigned char)random_bits(&random);
        assert_true(file_write("out/study.db", copy,
                               i % 3 ? size : 1 + random_below(&random, (uint32_t)size)));
        refused += !run(GRID_TEXT(""), "out", 4, options, NULL);
        free(copy);
    }
    assert_true(refused > 0);
    free(bytes);
}

static void test_mutated_descriptions(void **state)
{
    static const char header[] =
        "{\"__metadata__\": {\"format\": \"pt\", \"options\": \"{\\\"inputs\\\": \\\"em\\\"}\"}}";
    struct random random = random_stream(4, 0, 0, 0);
    cJSON *description;
    (void)state;
    assert_false(weights_describe("none", &description));
    assert_non_null(strstr(error_text(), "none: No such file"));
    for (int i = 0; i < 5000; i++) {
        unsigned char bytes[8 + sizeof(header)] = {sizeof(header) - 1};
        memcpy(bytes + 8, header, sizeof(header) - 1);
        size_t size = sizeof(bytes) - 1;
        if (i > 0) {
            size = 1 + random_below(&random, (uint32_t)size);
            for (uint32_t j = random_below(&random, 4); j > 0; j--)
                bytes[random_below(&random, (uint32_t)size)] = (unsigned char)random_bits(&random);
        }
        FILE *file = fopen("w.safetensors", "wb");
        assert_int_equal(fwrite(bytes, 1, size, file), size);
        fclose(file);
        const bool read = weights_describe("w.safetensors", &description);
        if (i == 0)
            assert_string_equal(json_member(description, "inputs")->valuestring, "em");
        if (read)
            cJSON_Delete(description);
    }
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
    assert_int_equal(fake.paces, 3); // 1, 2, 4: the second group is alike
    assert_true(run(GRID_TEXT(""), "other", 3, (struct study_options){0}, NULL));
    assert_int_equal(fake.largest, 3); // as asked for
    assert_int_equal(fake.paces, 3);
}

static void test_train_repeats_a_cell(void **state)
{
    struct study_result result;
    struct cell cell;
    cJSON *options;
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){.keep = KEEP_ALL}, NULL));
    for (int pack = 1; pack <= 2; pack++) {
        const struct train_options train = {
            .out = "out2", .pack = pack, .quiet = true, .overwrite = pack == 2};
        assert_true(json_read("out/cells/grid00004/options.json", &options));
        assert_true(cell_from_options(options, "options.json", &cell));
        cJSON_Delete(options);
        assert_true(study_train(&cell, &train, &result));
        assert_true(same_files("out/cells/grid00004", "out2"));
    }
    const struct train_options again = {.out = "out2", .quiet = true};
    assert_true(json_read("out/cells/grid00004/options.json", &options));
    assert_true(cell_from_options(options, "options.json", &cell));
    cJSON_Delete(options);
    expect_refusal(study_train(&cell, &again, &result), "out2: holds a finished training");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_files, setup),
        cmocka_unit_test_setup(test_packs_do_not_matter, setup),
        cmocka_unit_test_setup(test_stopped_and_started_again, setup),
        cmocka_unit_test_setup(test_stopped_at_any_epoch, setup),
        cmocka_unit_test_setup(test_damaged_checkpoints, setup),
        cmocka_unit_test_setup(test_lost_device, setup),
        cmocka_unit_test_setup(test_two_devices, setup),
        cmocka_unit_test_setup(test_one_process_at_a_time, setup),
        cmocka_unit_test_setup(test_killed_at_the_beginning, setup),
        cmocka_unit_test_setup(test_other_data, setup),
        cmocka_unit_test_setup(test_keep_and_ranking, setup),
        cmocka_unit_test_setup(test_going_on_keeps_weights, setup),
        cmocka_unit_test_setup(test_batch_norm_of_one_value, setup),
        cmocka_unit_test_setup(test_failed_run_goes_on, setup),
        cmocka_unit_test_setup(test_folders_that_are_refused, setup),
        cmocka_unit_test_setup(test_bad_inputs_write_nothing, setup),
        cmocka_unit_test_setup(test_mutated_database, setup),
        cmocka_unit_test_setup(test_mutated_descriptions, setup),
        cmocka_unit_test_setup(test_some_cells_then_all, setup),
        cmocka_unit_test_setup(test_memory_limits_packs, setup),
        cmocka_unit_test_setup(test_measured_packs, setup),
        cmocka_unit_test_setup(test_train_repeats_a_cell, setup),
    };
    if (!mkdtemp(home) || chdir(home) != 0)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char *command = text_format("cd .. && rm -rf '%s'", home);
    const int removed = system(command);
    free(command);
    return failed || removed;
}
