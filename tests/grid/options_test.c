// SPDX-License-Identifier: MIT
// Files of options and plans with the keys and shapes of the original's (visual-autolabel:
// training-regimes, dave_params, what gen-gridparams.py writes): what they mean, what cannot be
// honoured.
#include "tests/test.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/grid.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITION "\"partition\": [[\"sub-1\", \"sub-2\"], [\"sub-3\"]]"
#define PLAN \
    "[{\"gamma\": 0.90, \"lr\": 0.00375, \"bce_weight\": 0.750, \"batch_size\": 4, " \
    "\"num_epochs\": 10}," \
    " {\"gamma\": 0.90, \"lr\": 0.00250, \"bce_weight\": 0.375, \"batch_size\": 4, " \
    "\"num_epochs\": 10}," \
    " {\"gamma\": 0.90, \"lr\": 0.00125, \"bce_weight\": 0.000, \"batch_size\": 4, " \
    "\"num_epochs\": 10}]"
// Without its end.
#define PUBLISHED \
    "{\"until\": 10, \"prediction\": \"area\", \"base_model\": \"resnet18\", " \
    "\"dataset_cache_path\": \"/data/datasets/HCP\", \"model_cache_path\": \"/data/models\""

static bool read_options(const char *options, const char *plan, struct cell *cell)
{
    cJSON *json, *rounds;
    must(json_parse(options, strlen(options), "o", &json));
    if (plan) {
        must(json_parse(plan, strlen(plan), "p", &rounds));
        cJSON_AddItemToObject(json, "plan", rounds);
    }
    const bool read = cell_from_options(json, "o", cell);
    cJSON_Delete(json);
    return read;
}

static void test_published(void **state)
{
    struct cell cell;
    (void)state;
    must(read_options(PUBLISHED ", \"inputs\": \"anat\", " PARTITION "}", PLAN, &cell));
    assert_int_equal(cell.until, 10);
    assert_string_equal(cell.data, "/data/datasets/HCP");
    assert_int_equal(cell.plan.count, 3);
    assert_true(cell.plan.rounds[1].lr == 0.0025 && cell.plan.rounds[1].bce_weight == 0.375);
    assert_null(json_member(cell.options, "dataset_cache_path"));
    cell_free(&cell);
    // Rounds stand over options: those of the other data set have a batch_size of their own.
    must(read_options(PUBLISHED ", \"inputs\": \"func\", \"batch_size\": 2, " PARTITION "}", PLAN,
                      &cell));
    assert_int_equal(cell.plan.rounds[0].batch_size, 4);
    cell_free(&cell);
}

// Everything but the rounds' lr and bce_weight stands in the options.
static void test_gen_gridparams(void **state)
{
    static const char options[] =
        "{\"model_key\": \"grid00002\", " PARTITION
        ", \"pretrained\": false, \"multiproc\": "
        "false, \"until\": 2, \"model_cache_path\": \"/data/models\", \"data_cache_path\": "
        "\"/data/inputs\", \"base_model\": \"resnet34\", \"gamma\": 0.8, \"batch_size\": 6, "
        "\"inputs\": \"full\", \"prediction\": \"ring\"}";
    static const char plan[] =
        "[{\"lr\": 0.0025, \"bce_weight\": 0.5}, {\"lr\": 0.0016666666666666668, \"bce_weight\": "
        "0.25}, {\"lr\": 0.0008333333333333334, \"bce_weight\": 0}]";
    struct cell cell;
    (void)state;
    must(read_options(options, plan, &cell));
    assert_int_equal(cell.base_model, RESNET34);
    assert_int_equal(cell.plan.count, 3);
    for (int i = 0; i < 3; i++)
        assert_true(cell.plan.rounds[i].gamma == 0.8 && cell.plan.rounds[i].batch_size == 6 &&
                    cell.plan.rounds[i].num_epochs == 10);
    // Bit for bit the plan that we would make of it.
    const struct plan usual = plan_default(0.0025, 0.8, 0.5, 6, 10);
    assert_memory_equal(&usual, &cell.plan, sizeof(usual));
    cell_free(&cell);
}

