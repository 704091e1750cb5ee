// SPDX-License-Identifier: MIT
// Ranges, random cells, cells that somebody else chooses, and how Optuna sees the axes.
#include "tests/test.h"
#include "vkgrid/grid/axis.h"
#include "vkgrid/base/error.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct grid *parse(const char *text, const struct grid_settings *settings)
{
    struct grid *grid;
    must(grid_parse(text, strlen(text), "g.json", settings, &grid));
    return grid;
}

#define PARTITION "\"partition\": [[1], [2]]"
#define AXES(hyper) \
    "{\"static\": {" PARTITION \
    ", \"bce_weight\": 0.5, \"inputs\": \"anat\", \"prediction\": \"area\", \"seed\": 7}, " \
    "\"hyper\": {" hyper "}}"
#define LR "\"lr\": {\"min\": 1e-4, \"max\": 1e-2, \"log\": true}"
#define GAMMA "\"gamma\": {\"min\": 0.5, \"max\": 1}"
#define BATCH "\"batch_size\": {\"min\": 2, \"max\": 5}"

static const struct grid_settings optuna = {.sampler = SAMPLER_OPTUNA};

static void refuse(const char *text, const struct grid_settings *settings, const char *message)
{
    struct grid *grid = NULL;
    if (grid_parse(text, strlen(text), "g.json", settings, &grid))
        fail_msg("taken: %s", text);
    assert_string_equal(error_text(), message);
}

static void test_refused_ranges(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {AXES("\"until\": {\"min\": 1, \"max\": 2}"),
         "g.json: hyper.until: is {\"min\": 1, \"max\": 2}: a list that is not empty is allowed"},
        {AXES("\"lr\": {\"min\": 1, \"top\": 2}"),
         "g.json: hyper.lr: unknown key \"top\": did you mean \"log\"? allowed are min max log"},
        {AXES("\"lr\": {\"max\": 1}"),
         "g.json: hyper.lr.min: is missing: a number above 0 to 1 is allowed"},
        {AXES("\"lr\": {\"min\": 0.1, \"max\": 2}"),
         "g.json: hyper.lr.max: is 2: a number above 0 to 1 is allowed"},
        {AXES("\"lr\": {\"min\": 0.1, \"max\": 0.01}"),
         "g.json: hyper.lr: min is 0.1, max is 0.01: a min that is not above max is allowed"},
        {AXES("\"lr\": {\"min\": 0.1, \"max\": 0.2, \"log\": 1}"),
         "g.json: hyper.lr.log: is 1: true or false is allowed"},
        {AXES("\"bce_weight\": {\"min\": 0.1, \"max\": 0.2}"),
         "g.json: hyper.bce_weight: stands in static too: a key is allowed in one of them"},
        {AXES("\"batch_size\": {\"min\": 1.5, \"max\": 2}"),
         "g.json: hyper.batch_size.min: is 1.5: a whole number from 1 to 1024 is allowed"},
        {"{\"static\": {}, \"hyper\": {\"bce_weight\": {\"min\": 0, \"max\": 1, \"log\": true}}}",
         "g.json: hyper.bce_weight: min is 0: with log a number above 0 is allowed"},
        {AXES(LR ", " GAMMA),
         "g.json: batch_size: is missing: a whole number from 1 to 1024 is "
         "allowed"},
    };
    const struct grid_settings random = {.sampler = SAMPLER_RANDOM, .trials = 3};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        refuse(cases[i].text, &random, cases[i].message);
        refuse(cases[i].text, &optuna, cases[i].message);
    }
    refuse(AXES(GAMMA ", " LR), NULL,
           "g.json: hyper.gamma: is a range: a list is allowed, or --sampler random or "
           "--from-optuna");
    for (int i = 0; i < 2; i++) {
        const struct grid_settings none = {.sampler = SAMPLER_RANDOM,
                                           .trials = i ? GRID_CELLS + 1 : 0};
        refuse(AXES(LR ", " GAMMA ", " BATCH), &none,
               "g.json: --sampler random needs --trials, a whole number from 1 to 1000000");
    }
    refuse(AXES("\"lr\": [0.1], \"gamma\": [1], \"batch_size\": [2], \"base_model\": "
                "[\"resnet18\", \"resnet50\"]"),
           &optuna,
           "g.json: hyper.base_model[1]: is \"resnet50\": resnet18 or resnet34 is allowed");
}

