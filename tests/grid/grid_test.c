// SPDX-License-Identifier: MIT
// The grid file: numbering, plans, options, and what is refused.
#include "tests/test.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/grid/folds.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"
#include "vkgrid/run/run.h"
#include "vkgrid/run/groups.h"
#include "vkgrid/grid/plan_json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A grid with everything that is needed, to which a test adds: keys of static (with a leading
// comma), all of hyper.
#define PARTITION "\"partition\": [[1, \"two\"], [3]]"
#define REST \
    "\"lr\": 0.001, \"gamma\": 0.9, \"bce_weight\": 0.5, \"batch_size\": 4, \"inputs\": " \
    "\"anat\", \"prediction\": \"area\""
#define GRID(more, hyper) "{\"static\": {" PARTITION ", " REST more "}, \"hyper\": {" hyper "}}"

static struct grid *parse(const char *text, const struct grid_settings *settings)
{
    struct grid *grid;
    must(grid_parse(text, strlen(text), "g.json", settings, &grid));
    return grid;
}

#define LONG_NAME \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_refused_grids(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"[]", "g.json: is []: an object {...} is allowed"},
        {"{\"static\": {}, \"hyper\": {}, \"x\": 1}",
         "unknown key \"x\": allowed are static hyper"},
        {"{\"static\": {}}", "g.json: hyper: is missing"},
        {GRID(", \"gama\": 1", ""),
         "g.json: static: unknown key \"gama\": did you mean \"gamma\"?"},
        {GRID(", \"cell\": 1", ""), "unknown key \"cell\""},
        {GRID("", "\"learning\": [1]"), "g.json: hyper: unknown key \"learning\""},
        {GRID("", "\"lr\": [0.1]"), "g.json: hyper.lr: stands in static too"},
        {GRID("", "\"until\": []"),
         "g.json: hyper.until: is []: a list that is not empty is allowed"},
        {GRID("", "\"until\": 3"),
         "g.json: hyper.until: is 3: a list that is not empty is allowed"},
        {GRID("", "\"until\": [1, 0]"), "g.json: hyper.until[1]: is 0: a whole number from 1 to"},
        {GRID(", \"until\": 1.5", ""), "g.json: static.until: is 1.5: a whole number from 1 to"},
        {GRID(", \"until\": \"2\"", ""), "g.json: static.until: is \"2\""},
        {GRID("", "\"model_cache_path\": [\"a\"]"),
         "hyper.model_cache_path: is for the whole study"},
        {GRID(", \"image_size\": [128, 250]", ""),
         "image_size[1] (cols): is 250: a multiple of 32 is allowed"},
        {GRID(", \"image_size\": [0, 32]", ""),
         "image_size[0] (rows): is 0: a whole number from 32"},
        {GRID(", \"image_size\": \"128\"", ""), "[rows, cols], both multiples of 32, or rows"},
        {GRID(", \"image_size\": 100", ""), "image_size: is 100: a multiple of 32 is allowed"},
        {GRID(", \"num_epochs\": 0", ""), "static.num_epochs: is 0"},
        {GRID(", \"seed\": -1", ""), "static.seed: is -1: a whole number from 0"},
        {GRID(", \"shuffle\": 1", ""), "static.shuffle: is 1: true or false is allowed"},
        {GRID(", \"pretrained\": 1", ""),
         "static.pretrained: true, false, the name of a torchvision weights file or a file"},
        {GRID(", \"pretrained\": {}", ""), "or a file for each base model"},
        {GRID(", \"pretrained\": \"\"", ""), "the name of a torchvision weights file"},
        {GRID(", \"pretrained\": {\"resnet50\": \"a\"}", ""),
         "static.pretrained: has a file for \"resnet50\": resnet18 and resnet34 are allowed"},
        {GRID(", \"pretrained\": {\"resnet18\": true}", ""),
         "static.pretrained.resnet18: the name of a torchvision weights file"},
        {GRID(", \"pretrained\": {\"resnet34\": \"a\"}", ""),
         "g.json: pretrained: has no file for resnet18"},
        {GRID(", \"pretrained\": true", ""),
         "pretrained: is true: the torchvision weights file must be named"},
        {GRID(", \"precision\": \"fp8\"", ""), "is \"fp8\": auto, fp32 or mixed is allowed"},
        {GRID(", \"raters\": \"A1\"", ""), "static.raters: is \"A1\": a list is allowed"},
        {GRID(", \"raters\": [\"A\", \"A\"]", ""), "static.raters[1]: \"A\" stands twice"},
        {GRID(", \"raters\": [\"../A\"]", ""), "a name without /"},
        {GRID(", \"raters\": [\"A\\tB\"]", ""),
         "static.raters[0]: is \"A\" and more: a name without /"},
        {GRID(", \"raters\": [\"" LONG_NAME "1\"]", ""), "at most 100 bytes"},
        {GRID(", \"multiproc\": 3", ""), "static.multiproc: is 3"},
        {GRID(", \"base_model\": \"resnet50\"", ""),
         "static.base_model: is \"resnet50\": resnet18 or resnet34"},
        {GRID(", \"features\": {\"input\": {}}", ""),
         "static.features: unknown key \"input\": did you mean \"inputs\"?"},
        {GRID(", \"features\": {\"inputs\": {\"a\": []}}", ""), "static.features.inputs.a: is []"},
        {GRID(", \"features\": {\"inputs\": {\"a\": [1]}}", ""),
         "static.features.inputs.a[0]: is 1"},
        {GRID(", \"plan\": []", ""), "static.plan: is []"},
        {GRID(", \"plan\": [{\"lr\": 0}]", ""),
         "static.plan[0].lr: is 0: a number above 0 to 1 is allowed"},
        {GRID(", \"plan\": [{\"rl\": 0.1}]", ""), "static.plan[0]: unknown key \"rl\""},
        {GRID(", \"plan\": [{}, {\"batch_size\": 2}]", ""),
         "g.json: plan[1].batch_size: is 2 after 4: only one batch_size is allowed in a plan"},
        {"{\"static\": {" PARTITION ", " REST "}, \"hyper\": {\"gamma\": [1]}}",
         "stands in static too"},
        {"{\"static\": {" PARTITION ", \"lr\": 2}, \"hyper\": {}}",
         "static.lr: is 2: a number above 0 to 1"},
        {"{\"static\": {" PARTITION "}, \"hyper\": {}}",
         "g.json: lr: is missing: a number above 0 to 1 is allowed"},
        {"{\"static\": {" PARTITION ", \"lr\": 0.1, \"gamma\": 1, \"bce_weight\": 0, "
         "\"batch_size\": 1}, \"hyper\": {}}",
         "g.json: inputs: is missing: one set of features is allowed"},
        {"{\"static\": {" REST "}, \"hyper\": {}}", "g.json: partition: is missing"},
        {"{\"static\": {\"partition\": [[1]]," REST "}, \"hyper\": {}}",
         "[[training subjects], [validation subjects]]"},
        {"{\"static\": {\"partition\": [[1], []]," REST "}, \"hyper\": {}}",
         "static.partition[1] (validation subjects): is []: a list that is not empty"},
        {"{\"static\": {\"partition\": [[1, 2], [\"2\"]]," REST "}, \"hyper\": {}}",
         "the subject 2 stands twice"},
        {"{\"static\": {\"partition\": [[1, 1], [2]]," REST "}, \"hyper\": {}}",
         "the subject 1 stands twice"},
        {"{\"static\": {\"partition\": [[1], [2], [3, \"1\"]]," REST "}, \"hyper\": {}}",
         "the subject 1 stands twice"},
        {"{\"static\": {\"partition\": [[1], [2], []]," REST "}, \"hyper\": {}}",
         "static.partition[2] (test subjects): is []: a list that is not empty"},
        {"{\"static\": {\"partition\": [[1], [2], [3], [4]]," REST "}, \"hyper\": {}}",
         "and [test subjects] as a third list"},
        {"{\"static\": {\"partition\": [[1], [2], 3]," REST "}, \"hyper\": {}}",
         "static.partition[2] (test subjects): is 3"},
        {"{\"static\": {\"partition\": {\"trn\": [1], \"val\": [2], \"tst\": [3]}," REST
         "}, \"hyper\": {}}",
         "and [test subjects] as a third list"},
        {"{\"static\": {\"partition\": [[1.5], [2]]," REST "}, \"hyper\": {}}",
         "partition[0] (training subjects)[0]: is 1.5"},
        {"{\"static\": {\"partition\": [[\"a/b\"], [2]]," REST "}, \"hyper\": {}}",
         "a name without /"},
        {"{\"static\": {\"partition\": [[true], [2]]," REST "}, \"hyper\": {}}",
         "a subject is a whole number or a text"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct grid *grid = NULL;
        if (grid_parse(cases[i].text, strlen(cases[i].text), "g.json", NULL, &grid))
            fail_msg("taken: %s", cases[i].text);
        if (!strstr(error_text(), cases[i].message) || strncmp(error_text(), "g.json: ", 8) != 0)
            fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].text, error_text(), cases[i].message);
    }
}