static void test_other_forms(void **state)
{
    static const char options[] =
        "{\"until\": null, \"inputs\": [\"ica1\", \"ica2\"], \"prediction\": [\"hV4\", \"VO1\"], "
        "\"raters\": [\"A7\"], \"multiproc\": true, \"device\": \"cuda:0\", \"nthreads\": -1, "
        "\"nice\": null, \"init_weights\": \"w.pt\", \"image_size\": 64, \"batch_size\": 3, "
        "\"gamma\": 1, \"partition\": {\"trn\": [1, 2], \"val\": [3]}, \"data_cache_path\": "
        "\"d\"}";
    struct cell cell, again;
    cJSON *json;
    (void)state;
    must(read_options(options, "[{\"lr\": 0.1, \"bce_weight\": 1}]", &cell));
    assert_int_equal(cell.until, 1);
    assert_int_equal(cell.rows, 64);
    assert_int_equal(cell.cols, 128);
    assert_string_equal(cell.inputs, "inputs");
    assert_string_equal(cell.features.names[1], "ica2");
    assert_string_equal(cell.prediction, "prediction");
    assert_string_equal(cell.labels.names[0], "hV4");
    assert_string_equal(cell.init, "w.pt");
    const struct unet_shape shape = cell_shape(&cell);
    assert_int_equal(shape.training_count, 2);
    // What is written of it says the same, in our own forms.
    must(cell_from_options(cell.options, "again", &again));
    assert_true(cJSON_Compare(cell.options, again.options, true));
    assert_null(json_member(cell.options, "nthreads"));
    assert_true(cJSON_IsArray(json_member(cell.options, "image_size")));
    cell_free(&again);
    cell_free(&cell);

    must(json_parse(options, strlen(options), "o", &json));
    char *ignored = cell_ignored_keys(json);
    assert_string_equal(ignored, "multiproc, device, nthreads");
    free(ignored);
    cJSON_Delete(json);
}

static void test_refused(void **state)
{
#define WITH(keys) PUBLISHED ", \"inputs\": \"anat\", " keys "}"
    static const struct {
        const char *options, *plan, *message;
    } cases[] = {
        {PUBLISHED ", " PARTITION "}", PLAN, "o: inputs: is missing: one set of features"},
        {PUBLISHED ", \"inputs\": \"all\", " PARTITION "}", PLAN, "o: inputs: is \"all\": one set"},
        {PUBLISHED ", \"inputs\": null, " PARTITION "}", PLAN, "o: inputs: is missing"},
        {PUBLISHED ", \"inputs\": [], " PARTITION "}", PLAN, "inputs.inputs: is []"},
        {PUBLISHED ", \"inputs\": {\"a\": [\"x\"], \"b\": [\"y\"]}, " PARTITION "}", PLAN,
         "o: inputs: is an object of 2 sets: one is allowed"},
        {WITH("\"partition\": \"default\""), PLAN,
         "o: partition: is \"default\": that list is a part of the original program, so write the "
         "subjects: [[training subjects], [validation subjects]] is allowed"},
        {WITH("\"partition\": \"0x3f\""), PLAN, "is \"0x3f\": such an id counts in the original's"},
        {WITH("\"partition\": [0.8, 0.2]"), PLAN, "is [0.8, 0.2]: the original draws the subjects"},
        {WITH("\"partition\": 0.8"), PLAN, "is 0.8: the original draws the subjects"},
        {PUBLISHED ", \"inputs\": [\"x\"], \"features\": null, " PARTITION "}", PLAN,
         "o: features: an object is allowed"},
        {PUBLISHED ", \"inputs\": [\"x\"], \"features\": {\"inputs\": 1}, " PARTITION "}", PLAN,
         "o: features.inputs: an object is allowed"},
        {WITH("\"partition\": {\"trn\": [\"a\"], \"other\": [\"b\"]}"), PLAN,
         "[[training subjects], [validation subjects]] is allowed"},
        {WITH(PARTITION ", \"nice\": \"very\""), PLAN, "o: nice: is \"very\": a whole number"},
        {WITH(PARTITION ", \"model_key\": \"a/b\""), PLAN, "o: model_key: is \"a\" and more"},
        {WITH(PARTITION ", \"data_cache_path\": \"d\""), PLAN,
         "o: dataset_cache_path: is the same as data_cache_path"},
        {WITH(PARTITION ", \"gamma\": 1"), "[{\"lr\": 0.1, \"batch_size\": 1}]",
         "o: plan[0].bce_weight: is missing, and the options do not have it"},
        {WITH(PARTITION),
         "[{\"lr\": 0.1, \"gamma\": 1, \"batch_size\": 1, \"bce_weight\": 0}, "
         "{\"lr\": 0.1, \"bce_weight\": 0, \"batch_size\": 1}]",
         "o: plan[1].gamma: is missing, and the options do not have it"},
        {WITH(PARTITION), "[{\"lr\": 0.1}]", "o: plan[0].gamma: is missing"},
        {WITH(PARTITION), "[{\"lr\": [0.0001, 0.01]}]",
         "o: plan[0].lr: is [0.0001, 0.01]: a number above 0"},
    };
    struct cell cell;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (read_options(cases[i].options, cases[i].plan, &cell))
            fail_msg("taken: %s", cases[i].options);
        if (!strstr(error_text(), cases[i].message))
            fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].options, error_text(), cases[i].message);
    }
}

