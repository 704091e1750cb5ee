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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    struct grid *grid = grid_of(text);
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
    assert_int_equal(fake.runs, 8);
    study_result_free(&result);
    assert_true(same_files("out/cells", "other/cells"));
    assert_true(same_files("out/hyperparameters", "other/hyperparameters"));
    // Nothing left to do: no training, no data set.
    fake.runs = 0;
    fake.missing_label = true;
    assert_true(run(GRID_TEXT(""), "other", 4, (struct study_options){.keep = KEEP_BEST}, NULL));
    assert_int_equal(fake.runs, 0);
}

static void test_damaged_cell_is_done_again(void **state)
{
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){.keep = KEEP_ALL}, NULL));
    assert_true(run(GRID_TEXT(""), "other", 4, (struct study_options){.keep = KEEP_ALL}, NULL));
    fake.runs = 0;
    assert_true(file_write_text("out/cells/grid00001/training.tsv",
                                "input\tloss\tdice\ttraining_time\nem\t1\t1\t1\n"));
    assert_true(file_write_text("out/cells/grid00002/epochs.tsv", "run\tround\n0\t0\n"));
    assert_int_equal(unlink("out/cells/grid00003/training.tsv"), 0);
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){.keep = KEEP_ALL}, NULL));
    assert_int_equal(fake.runs, 6);
    assert_true(same_files("out/cells", "other/cells"));
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
                   "out: holds another study: static.seed differs");
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
    assert_true(file_write_text("out/study.json", "{\"version\": "));
    expect_refusal(run(GRID_TEXT(""), "out", 4, plain, NULL),
                   "out/study.json: line 1, column 13: the file ends here");
    assert_true(
        file_write_text("out/study.json", "{\"version\": \"0.0.0\", \"format\": 1, \"grid\": {}}"));
    expect_refusal(run(GRID_TEXT(""), "out", 4, plain, NULL), "out: holds a study of vkgrid 0.0.0");
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

// Writes the text to the file with some bytes changed and the end cut off.
static void write_mutated(const char *path, const char *text, struct random *random)
{
    char *copy = text_copy(text);
    const uint32_t size = 1 + random_below(random, (uint32_t)strlen(text));
    for (uint32_t i = random_below(random, 4); i > 0; i--)
        copy[random_below(random, size)] = (char)random_bits(random);
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(copy, 1, size, file), size);
    fclose(file);
    free(copy);
}

// Damaged files make a cell unfinished or are read; nothing worse (run under ASan).
static void test_mutated_tables(void **state)
{
    static const char *const names[] = {"training.tsv", "epochs.tsv"};
    struct random random = random_stream(3, 0, 0, 0);
    struct grid *grid = grid_of(GRID_TEXT(""));
    struct cell cell;
    struct score score;
    int finished = 0;
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){0}, NULL));
    assert_true(grid_cell(grid, 0, &cell));
    for (int f = 0; f < 2; f++) {
        char *path = text_format("out/cells/grid00000/%s", names[f]), *good = contents(path);
        for (int i = 0; i < 2000; i++) {
            write_mutated(path, good, &random);
            score_read("out/cells/grid00000", &cell, &score);
            finished += score.finished;
        }
        assert_true(file_write_text(path, good));
        free(good);
        free(path);
    }
    assert_true(finished < 4000);
    score_read("out/cells/grid00000", &cell, &score);
    assert_true(score.finished);
    cell_free(&cell);
    grid_free(&grid);
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
        cmocka_unit_test_setup(test_damaged_cell_is_done_again, setup),
        cmocka_unit_test_setup(test_keep_and_ranking, setup),
        cmocka_unit_test_setup(test_going_on_keeps_weights, setup),
        cmocka_unit_test_setup(test_batch_norm_of_one_value, setup),
        cmocka_unit_test_setup(test_failed_run_goes_on, setup),
        cmocka_unit_test_setup(test_folders_that_are_refused, setup),
        cmocka_unit_test_setup(test_bad_inputs_write_nothing, setup),
        cmocka_unit_test_setup(test_mutated_tables, setup),
        cmocka_unit_test_setup(test_mutated_descriptions, setup),
        cmocka_unit_test_setup(test_some_cells_then_all, setup),
        cmocka_unit_test_setup(test_memory_limits_packs, setup),
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
