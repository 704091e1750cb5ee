// SPDX-License-Identifier: MIT
// Which subjects validate in which fold, by the rule of folds.h.
#include "tests/test.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/folds.h"
#include "vkgrid/run/groups.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

// Computed by the rule's words in Python: splitmix64, xoshiro256**, Fisher and Yates.
static const struct {
    uint64_t seed;
    int subjects, folds, fold_of[12];
} known[] = {
    {0, 7, 3, {1, 1, 0, 0, 2, 2, 0}},
    {0, 12, 5, {3, 0, 4, 3, 4, 2, 1, 1, 0, 0, 1, 2}},
    {1, 12, 5, {3, 2, 0, 0, 1, 2, 4, 1, 3, 1, 4, 0}},
    {(uint64_t)1 << 53, 9, 9, {0, 8, 6, 3, 2, 1, 4, 5, 7}},
    {5, 10, 2, {1, 0, 1, 0, 1, 0, 1, 0, 0, 1}},
};

static void test_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        int *fold_of = folds_draw(known[i].seed, known[i].subjects, known[i].folds);
        assert_memory_equal(fold_of, known[i].fold_of, sizeof(int) * (size_t)known[i].subjects);
        free(fold_of);
    }
}

#define GRID(more, hyper) \
    "{\"static\": {\"gamma\": 0.9, \"bce_weight\": 0.5, \"batch_size\": 2, \"inputs\": \"anat\", " \
    "\"prediction\": \"area\", \"image_size\": [64, 64]" more \
    "}, \"hyper\": {\"lr\": [0.1, " \
    "0.2]" hyper "}}"
#define SEVEN "\"partition\": [[1, 2, 3, \"four\", 5], [6, 7], [8, 9]]"

static struct grid *parse(const char *text)
{
    const struct grid_settings settings = {0};
    struct grid *grid = NULL;
    must(grid_parse(text, strlen(text), "g.json", &settings, &grid));
    return grid;
}

static void expect_names(char *const *names, int count, const char *wanted)
{
    struct text text = {0};
    for (int i = 0; i < count; i++)
        text_add(&text, "%s%s", i > 0 ? " " : "", names[i]);
    assert_string_equal(text.bytes ? text.bytes : "", wanted);
    free(text.bytes);
}

// All samples of a subject are in its fold; the test is in none.
static void test_samples(void **state)
{
    static const struct {
        int fold;
        const char *training, *validation;
    } cases[] = {
        {0, "A1_1 A1_2 A1_5 A1_6 A2_1 A2_2 A2_5 A2_6", "A1_3 A1_four A1_7 A2_3 A2_four A2_7"},
        {1, "A1_3 A1_four A1_5 A1_6 A1_7 A2_3 A2_four A2_5 A2_6 A2_7", "A1_1 A1_2 A2_1 A2_2"},
        {2, "A1_1 A1_2 A1_3 A1_four A1_7 A2_1 A2_2 A2_3 A2_four A2_7", "A1_5 A1_6 A2_5 A2_6"},
        {-1, "A1_1 A1_2 A1_3 A1_four A1_5 A1_6 A1_7 A2_1 A2_2 A2_3 A2_four A2_5 A2_6 A2_7", ""},
    };
    struct grid *grid = parse(GRID(", " SEVEN ", \"folds\": 3, \"raters\": [\"A1\", \"A2\"]", ""));
    struct cell cell;
    (void)state;
    must(grid_cell(grid, 1, &cell));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct sample_names samples, again;
        cell_fold_samples(&cell, cases[i].fold, &samples);
        expect_names(samples.training, samples.training_count, cases[i].training);
        expect_names(samples.validation, samples.validation_count, cases[i].validation);
        expect_names(samples.test, samples.test_count, "A1_8 A1_9 A2_8 A2_9");
        must(options_fold_samples(cell.options, "o", cases[i].fold, &again));
        expect_names(again.validation, again.validation_count, cases[i].validation);
        if (cases[i].fold >= 0) {
            const struct unet_shape shape = cell_fold_shape(&cell, cases[i].fold);
            assert_int_equal(shape.training_count, samples.training_count);
            assert_int_equal(shape.count, samples.training_count + samples.validation_count);
        }
        sample_names_free(&samples);
        sample_names_free(&again);
    }
    assert_int_equal(cell_larger_folds(&cell), 2);
    cell_free(&cell);
    grid_free(&grid);
}