// The original's None: no raters; of the others, as if they were not there.
static void test_nulls(void **state)
{
    struct cell cell;
    (void)state;
    must(read_options(PUBLISHED ", \"inputs\": \"anat\", \"raters\": null, \"pretrained\": null, "
                                "\"multiproc\": null, " PARTITION "}",
                      PLAN, &cell));
    assert_int_equal(cJSON_GetArraySize(json_member(cell.options, "raters")), 0);
    assert_null(cell.pretrained);
    cell_free(&cell);
}

// The options of a model of the original's say what its network is, whoever it was trained on.
static void test_network(void **state)
{
    static const char published[] = PUBLISHED
        ", \"inputs\": \"anat\", \"partition\": \"default\", "
        "\"pretrained\": true, \"init_weights\": \"w.pt\"}",
                      other[] = "{\"inputs\": \"anat\", \"prediction\": \"area\", \"lr\": 0.1}";
    struct cell cell;
    cJSON *json;
    (void)state;
    must(json_parse(published, strlen(published), "o", &json));
    assert_false(cell_from_options(json, "o", &cell));
    must(cell_for_network(json, "o", &cell));
    assert_int_equal(cell.features.count, 7);
    assert_int_equal(cell.labels.count, 3);
    assert_null(cell.init);
    assert_null(json_member(cell.options, "lr"));
    cell_free(&cell);
    cJSON_Delete(json);
    must(json_parse(other, strlen(other), "o", &json));
    must(cell_for_network(json, "o", &cell));
    assert_true(json_member(cell.options, "lr")->valuedouble == 0.1);
    assert_null(json_member(cell.options, "gamma"));
    cell_free(&cell);
    cJSON_Delete(json);
}