static void test_unknown_set_names_all(void **state)
{
    static const char text[] =
        "{\"static\": {" PARTITION
        ", \"lr\": 0.001, \"gamma\": 0.9, \"bce_weight\": 0.5, \"batch_size\": 4, "
        "\"features\": {\"inputs\": {\"em\": [\"em\"]}}, \"prediction\": \"area\"}, "
        "\"hyper\": {\"inputs\": [\"em\", \"eem\"]}}";
    struct grid *grid;
    (void)state;
    assert_false(grid_parse(text, strlen(text), "g.json", NULL, &grid));
    assert_string_equal(
        error_text(),
        "g.json: inputs: is \"eem\": anat, full, null, t1t2, func, trac, not2, nofn, nodw, em, "
        "or a set of features.inputs is allowed");
}

static void test_too_many_cells(void **state)
{
    struct text list = {0}, grid_text = {0};
    struct grid *grid;
    (void)state;
    for (int i = 1; i <= 1000; i++)
        text_add(&list, "%s%d", i > 1 ? ", " : "", i);
    text_add(&grid_text, GRID("", "\"until\": [%s], \"seed\": [%s], \"shuffle\": [true, false]"),
             list.bytes, list.bytes);
    assert_false(grid_parse(grid_text.bytes, grid_text.size, "g.json", NULL, &grid));
    assert_non_null(strstr(error_text(), "g.json: hyper: more than the 1000000 cells"));
    free(list.bytes);
    free(grid_text.bytes);
}