// Samples without files are in no list, and the others keep their order.
static void test_data(void **state)
{
    char *names[] = {"1", "2", "four", "5", "7"};
    const struct dataset dataset = {.count = 5, .training_count = 5, .names = names};
    static const struct {
        uint32_t samples[5];
        int training_count;
    } wanted[] = {{{0, 1, 3, 2, 4}, 3}, {{2, 3, 4, 0, 1}, 3}, {{0, 1, 2, 4, 3}, 4}};
    struct grid *grid = parse(GRID(", " SEVEN ", \"folds\": 3, \"raters\": []", ""));
    struct cell cell;
    (void)state;
    must(grid_cell(grid, 0, &cell));
    struct data_fold *folds = data_folds(&cell, &dataset);
    for (int i = 0; i < 3; i++) {
        assert_memory_equal(folds[i].samples, wanted[i].samples, sizeof(wanted[i].samples));
        assert_int_equal(folds[i].training_count, wanted[i].training_count);
    }
    data_folds_free(&folds, 3);
    cell_free(&cell);
    grid_free(&grid);
}

// Runs of a cell, and the work of them: as much as that of plain cells with each fold's partition.
static void test_runs(void **state)
{
    struct grid *grid = parse(
        GRID(", " SEVEN ", \"folds\": 3, \"until\": 2, \"raters\": [], \"num_epochs\": 1", ""));
    const int cells[] = {0, 1};
    struct groups groups;
    double work = 0;
    (void)state;
    must(groups_make(grid, cells, 2, &groups));
    assert_int_equal(groups.count, 1);
    assert_int_equal(groups.run_count, 12);
    assert_int_equal(groups.items[0].larger, 8);
    for (int fold = 0; fold < 3; fold++) {
        struct cell cell, plain;
        must(grid_cell(grid, 0, &cell));
        assert_int_equal(cell_run_count(&cell), 6);
        assert_int_equal(cell_fold(&cell, 3 + fold), fold);
        cJSON *partition = partition_of_fold(json_member(cell.options, "partition"), 3, 0, fold);
        cJSON_ReplaceItemInObject(cell.options, "partition", partition);
        cJSON_DeleteItemFromObject(cell.options, "folds");
        must(cell_from_options(cell.options, "o", &plain));
        work += 4 * group_of(&plain).work;
        cell_free(&plain);
        cell_free(&cell);
    }
    assert_true(groups.items[0].work > work * 0.999999 && groups.items[0].work < work * 1.000001);
    groups_free(&groups);
    grid_free(&grid);
}

static void test_refusals(void **state)
{
    static const char *const cases[][2] = {
        {GRID(", " SEVEN ", \"folds\": 1", ""), "static.folds: is 1: a whole number from 2 to"},
        {GRID(", " SEVEN ", \"folds\": 2.5", ""), "static.folds: is 2.5: a whole number from 2 to"},
        {GRID(", " SEVEN ", \"folds\": 8", ""),
         "folds: is 8: a whole number from 2 to 7, the subjects of training and validation"},
        {GRID(", " SEVEN, ", \"folds\": [2, 3]"),
         "hyper.folds: is for the whole study: allowed in static only"},
        {GRID(", " SEVEN ", \"folds\": 3, \"normalize\": \"dataset\"", ""),
         "normalize: is dataset: that is of the training samples, which differ from fold to fold"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct grid_settings settings = {0};
        struct grid *grid;
        assert_false(grid_parse(cases[i][0], strlen(cases[i][0]), "g.json", &settings, &grid));
        if (!strstr(error_text(), cases[i][1]))
            fail_msg("%s", error_text());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule), cmocka_unit_test(test_samples),  cmocka_unit_test(test_data),
        cmocka_unit_test(test_runs), cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