// The same keys in a grid.
static void test_grid(void **state)
{
    static const char text[] =
        "{\"static\": {" PARTITION
        ", \"dataset_cache_path\": \"d\", \"image_size\": 32, \"until\": null, \"inputs\": [\"x\"], "
        "\"prediction\": {\"own\": [\"V1\"]}, \"nthreads\": 3, \"model_key\": null}, "
        "\"hyper\": {\"lr\": [0.1], \"gamma\": [1], \"bce_weight\": [0, 1], \"batch_size\": [2]}}";
    static const char varied[] = "{\"static\": {" PARTITION
                                 ", \"lr\": 1, \"gamma\": 1, \"bce_weight\": 0, \"batch_size\": 1, "
                                 "\"inputs\": \"anat\", \"prediction\": \"area\"}, \"hyper\": "
                                 "{\"nice\": [1, 2]}}";
    struct grid *grid;
    struct cell cell;
    (void)state;
    must(grid_parse(text, strlen(text), "g.json", NULL, &grid));
    must(grid_cell(grid, 1, &cell));
    char *task = cell_task(&cell);
    assert_string_equal(task, "inputs_own");
    free(task);
    assert_string_equal(cell.data, "d");
    assert_int_equal(cell.cols, 64);
    cell_free(&cell);
    char *ignored = cell_ignored_keys(json_member(grid->json, "static"));
    assert_string_equal(ignored, "nthreads");
    free(ignored);
    grid_free(&grid);
    assert_false(grid_parse(varied, strlen(varied), "g.json", NULL, &grid));
    assert_error("g.json: hyper.nice: is for the whole study: allowed in static only");
}

// A grid of one cell: its own number draws its random numbers, and it is the first of its study.
static void test_grid_of_cell(void **state)
{
    struct grid *grid;
    struct cell cell;
    cJSON *json;
    (void)state;
    must(read_options(PUBLISHED ", \"inputs\": \"anat\", \"cell\": 12, " PARTITION "}", PLAN,
                      &cell));
    must(grid_of_cell(cell.options, "o", &grid));
    cell_free(&cell);
    assert_int_equal(grid->cell_count, 1);
    must(grid_cell(grid, 0, &cell));
    assert_int_equal(cell.number, 0);
    assert_int_equal(cell.stream, 12);
    assert_string_equal(cell.name, "grid00012");
    json = cJSON_Duplicate(cell.options, true);
    cell_free(&cell);
    grid_free(&grid);
    cJSON_DeleteItemFromObjectCaseSensitive(json, "partition");
    assert_false(grid_of_cell(json, "o", &grid));
    assert_error("o: partition: is missing");
    cJSON_Delete(json);
}

// Rates and weights of the usual rounds have the bits of the original's own arithmetic, in Python.
static void test_rounds_against_python(void **state)
{
    static const double rates[] = {0.00167, 0.0025, 0.00375, 0.00562, 0.00844, 0.004, 0.0001};
    static const double weights[] = {0.5, 0.67, 0.75};
    struct text code = {0};
    char line[256];
    size_t lines = 0;
    (void)state;
    if (!file_exists("/usr/bin/python3"))
        SKIP_TEST("no /usr/bin/python3");
    for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) { // round 1 is the number itself
        const struct plan plan = plan_default(rates[i], 1, weights[i % 3], 1, 1);
        assert_true(plan.rounds[0].lr == rates[i]);
        assert_true(plan.rounds[0].bce_weight == weights[i % 3]);
    }
    text_add(&code,
             "/usr/bin/python3 -c 'for lr in 0.00167, 0.0025, 0.00375, 0.00562, 0.00844, "
             "0.004, 0.0001:\n for w in 0.5, 0.67, 0.75:\n  print(*(float(x).hex() for x in "
             "(lr, lr * 2/3, lr * 1/3, w, w / 2, 0)))'");
    FILE *pipe = popen(code.bytes, "r");
    while (fgets(line, sizeof(line), pipe)) {
        const struct plan plan = plan_default(rates[lines / 3], 1, weights[lines % 3], 1, 1);
        char *at = line;
        for (int i = 0; i < 3; i++)
            assert_true(strtod(at, &at) == plan.rounds[i].lr);
        for (int i = 0; i < 3; i++)
            assert_true(strtod(at, &at) == plan.rounds[i].bce_weight);
        lines++;
    }
    assert_int_equal(pclose(pipe), 0);
    assert_int_equal(lines, 21);
    free(code.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_gen_gridparams),
        cmocka_unit_test(test_other_forms),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_grid),
        cmocka_unit_test(test_grid_of_cell),
        cmocka_unit_test(test_rounds_against_python),
    };
    return RUN_TESTS(tests, NULL, NULL);
}