static void test_defaults_and_targets(void **state)
{
    struct grid *grid = parse(GRID("", ""), NULL);
    struct cell cell;
    struct sample_names samples;
    static const char *const training[] = {"A1_1", "A1_two", "A2_1", "A2_two",
                                           "A3_1", "A3_two", "A4_1", "A4_two"};
    (void)state;
    assert_int_equal(grid->cell_count, 1);
    assert_true(grid_cell(grid, 0, &cell));
    assert_string_equal(cell.name, "grid00000");
    assert_int_equal(cell.base_model, RESNET18);
    assert_int_equal(cell.rows, 128);
    assert_int_equal(cell.cols, 256);
    assert_int_equal(cell.until, 1);
    assert_int_equal(cell.base.num_epochs, 10);
    assert_true(cell.shuffle);
    assert_null(cell.pretrained);
    assert_null(cell.data);
    assert_int_equal(cell.features.count, 7);
    assert_int_equal(cell.labels.count, 3);
    assert_string_equal(cell.features.names[6], "surface_area");
    assert_string_equal(cell.labels.names[0], "V1");
    cell_samples(&cell, &samples);
    assert_int_equal(samples.training_count, 8);
    assert_int_equal(samples.validation_count, 4);
    for (int i = 0; i < 8; i++)
        assert_string_equal(samples.training[i], training[i]);
    assert_string_equal(samples.validation[3], "A4_3");
    const struct unet_shape shape = cell_shape(&cell);
    assert_int_equal(shape.count, 12);
    assert_int_equal(shape.training_count, 8);
    sample_names_free(&samples);
    cell_free(&cell);
    grid_free(&grid);
}

