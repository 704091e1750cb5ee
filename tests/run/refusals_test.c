// SPDX-License-Identifier: MIT
// Studies that are refused, and hostile input: other folders and data, bad grids, damaged
// checkpoints, databases and descriptions.
#include "tests/test.h"
#include "tests/study/fakes.h"
#include "tests/study/home.h"
#include "tests/study/study_case.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"
#include "vkgrid/study/weights_note.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static void test_folders_that_are_refused(void **state)
{
    const struct study_options plain = {.keep = KEEP_NONE};
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, plain, NULL));
    expect_refusal(run(GRID_TEXT(", \"seed\": 3"), "out", 4, plain, NULL),
                   "out: holds another study: seed: 3 instead of 0: another folder (-o) is "
                   "needed");
    expect_refusal(
        run(GRID_TEXT(""), "out", 4, (struct study_options){.prune = PRUNE_ASHA, .log_steps = true},
            NULL),
        "out: holds another study: log_steps: true instead of false; prune: \"asha\" instead of "
        "\"none\": another folder");
    expect_refusal(run(GRID_TEXT(""), "out", 4, (struct study_options){.matrix = "off"}, NULL),
                   "out: holds another study: matrix: \"off\" instead of \"auto\": another folder");
    assert_true(run(GRID_TEXT(""), "out", 4, (struct study_options){.matrix = "auto"}, NULL));
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
    query("out/study.db", "UPDATE vkgrid_study SET value = '1' WHERE key = 'numerics'");
    expect_refusal(run(GRID_TEXT(", \"seed\": 3"), "out", 4, plain, NULL),
                   "out: holds another study: numerics 2 instead of 1 (versions of vkgrid whose "
                   "results differ: the one that began it can finish it): another folder");
    // Before numerics had a number: those with matrix units as a setting are 2.
    query("out/study.db", "DELETE FROM vkgrid_study WHERE key = 'numerics'");
    assert_true(run(GRID_TEXT(", \"seed\": 3"), "out", 4, plain, NULL));
    query("out/study.db", "DELETE FROM vkgrid_study WHERE key = 'numerics'");
    query("out/study.db",
          "UPDATE vkgrid_study SET value = json_remove(value, '$.matrix') WHERE key = 'settings'");
    expect_refusal(run(GRID_TEXT(", \"seed\": 3"), "out", 4, plain, NULL),
                   "numerics 2 instead of 1");
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
    assert_true(file_write_text("34.pth", ""));
    expect_refusal(run(GRID_TEXT(", \"pretrained\": \"34.pth\""), "out", 4, plain, NULL),
                   "grid00000: 34.pth: of another network");
    assert_false(folder_exists("out"));
    assert_int_equal(rmdir("data/cell"), 0);
    expect_refusal(run(GRID_TEXT(""), "out", 4, plain, NULL),
                   "data/cell: no such folder: the label \"cell\"");
    assert_int_equal(system("rm -rf data"), 0);
    expect_refusal(run(GRID_TEXT(""), "out", 4, plain, NULL), "data: no such data folder");
    assert_false(folder_exists("out"));
    assert_int_equal(fake.runs, 0);
}

