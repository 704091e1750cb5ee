// SPDX-License-Identifier: MIT
// "normalize" of a grid, and the statistics that weights keep of their features.
#include "tests/study/home.h"
#include "tests/test.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/statistics_json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define STATIC \
    "\"partition\": [[1], [2]], \"raters\": [], \"lr\": 0.001, \"gamma\": 0.9, " \
    "\"bce_weight\": 0.5, \"batch_size\": 4, \"prediction\": \"area\", " \
    "\"data_cache_path\": \"d\", \"features\": {\"inputs\": {\"own\": " \
    "{\"red\": \"img[0]\", \"t1\": \"t1\"}, \"less\": [\"t1\"]}}"

// The cell of a grid whose static has `more` besides, NULL with an error.
static bool cell_of(const char *more, struct cell *cell)
{
    struct grid *grid;
    char *text = text_format("{\"static\": {" STATIC "%s}, \"hyper\": {}}", more);
    const bool good = grid_parse(text, strlen(text), "g.json", NULL, &grid);
    free(text);
    if (!good)
        return false;
    must(grid_cell(grid, 0, cell));
    grid_free(&grid);
    return true;
}

static char *option_text(const struct cell *cell)
{
    const cJSON *value = json_member(cell->options, "normalize");
    return value ? json_print_line(value) : text_copy("nothing");
}