static void test_sets(void **state)
{
    static const struct {
        const char *inputs, *prediction;
        int features, labels;
    } cases[] = {{"full", "ring", 14, 5}, {"null", "sect", 1, 8}, {"t1t2", "area", 8, 3},
                 {"func", "area", 11, 3}, {"trac", "area", 9, 3}, {"not2", "area", 13, 3},
                 {"nofn", "area", 10, 3}, {"nodw", "area", 12, 3}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *text = text_format(
            "{\"static\": {" PARTITION
            ", \"lr\": 0.1, \"gamma\": 1, \"bce_weight\": 0, \"batch_size\": 1, "
            "\"inputs\": \"%s\", \"prediction\": \"%s\", \"raters\": []}, \"hyper\": {}}",
            cases[i].inputs, cases[i].prediction);
        struct grid *grid = parse(text, NULL);
        struct cell cell;
        assert_true(grid_cell(grid, 0, &cell));
        assert_int_equal(cell.features.count, cases[i].features);
        assert_int_equal(cell.labels.count, cases[i].labels);
        cell_free(&cell);
        grid_free(&grid);
        free(text);
    }
}

// They are in the options, and in nothing that is trained.
static void test_test_subjects(void **state)
{
    static const char *const partitions[] = {
        "\"partition\": [[1, \"two\"], [3], [\"four\", 5]]",
        "\"partition\": {\"test\": [\"four\", 5], \"trn\": [1, \"two\"], \"val\": [3]}"};
    struct grid *without = parse("{\"static\": {" PARTITION "," REST "}, \"hyper\": {}}", NULL);
    struct cell plain;
    (void)state;
    assert_true(grid_cell(without, 0, &plain));
    for (int i = 0; i < 2; i++) {
        char *text = text_format("{\"static\": {%s," REST "}, \"hyper\": {}}", partitions[i]);
        struct grid *grid = parse(text, NULL);
        struct sample_names samples;
        struct cell cell;
        assert_true(grid_cell(grid, 0, &cell));
        for (int k = 0; k < 2; k++) {
            if (k == 0)
                cell_samples(&cell, &samples);
            else
                assert_true(options_fold_samples(cell.options, "o", -1, &samples));
            assert_int_equal(samples.training_count, 2 * 4);
            assert_int_equal(samples.validation_count, 4);
            assert_int_equal(samples.test_count, 2 * 4);
            assert_string_equal(samples.test[0], "A1_four");
            assert_string_equal(samples.test[7], "A4_5");
            sample_names_free(&samples);
        }
        assert_int_equal(cell_shape(&cell).count, cell_shape(&plain).count);
        char *keys[] = {cell_data_key(&cell), cell_data_key(&plain), cell_group_key(&cell),
                        cell_group_key(&plain)};
        assert_string_equal(keys[0], keys[1]);
        assert_string_equal(keys[2], keys[3]);
        for (int k = 0; k < 4; k++)
            free(keys[k]);
        cell_free(&cell);
        grid_free(&grid);
        free(text);
    }
    cell_free(&plain);
    grid_free(&without);
}

// Where the data are is no part of what they are, unless the grid varies it.
static void test_data_keys(void **state)
{
    static const char *const texts[] = {GRID(", \"data_cache_path\": \"a\"", "\"seed\": [0]"),
                                        GRID(", \"data_cache_path\": \"b\"", "\"seed\": [0]"),
                                        GRID("", "\"seed\": [0], \"data_cache_path\": [\"a\"]"),
                                        GRID("", "\"seed\": [0], \"data_cache_path\": [\"b\"]")};
    char *keys[4], *groups[4];
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct grid *grid = parse(texts[i], NULL);
        struct cell cell;
        assert_true(grid_cell(grid, 0, &cell));
        keys[i] = cell_data_key(&cell);
        groups[i] = cell_group_key(&cell);
        cell_free(&cell);
        grid_free(&grid);
    }
    assert_string_equal(keys[0], keys[1]);
    assert_string_equal(groups[0], groups[1]);
    assert_string_not_equal(keys[2], keys[3]);
    assert_string_not_equal(groups[2], groups[3]);
    assert_string_not_equal(keys[0], keys[2]);
    for (int i = 0; i < 4; i++) {
        free(keys[i]);
        free(groups[i]);
    }
}