// One value a channel in the deepest layer: where that is so of all cells, nothing begins.
static void test_batch_norm_of_one_value(void **state)
{
    static const int first[] = {0, 1, 2};
    const struct study_options options = {.cells = first, .cell_count = 3};
    (void)state;
    expect_refusal(run(GRID_TEXT(", \"image_size\": [32, 32]"), "out", 4, options, NULL),
                   "g.json: grid00000: 2 training samples in batches of 1 of 32x32: batch norm");
    assert_int_equal(fake.packs, 0);
    assert_false(folder_exists("out"));
    assert_true(run(GRID_TEXT(", \"image_size\": [32, 64]"), "out", 4, options, NULL));
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

// Where data and weights lie is no part of a study; what is in them is.
static void test_files_that_move(void **state)
{
    const struct study_options plain = {.keep = KEEP_NONE};
    (void)state;
    assert_true(file_write_text("a18.pth", "weights"));
    assert_true(run(GRID_TEXT(", \"pretrained\": \"a18.pth\""), "out", 4, plain, NULL));
    fake.runs = 0;
    assert_int_equal(system("mv a18.pth b18.pth; mv data moved; mkdir -p data/em data/cell"), 0);
    must(run(GRID_TEXT(", \"pretrained\": \"b18.pth\""), "out", 4, plain, NULL));
    expect_refusal(run(GRID_TEXT(", \"pretrained\": false"), "out", 4, plain, NULL),
                   "pretrained: false instead of \"b18.pth\"");
    assert_true(file_write_text("b18.pth", "others"));
    expect_refusal(run(GRID_TEXT(", \"pretrained\": \"b18.pth\""), "out", 4, plain, NULL),
                   "out: holds another study: b18.pth: fingerprint ");
    assert_true(file_write_text("c18.pth", "others"));
    expect_refusal(run(GRID_TEXT(", \"pretrained\": \"c18.pth\""), "out", 4, plain, NULL),
                   "pretrained: \"c18.pth\" instead of \"b18.pth\"");
    assert_int_equal(fake.runs, 0);
    assert_int_equal(query("out/study.db",
                           "SELECT json_extract(value, '$.data') LIKE '%/data' "
                           "FROM vkgrid_study WHERE key = 'settings'"),
                     1);
}

// Nothing is left to train, and the data are others.
static void test_other_data_of_a_finished_study(void **state)
{
    const struct study_options plain = {.keep = KEEP_NONE};
    (void)state;
    assert_true(run(GRID_TEXT(""), "out", 4, plain, NULL));
    assert_int_equal(system("mkdir -p other/em other/cell"), 0);
    char *text = text_format("%s", GRID_TEXT("")), *data = strstr(text, "\"data\"");
    assert_non_null(data);
    char *moved = text_format("%.*s\"other\"%s", (int)(data - text), text, data + 6);
    fake.fingerprint = 8;
    expect_refusal(run(moved, "out", 4, plain, NULL), "is not the data that the study began with");
    fake.fingerprint = 7;
    must(run(moved, "out", 4, plain, NULL));
    free(text);
    free(moved);
}

// Whom the files name when a study begins stays, whatever files there are later.
static void test_raters_stay(void **state)
{
    static const char record[] =
        "SELECT json_array_length(value, '$.static.raters') FROM "
        "vkgrid_study WHERE key = 'grid'";
    static const char text[] =
        "{\"static\": {\"partition\": [[1, 2], [3]], \"gamma\": 1, \"bce_weight\": 0.5, "
        "\"features\": {\"inputs\": {\"em\": [\"em\"]}, \"prediction\": {\"cell\": [\"cell\"]}}, "
        "\"num_epochs\": 2, \"inputs\": \"em\", \"prediction\": \"cell\", "
        "\"data_cache_path\": \"data\"}, \"hyper\": {\"lr\": [0.1, 0.2], \"batch_size\": [1]}}";
    const struct study_options plain = {.keep = KEEP_NONE};
    (void)state;
    assert_true(file_write_text("data/em/A1_1.npy", ""));
    must(run(text, "out", 4, plain, NULL));
    assert_int_equal(query("out/study.db", record), 1);
    assert_true(file_write_text("data/em/A2_1.npy", ""));
    must(run(text, "out", 4, plain, NULL));
    assert_int_equal(query("out/study.db", record), 1);
    assert_int_equal(system("rm -r data"), 0);
    must(run(text, "out", 4, plain, NULL)); // all is finished
    assert_int_equal(query("out/study.db", record), 1);
    const char *gamma = strstr(text, "\"gamma\"");
    char *stated = text_format("%.*s\"raters\": [\"A2\"], %s", (int)(gamma - text), text, gamma);
    expect_refusal(run(stated, "out", 4, plain, NULL),
                   "out: holds another study: raters: [\"A2\"] instead of [\"A1\"]");
    free(stated);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_folders_that_are_refused, setup),
        cmocka_unit_test_setup(test_bad_inputs_write_nothing, setup),
        cmocka_unit_test_setup(test_batch_norm_of_one_value, setup),
        cmocka_unit_test_setup(test_other_data, setup),
        cmocka_unit_test_setup(test_files_that_move, setup),
        cmocka_unit_test_setup(test_other_data_of_a_finished_study, setup),
        cmocka_unit_test_setup(test_raters_stay, setup),
        cmocka_unit_test_setup(test_one_process_at_a_time, setup),
        cmocka_unit_test_setup(test_damaged_checkpoints, setup),
        cmocka_unit_test_setup(test_mutated_database, setup),
        cmocka_unit_test_setup(test_mutated_descriptions, setup),
    };
    return cmocka_run_group_tests(tests, enter_home, leave_home);
}