static void test_unknown_set_without_cells(void **state)
{
    static const char text[] = "{\"static\": {" PARTITION
                               ", \"lr\": 0.1, \"gamma\": 1, \"bce_weight\": 0, \"batch_size\": 1, "
                               "\"inputs\": \"anat\"}, \"hyper\": {\"prediction\": [\"area\", "
                               "\"aera\"]}}";
    struct grid *grid;
    (void)state;
    assert_false(grid_parse(text, strlen(text), "g.json", &optuna, &grid));
    assert_non_null(strstr(error_text(), "g.json: prediction: is \"aera\": "));
}

static struct grid *random_grid(const char *hyper_text, int trials)
{
    const struct grid_settings settings = {.sampler = SAMPLER_RANDOM, .trials = trials};
    return parse(hyper_text, &settings);
}

// Cell n is the same whatever the number of trials, and its own options when it is asked for again.
static void test_random_cells_are_a_prefix(void **state)
{
    static const char text[] = AXES(LR ", " GAMMA ", " BATCH
                                       ", \"base_model\": [\"resnet18\", "
                                       "\"resnet34\"]");
    struct grid *few = random_grid(text, 10), *many = random_grid(text, 40);
    int equal = 0;
    (void)state;
    assert_int_equal(few->cell_count, 10);
    assert_int_equal(many->cell_count, 40);
    for (int i = 0; i < 10; i++) {
        cJSON *a = grid_values(few, i), *b = grid_values(many, i), *next = grid_values(many, i + 1);
        struct cell cell;
        assert_true(cJSON_Compare(a, b, true));
        equal += cJSON_Compare(b, next, true);
        assert_string_equal(a->child->string, "lr");
        assert_string_equal(a->child->prev->string, "base_model");
        assert_true(grid_cell(many, i, &cell));
        assert_true(cell.base.lr == json_member(a, "lr")->valuedouble);
        assert_int_equal(cell.number, i);
        cell_free(&cell);
        cJSON_Delete(a);
        cJSON_Delete(b);
        cJSON_Delete(next);
    }
    assert_int_equal(equal, 0);
    grid_free(&few);
    grid_free(&many);
}

// A thousand draws: every tenth of an axis has its share (a binomial of 1000 and 1/10 has a
// standard deviation of 9.5; 50 is more than five of them).
static void check_share(const int *counts, int bins, int draws)
{
    for (int i = 0; i < bins; i++)
        assert_true(abs(counts[i] - draws / bins) < 50);
}

static int tenth(double value, double low, double high)
{
    const int bin = (int)(10 * (value - low) / (high - low));
    assert_true(value >= low && value <= high);
    return bin < 10 ? bin : 9;
}