static void test_any_key_moves_to_hyper(void **state)
{
    static const char text[] =
        "{\"static\": {}, \"hyper\": {\"lr\": [0.1, 0.2], \"partition\": [[[1], [2]], [[2], [1]]], "
        "\"raters\": [[], [\"B\"]], "
        "\"image_size\": [[32, 64]], \"shuffle\": [true, false], \"gamma\": [1], \"bce_weight\": "
        "[0.5], \"batch_size\": [2], "
        "\"inputs\": [\"em\"], \"prediction\": [\"area\"], \"features\": [{\"inputs\": {\"em\": "
        "[\"em\"]}}], \"until\": [1, 3], "
        "\"plan\": [[{\"num_epochs\": 1}], [{}, {\"lr\": 0.01}]]}}";
    struct grid *grid = parse(text, NULL);
    struct cell cell;
    (void)state;
    assert_int_equal(grid->cell_count, 64);
    assert_true(grid_cell(grid, 63, &cell));
    assert_true(cell.base.lr == 0.2 && !cell.shuffle && cell.until == 3);
    assert_int_equal(cell.plan.count, 2);
    assert_true(cell.plan.rounds[0].lr == 0.2 && cell.plan.rounds[1].lr == 0.01);
    assert_int_equal(cell.plan.rounds[1].num_epochs, 10);
    struct sample_names samples;
    cell_samples(&cell, &samples);
    assert_string_equal(samples.training[0], "B_2");
    sample_names_free(&samples);
    cell_free(&cell);
    assert_true(grid_cell(grid, 0, &cell));
    assert_int_equal(cell.plan.count, 1);
    cell_samples(&cell, &samples);
    assert_string_equal(samples.validation[0], "2");
    sample_names_free(&samples);
    cell_free(&cell);
    grid_free(&grid);
}

static void test_settings(void **state)
{
    const uint64_t seed = 9;
    const struct grid_settings settings = {
        .data = "d", .precision = "fp32", .pretrained = "w.pth", .seed = &seed};
    struct grid *grid =
        parse(GRID(", \"seed\": 1", "\"pretrained\": [false, true, \"other.pth\"]"), &settings);
    struct cell cell;
    const char *const files[] = {NULL, "w.pth", "other.pth"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(grid_cell(grid, i, &cell));
        assert_int_equal(cell.seed, 9);
        assert_string_equal(cell.data, "d");
        if (files[i])
            assert_string_equal(cell.pretrained, files[i]);
        else
            assert_null(cell.pretrained);
        cell_free(&cell);
    }
    grid_free(&grid);
    const char *varied = GRID("", "\"seed\": [1, 2]");
    assert_false(grid_parse(varied, strlen(varied), "g.json", &settings, &grid));
    assert_non_null(
        strstr(error_text(), "hyper.seed: the grid varies it, so that --seed is not allowed"));
}

// A file for each base model, in the grid or on the command line.
static void test_pretrained(void **state)
{
    static const char *const texts[] = {
        GRID(", \"pretrained\": {\"resnet34\": \"b=,c\", \"resnet18\": \"a\"}",
             "\"base_model\": [\"resnet18\", \"resnet34\"]"),
        GRID(", \"pretrained\": true", "\"base_model\": [\"resnet18\", \"resnet34\"]"),
    };
    static const char *const wrong[][2] = {
        {"", "--pretrained: the name of a file is missing"},
        {"resnet18=", "--pretrained.resnet18: the name"},
        {"resnet18=a,b", "--pretrained resnet18=a,b: a file, or resnet18=FILE,resnet34=FILE"},
        {"resnet18=a,resnet18=b", "stands there twice"},
        {"resnet18=a,resnet50=b", "--pretrained resnet18=a,resnet50=b: a file, or"},
    };
    struct cJSON *value;
    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct grid_settings settings = {.pretrained = i ? "resnet18=a,resnet34=b=" : NULL};
        struct grid *grid = parse(texts[i], &settings);
        const char *const files[] = {"a", i ? "b=" : "b=,c"};
        for (int n = 0; n < 2; n++) {
            struct cell cell;
            assert_true(grid_cell(grid, n, &cell));
            assert_string_equal(cell.pretrained, files[n]);
            assert_string_equal(json_member(cell.options, "pretrained")->valuestring, files[n]);
            cell_free(&cell);
        }
        grid_free(&grid);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(pretrained_parse(wrong[i][0], &value));
        assert_non_null(strstr(error_text(), wrong[i][1]));
        assert_null(value);
    }
    assert_true(pretrained_parse("dir=x/a,b.pth", &value)); // a name like any other
    assert_string_equal(value->valuestring, "dir=x/a,b.pth");
    cJSON_Delete(value);
}