static void is_read(void **state)
{
    static const struct {
        const char *given, *kept;
        enum normalize red, t1;
    } cases[] = {
        {"", "nothing", NORMALIZE_NONE, NORMALIZE_NONE},
        {", \"normalize\": \"none\"", "\"none\"", NORMALIZE_NONE, NORMALIZE_NONE},
        {", \"normalize\": \"zscore\"", "\"zscore\"", NORMALIZE_ZSCORE, NORMALIZE_ZSCORE},
        {", \"normalize\": {\"t1\": \"dataset\"}", "{\"t1\": \"dataset\"}", NORMALIZE_NONE,
         NORMALIZE_DATASET},
        {", \"normalize\": {\"t1\": \"none\"}", "\"none\"", NORMALIZE_NONE, NORMALIZE_NONE},
        {", \"normalize\": {\"t1\": \"zscore\", \"red\": \"zscore\"}", "\"zscore\"",
         NORMALIZE_ZSCORE, NORMALIZE_ZSCORE},
        // Of a set that other cells of the grid may have.
        {", \"normalize\": {\"myelin\": \"zscore\"}", "\"none\"", NORMALIZE_NONE, NORMALIZE_NONE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct cell cell, again;
        char *given = text_format(", \"inputs\": \"own\"%s", cases[i].given);
        must(cell_of(given, &cell));
        free(given);
        assert_int_equal(cell.normalize[0], cases[i].red);
        assert_int_equal(cell.normalize[1], cases[i].t1);
        assert_ptr_equal(cell_request(&cell).normalize, cell.normalize);
        assert_null(cell.trained);
        char *kept = option_text(&cell);
        assert_string_equal(kept, cases[i].kept);
        free(kept);
        must(cell_from_options(cell.options, "o.json", &again)); // as a study writes them
        assert_int_equal(again.normalize[0], cases[i].red);
        assert_int_equal(again.normalize[1], cases[i].t1);
        assert_true(cJSON_Compare(cell.options, again.options, true));
        cell_free(&again);
        cell_free(&cell);
    }
}

static void is_an_axis(void **state)
{
    static const char text[] = "{\"static\": {" STATIC
                               "}, \"hyper\": {\"normalize\": [\"none\", {\"t1\": \"zscore\"}, "
                               "\"dataset\"], \"inputs\": [\"own\", \"less\", \"anat\"]}}";
    struct grid *grid;
    struct cell cell;
    (void)state;
    must(grid_parse(text, strlen(text), "g.json", NULL, &grid));
    assert_int_equal(grid->cell_count, 9);
    must(grid_cell(grid, 4, &cell)); // less, {"t1": "zscore"}
    assert_int_equal(cell.features.count, 1);
    assert_int_equal(cell.normalize[0], NORMALIZE_ZSCORE);
    cell_free(&cell);
    must(grid_cell(grid, 7, &cell)); // anat, which has no t1
    for (int i = 0; i < cell.features.count; i++)
        assert_int_equal(cell.normalize[i], NORMALIZE_NONE);
    cell_free(&cell);
    grid_free(&grid);
}

static void is_refused(void **state)
{
    static const struct {
        const char *given, *error;
    } wrong[] = {
        {"\"z\"", "g.json: static.normalize: is \"z\": none, zscore or dataset is allowed"},
        {"1", "static.normalize: none, zscore or dataset, or an object"},
        {"null", "static.normalize: none, zscore or dataset, or an object"},
        {"[\"zscore\"]", "static.normalize: none, zscore or dataset, or an object"},
        {"{\"t1\": \"mean\"}", "static.normalize.t1: is \"mean\": none, zscore or dataset"},
        {"{\"t1\": {}}", "static.normalize.t1: none, zscore or dataset is allowed"},
        {"{\"t11\": \"zscore\"}",
         "normalize: \"t11\" is no feature of any set: did you mean \"t1\"?"},
        {"{\"img[0]\": \"zscore\"}", "normalize: \"img[0]\" is no feature of any set"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct cell cell;
        char *given = text_format(", \"inputs\": \"own\", \"normalize\": %s", wrong[i].given);
        assert_false(cell_of(given, &cell));
        assert_error(wrong[i].error);
        free(given);
    }
}

// Studies from before there was such a key find their data again.
static void keys_of_old_studies_stay(void **state)
{
    static const char old[] =
        " {\"inputs\": {\"less\": [\"t1\"]}, \"prediction\": {\"area\": [\"V1\", \"V2\", \"V3\"]}} "
        "[128, 256] [[1], [2]] []";
    static const char *const same[] = {"", ", \"normalize\": \"none\"",
                                       ", \"normalize\": {\"red\": \"zscore\"}"},
                             *const others[] = {", \"normalize\": \"zscore\"",
                                                ", \"normalize\": {\"t1\": \"dataset\"}"};
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct cell cell;
        char *given = text_format(", \"inputs\": \"less\"%s", i < 3 ? same[i] : others[i - 3]);
        must(cell_of(given, &cell));
        char *data = cell_data_key(&cell), *group = cell_group_key(&cell);
        assert_int_equal(strcmp(data, old) == 0, i < 3);
        assert_int_equal(strcmp(group, "resnet18 auto 4 10 10 10") > 0 &&
                             strcmp(group + strlen("resnet18 auto 4 10 10 10"), old) == 0,
                         i < 3);
        free(group);
        free(data);
        free(given);
        cell_free(&cell);
    }
}

static bool network_of(const char *normalize, const char *statistics, struct cell *cell)
{
    cJSON *json = NULL;
    char *text = text_format("{" STATIC ", \"inputs\": \"own\", \"normalize\": %s%s%s}", normalize,
                             statistics ? ", \"statistics\": " : "", statistics ? statistics : "");
    must(json_parse(text, strlen(text), "t", &json));
    const bool read = cell_for_network(json, "w", cell);
    cJSON_Delete(json);
    free(text);
    return read;
}

static void statistics_are_kept(void **state)
{
    const struct value_statistics statistics[] = {
        {.count = 9, .low = -1.0 / 3, .high = 1e30, .mean = 0.1, .sd = 1e-300}, {0}};
    struct cell cell, again;
    (void)state;
    must(cell_of(", \"inputs\": \"own\"", &cell));
    cJSON *json = statistics_to_json(&cell, statistics);
    char *line = json_print_line(json);
    must(network_of("\"dataset\"", line, &again));
    assert_true(again.trained[0].low == statistics[0].low && again.trained[0].count > 0 &&
                again.trained[0].high == statistics[0].high &&
                again.trained[0].mean == statistics[0].mean &&
                again.trained[0].sd == statistics[0].sd);
    assert_true(again.trained[1].count == 0);
    assert_ptr_equal(cell_request(&again).trained, again.trained);
    assert_null(json_member(again.options, "statistics"));
    free(line);
    cJSON_Delete(json);
    cell_free(&again);
    cell_free(&cell);
    must(network_of("\"zscore\"", NULL, &again));
    assert_null(again.trained);
    cell_free(&again);
}

static void wrong_statistics_are_refused(void **state)
{
    static const struct {
        const char *normalize, *statistics, *error;
    } wrong[] = {
        {"\"dataset\"", NULL, "w: red is normalised by the mean and sd of the training data"},
        {"{\"t1\": \"dataset\"}", "{\"red\": null}", "w: t1 is normalised by the mean and sd"},
        {"\"none\"", "[]", "w: statistics: "},
        {"\"none\"", "{\"t1\": 1}", "w: statistics.t1: "},
        {"\"none\"", "{\"t1\": {\"min\": 0, \"max\": 1, \"mean\": 0.5}}",
         "w: statistics.t1.sd: is missing"},
        {"\"none\"", "{\"t1\": {\"min\": 0, \"max\": 1, \"mean\": 0.5, \"sd\": -1}}",
         "w: statistics.t1.sd: "},
        {"\"none\"", "{\"t1\": {\"min\": 0, \"max\": 1e39, \"mean\": 0.5, \"sd\": 1}}",
         "w: statistics.t1.max: "},
        {"\"none\"", "{\"t1\": {\"min\": 1, \"max\": 0, \"mean\": 0.5, \"sd\": 1}}",
         "w: statistics.t1: a mean between min and max is allowed"},
        {"\"none\"", "{\"t1\": {\"mean\": 0, \"size\": 0}}", "w: statistics.t1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct cell cell;
        assert_false(network_of(wrong[i].normalize, wrong[i].statistics, &cell));
        assert_error(wrong[i].error);
        assert_null(cell.options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_read),
        cmocka_unit_test(is_an_axis),
        cmocka_unit_test(is_refused),
        cmocka_unit_test(keys_of_old_studies_stay),
        cmocka_unit_test(statistics_are_kept),
        cmocka_unit_test(wrong_statistics_are_refused),
    };
    return RUN_TESTS(tests, enter_home, leave_home);
}