static void test_random_cells_fill_the_axes(void **state)
{
    enum { DRAWS = 1000 };
    struct grid *grid = random_grid(
        AXES(LR ", " GAMMA ", " BATCH ", \"num_epochs\": {\"min\": 1, \"max\": 100, \"log\": true},"
                " \"base_model\": [\"resnet18\", \"resnet34\"]"),
        DRAWS);
    int rates[10] = {0}, gammas[10] = {0}, batches[4] = {0}, models[2] = {0}, epochs[2] = {0};
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        struct cell cell;
        char text[NUMBER_TEXT];
        assert_true(grid_cell(grid, i, &cell));
        rates[tenth(log(cell.base.lr), log(1e-4), log(1e-2))]++;
        gammas[tenth(cell.base.gamma, 0.5, 1)]++;
        assert_in_range(cell.base.batch_size, 2, 5);
        batches[cell.base.batch_size - 2]++;
        models[cell.base_model]++;
        assert_in_range(cell.base.num_epochs, 1, 100);
        epochs[cell.base.num_epochs >= 7]++; // log(6.5/0.5) is 0.48 of log(100.5/0.5)
        assert_true(strlen(number_text(cell.base.gamma, text)) <= 8);
        cell_free(&cell);
    }
    check_share(rates, 10, DRAWS);
    check_share(gammas, 10, DRAWS);
    check_share(batches, 4, DRAWS);
    check_share(models, 2, DRAWS);
    assert_in_range(epochs[0], 434, 534);
    grid_free(&grid);
}

// Known cells: a study that goes on years later, on another machine, must find the same ones.
static void test_random_cells_stay(void **state)
{
    struct grid *grid = random_grid(AXES(LR ", " GAMMA ", " BATCH), 3);
    static const char *const cells[] = {
        "{\"lr\": 0.00222916, \"gamma\": 0.626817, \"batch_size\": 2}",
        "{\"lr\": 0.000250609, \"gamma\": 0.889227, \"batch_size\": 2}",
        "{\"lr\": 0.00218579, \"gamma\": 0.64523, \"batch_size\": 3}",
    };
    (void)state;
    for (int i = 0; i < 3; i++) {
        cJSON *values = grid_values(grid, i);
        char *text = json_print_line(values);
        assert_string_equal(text, cells[i]);
        free(text);
        cJSON_Delete(values);
    }
    grid_free(&grid);
}

// An axis of each kind.
#define ALL \
    "{\"static\": {" PARTITION \
    ", \"inputs\": \"anat\", \"prediction\": \"area\"}, \"hyper\": {" LR \
    ", \"gamma\": [0.8, 1], " BATCH \
    ", \"bce_weight\": [0.01, 0.5], \"until\": [1, 3], " \
    "\"base_model\": [\"resnet18\", \"resnet34\"], \"image_size\": [[32, 64], [64, 64]], " \
    "\"shuffle\": [true, false]}}"