static void test_plan(void **state)
{
    const struct plan plan = plan_default(0.0084, 0.8, 0.75, 4, 10);
    const struct round base = {.gamma = 0.7}, none = {0};
    const double lr[] = {0.0084, 0.0056, 0.0028}, weight[] = {0.75, 0.375, 0};
    struct plan again;
    (void)state;
    assert_int_equal(plan.count, 3);
    for (int i = 0; i < 3; i++) {
        assert_true(plan.rounds[i].lr / lr[i] - 1 < 1e-15 &&
                    plan.rounds[i].lr / lr[i] - 1 > -1e-15);
        assert_true(plan.rounds[i].bce_weight == weight[i]);
        assert_true(plan.rounds[i].gamma == 0.8);
        assert_int_equal(plan.rounds[i].batch_size, 4);
        assert_int_equal(plan.rounds[i].num_epochs, 10);
    }
    cJSON *json = plan_to_json(&plan), *read;
    char *text = json_print(json);
    assert_true(json_parse(text, strlen(text), "p", &read));
    assert_true(plan_from_json(read, "p", &none, &again));
    for (int i = 0; i < 3; i++)
        assert_true(again.rounds[i].lr == plan.rounds[i].lr &&
                    again.rounds[i].bce_weight == plan.rounds[i].bce_weight);
    cJSON_DeleteItemFromObject(cJSON_GetArrayItem(read, 1), "gamma");
    assert_true(plan_from_json(read, "plan.json", &base, &again));
    assert_true(again.rounds[0].gamma == 0.8 && again.rounds[1].gamma == 0.7);
    cJSON_Delete(json);
    cJSON_Delete(read);
    free(text);
}

// A cell is the same after its options went through a file.
static void test_options_read_back(void **state)
{
    struct grid *grid = parse(GRID(", \"raters\": [\"R\"], \"data_cache_path\": \"d\"",
                                   "\"seed\": [1, 2], \"plan\": [[{\"num_epochs\": 3}]]"),
                              NULL);
    struct cell cell, again;
    cJSON *json;
    (void)state;
    assert_true(grid_cell(grid, 1, &cell));
    char *text = json_print(cell.options);
    assert_true(json_parse(text, strlen(text), "o", &json));
    assert_true(cell_from_options(json, "o", &again));
    assert_true(cJSON_Compare(cell.options, again.options, true));
    assert_int_equal(again.number, 1);
    assert_int_equal(again.seed, 2);
    assert_int_equal(again.plan.count, 1);
    assert_int_equal(again.plan.rounds[0].num_epochs, 3);
    char *key = cell_group_key(&cell), *same = cell_group_key(&again);
    assert_string_equal(key, same);
    free(key);
    free(same);
    cJSON_Delete(json);
    free(text);
    cell_free(&again);
    cell_free(&cell);
    grid_free(&grid);
}

static void check_literal_cell(const struct grid *grid, int number, enum base_model base_model,
                               double lr, double gamma, double bce_weight, int batch_size,
                               const char *inputs, const char *prediction)
{
    struct cell cell;
    assert_true(grid_cell(grid, number, &cell));
    assert_int_equal(cell.base_model, base_model);
    assert_true(cell.base.lr == lr && cell.base.gamma == gamma &&
                cell.base.bce_weight == bce_weight);
    assert_int_equal(cell.base.batch_size, batch_size);
    assert_string_equal(cell.inputs, inputs);
    assert_string_equal(cell.prediction, prediction);
    assert_int_equal(cell.until, 2);
    cell_free(&cell);
}

#define PUBLISHED TEST_SOURCE "/../../assets/benson2025-grid.json"