static void test_cells_of_others(void **state)
{
    static const char good[] =
        "{\"shuffle\": false, \"lr\": 0.005, \"gamma\": 0.93, \"batch_size\": 3, \"bce_weight\": "
        "0.5, "
        "\"until\": 2, \"base_model\": \"resnet34\", \"image_size\": \"[64, 64]\"}";
    static const struct {
        const char *key, *value, *message; // no value: the key is left out
    } cases[] = {
        {"lr", NULL, "lr: is missing: a number above 0 to 1 is allowed"},
        {"lr", "2", "lr: is 2: a number above 0 to 1 is allowed"},
        {"lr", "0.05", "lr: is 0.05: a number from 0.0001 to 0.01 is allowed"},
        {"gamma", "0.5", "gamma: is 0.5: a number from 0.8 to 1 is allowed"},
        {"batch_size", "2.5", "batch_size: is 2.5: a whole number from 1 to 1024 is allowed"},
        {"batch_size", "6", "batch_size: is 6: a number from 2 to 5 is allowed"},
        {"base_model", NULL,
         "base_model: is missing: one of [\"resnet18\", \"resnet34\"] is allowed"},
        {"base_model", "18", "base_model: is 18: one of [\"resnet18\", \"resnet34\"] is allowed"},
        {"image_size", "[32, 32]",
         "image_size: is [32, 32]: one of [[32, 64], [64, 64]] is allowed"},
        {"lrr", "1", NULL},
    };
    struct grid *grid = parse(ALL, &optuna);
    struct cell cell;
    (void)state;
    assert_int_equal(grid->cell_count, 0);
    cJSON *values = cJSON_Parse(good);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        cJSON *bad = cJSON_Duplicate(values, true);
        cJSON_DeleteItemFromObject(bad, cases[i].key);
        if (cases[i].value)
            cJSON_AddRawToObject(bad, cases[i].key, cases[i].value);
        char *text = cJSON_PrintUnformatted(bad); // what is raw becomes a value
        cJSON_Delete(bad);
        bad = cJSON_Parse(text);
        assert_false(grid_add_cell(grid, bad));
        assert_memory_equal(error_text(), "g.json: values", 14);
        if (cases[i].message)
            assert_string_equal(error_text() + 16, cases[i].message);
        else
            assert_non_null(strstr(error_text(), "unknown key \"lrr\": did you mean \"lr\"?"));
        cJSON_Delete(bad);
        free(text);
    }
    assert_int_equal(grid->cell_count, 0);
    assert_true(grid_add_cell(grid, values));
    assert_true(grid_add_cell(grid, values));
    assert_int_equal(grid->cell_count, 2);
    assert_true(grid_cell(grid, 1, &cell));
    assert_string_equal(cell.name, "grid00001");
    assert_true(cell.base.lr == 0.005 && cell.base.gamma == 0.93 && !cell.shuffle);
    assert_int_equal(cell.base_model, RESNET34);
    assert_int_equal(cell.rows, 64);
    cell_free(&cell);
    cJSON *ordered = grid_values(grid, 0);
    char *line = json_print_line(ordered);
    assert_string_equal(line,
                        "{\"lr\": 0.005, \"gamma\": 0.93, \"batch_size\": 3, "
                        "\"bce_weight\": 0.5, \"until\": 2, \"base_model\": \"resnet34\", "
                        "\"image_size\": [64, 64], \"shuffle\": false}");
    free(line);
    cJSON_Delete(ordered);
    cJSON_Delete(values);
    grid_free(&grid);
}

static void test_distributions(void **state)
{
    static const struct {
        const char *distribution, *value;
        double param;
    } axes[] = {
        {"{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0001, "
         "\"high\": 0.01, \"log\": true}}",
         "0.005", 0.005},
        {"{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.8, "
         "\"high\": "
         "1, \"log\": false}}",
         "1", 1},
        {"{\"name\": \"IntDistribution\", \"attributes\": {\"step\": 1, \"low\": 2, \"high\": 5, "
         "\"log\": false}}",
         "4", 4},
        {"{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.01, "
         "\"high\": 0.5, \"log\": true}}",
         "0.5", 0.5},
        {"{\"name\": \"IntDistribution\", \"attributes\": {\"step\": 1, \"low\": 1, \"high\": 3, "
         "\"log\": false}}",
         "3", 3},
        {"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"resnet18\", "
         "\"resnet34\"]}}",
         "\"resnet34\"", 1},
        {"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"[32, 64]\", "
         "\"[64, "
         "64]\"]}}",
         "[64, 64]", 1},
        {"{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [true, false]}}",
         "true", 0},
    };
    struct grid *grid = parse(ALL, &optuna);
    (void)state;
    assert_int_equal(grid->axis_count, sizeof(axes) / sizeof(*axes));
    for (int i = 0; i < grid->axis_count; i++) {
        char *text = axis_distribution(&grid->axes[i]);
        cJSON *value = cJSON_Parse(axes[i].value);
        assert_string_equal(text, axes[i].distribution);
        assert_true(axis_value(&grid->axes[i], value) == axes[i].param);
        cJSON_Delete(value);
        free(text);
    }
    grid_free(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_ranges),
        cmocka_unit_test(test_unknown_set_without_cells),
        cmocka_unit_test(test_random_cells_are_a_prefix),
        cmocka_unit_test(test_random_cells_fill_the_axes),
        cmocka_unit_test(test_random_cells_stay),
        cmocka_unit_test(test_cells_of_others),
        cmocka_unit_test(test_distributions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