static void test_published_cells(void **state)
{
    struct grid *grid;
    (void)state;
    assert_true(grid_read(PUBLISHED, NULL, &grid));
    assert_int_equal(grid->cell_count, 1800);
    assert_string_equal(grid->model_cache_path, "/data/models");
    // Worked out by hand: n = m + 2 (l + 5 (g + 5 (w + 3 (b + 3 (i + 2 p))))).
    check_literal_cell(grid, 0, RESNET18, 0.00167, 0.8, 0.5, 4, "full", "area");
    check_literal_cell(grid, 1, RESNET34, 0.00167, 0.8, 0.5, 4, "full", "area");
    check_literal_cell(grid, 2, RESNET18, 0.0025, 0.8, 0.5, 4, "full", "area");
    check_literal_cell(grid, 10, RESNET18, 0.00167, 0.85, 0.5, 4, "full", "area");
    check_literal_cell(grid, 1234, RESNET18, 0.00375, 0.95, 0.5, 6, "full", "ring");
    check_literal_cell(grid, 1799, RESNET34, 0.00844, 1, 0.75, 6, "anat", "ring");
    grid_free(&grid);
}

static void test_published_cells_against_python(void **state)
{
    struct grid *grid;
    char line[256];
    int lines = 0;
    (void)state;
    char *command = text_format("/usr/bin/python3 '%s/published.py' '%s'", TEST_SOURCE, PUBLISHED);
    FILE *pipe = file_exists("/usr/bin/python3") ? popen(command, "r") : NULL;
    if (!pipe)
        SKIP_TEST("no /usr/bin/python3");
    assert_true(grid_read(PUBLISHED, NULL, &grid));
    while (fgets(line, sizeof(line), pipe)) {
        struct cell cell;
        char lr[NUMBER_TEXT], gamma[NUMBER_TEXT], weight[NUMBER_TEXT];
        line[strcspn(line, "\n")] = 0;
        assert_true(grid_cell(grid, lines, &cell));
        char *mine = text_format("%d\t\"%s\"\t%s\t%s\t%s\t%d\t\"%s\"\t\"%s\"", lines,
                                 base_model_name(cell.base_model), number_text(cell.base.lr, lr),
                                 number_text(cell.base.gamma, gamma),
                                 number_text(cell.base.bce_weight, weight), cell.base.batch_size,
                                 cell.inputs, cell.prediction);
        assert_string_equal(mine, line);
        free(mine);
        cell_free(&cell);
        lines++;
    }
    assert_int_equal(pclose(pipe), 0);
    assert_int_equal(lines, 1800);
    free(command);
    grid_free(&grid);
}

static void test_published_groups(void **state)
{
    struct grid *grid;
    struct groups groups;
    (void)state;
    assert_true(grid_read(PUBLISHED, NULL, &grid));
    int *all = mem_alloc(sizeof(int) * 1800);
    for (int i = 0; i < 1800; i++)
        all[i] = i;
    assert_true(groups_make(grid, all, 1800, &groups));
    assert_int_equal(groups.count, 24);
    assert_int_equal(groups.run_count, 3600);
    for (int i = 0; i < 24; i++) {
        assert_int_equal(groups.items[i].cell_count, 75);
        assert_int_equal(groups.items[i].run_count, 150);
        assert_int_equal(groups.items[i].shape.training_count, 4 * 130);
        assert_int_equal(groups.items[i].shape.count, 4 * 163);
    }
    groups_free(&groups);
    free(all);
    grid_free(&grid);
}

static void test_pack_ranges(void **state)
{
    (void)state;
    assert_int_equal(pack_count(150, 40), 4);
    for (int runs = 1; runs < 40; runs++) {
        for (int slots = 1; slots <= runs; slots++) {
            const int packs = pack_count(runs, slots);
            int next = 0;
            for (int i = 0; i < packs; i++) {
                int first, count;
                pack_range(runs, packs, i, &first, &count);
                assert_int_equal(first, next);
                assert_true(count >= 1 && count <= slots);
                next += count;
            }
            assert_int_equal(next, runs);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_grids),
        cmocka_unit_test(test_unknown_set_names_all),
        cmocka_unit_test(test_too_many_cells),
        cmocka_unit_test(test_defaults_and_targets),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_test_subjects),
        cmocka_unit_test(test_data_keys),
        cmocka_unit_test(test_any_key_moves_to_hyper),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_pretrained),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_options_read_back),
        cmocka_unit_test(test_published_cells),
        cmocka_unit_test(test_published_cells_against_python),
        cmocka_unit_test(test_published_groups),
        cmocka_unit_test(test_pack_ranges),
    };
    return RUN_TESTS(tests, NULL, NULL);
}
