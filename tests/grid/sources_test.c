// SPDX-License-Identifier: MIT
// Where a grid's samples come from: raters as the files show them, sources with channels and
// classes.
#include "tests/study/home.h"
#include "tests/test.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/grid.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define PARTITION "\"partition\": [[1, \"two\"], [3], [9]]"

static const char usual[] =
    "{\"static\": {" PARTITION
    ", \"lr\": 0.001, \"gamma\": 0.9, \"bce_weight\": 0.5, \"batch_size\": 4, "
    "\"inputs\": \"anat\", \"prediction\": \"area\"}, \"hyper\": {}}";

// Where the grid names no raters, the files do.
static void test_raters_of_the_files(void **state)
{
    static const struct {
        const char *file, *sample; // of x/, and the first that the grid asks for then
        int count;
    } cases[] = {{"A2_two.npy", "A2_1", 2},
                 {"A4_3.PNG", "A2_1", 4},
                 {"9.npy", "A2_1", 4},
                 {"3.npy", "1", 2}};
    (void)state;
    assert_true(folder_make("data/x"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *file = text_format("data/x/%s", cases[i].file);
        assert_true(file_write_text(file, ""));
        free(file);
        const struct grid_settings settings = {.data = "data"};
        struct grid *grid;
        struct cell cell;
        struct sample_names samples;
        must(grid_parse(usual, strlen(usual), "g.json", &settings, &grid));
        assert_true(grid_cell(grid, 0, &cell));
        cell_samples(&cell, &samples);
        assert_int_equal(samples.training_count, cases[i].count);
        assert_string_equal(samples.training[0], cases[i].sample);
        assert_null(json_member(json_member(grid->json, "static"), "raters"));
        sample_names_free(&samples);
        cell_free(&cell);
        grid_free(&grid);
    }
}

static void test_sources(void **state)
{
    static const char text[] =
        "{\"static\": {" PARTITION
        ", \"lr\": 0.1, \"gamma\": 1, \"bce_weight\": 0, \"batch_size\": 1, "
        "\"inputs\": {\"photo\": {\"red\": \"img[0]\", \"blue\": \"img[2]\"}}, "
        "\"prediction\": \"tissue\", \"raters\": null, \"features\": {\"prediction\": {\"tissue\": "
        "{\"grey\": \"mask=1\", \"white\": \"mask=2\"}}}}, \"hyper\": {}}";
    static const struct {
        const char *set, *error; // of labels
    } wrong[] = {
        {"{}", "features.prediction.tissue: an object of 0 sources"},
        {"{\"a\": 1}", "features.prediction.tissue.a: "},
        {"{\"a\": \"m=1\", \"a\": \"m=2\"}", "\"a\" stands twice"},
        {"{\"a\": \"m=99999\"}", "source \"m=99999\": a channel of [0] to [4095] and a class"},
        {"{\"/a\": \"m=1\"}", "a name without /"},
        {"[\"m[5000]\"]", "features.prediction.tissue: source \"m[5000]\""},
        {"{\"a\": \"x/y\"}", "it has to say where the sample's name stands: \"x/y/{}\""},
        {"{\"a\": \"x/{}{}\"}", "source \"x/{}{}\": a path of at most"},
        {"{\"a\": \"../{}\"}", "source \"../{}\": a path of at most"},
        {"{\"a\": \"x//{}\"}", "source \"x//{}\": a path of at most"},
        {"{\"a\": \"/{}\"}", "source \"/{}\": a path of at most"},
        {"{\"a\": \"1/2/3/4/5/6/{}\"}", "a path of at most 6 parts"},
        {"{\"a\": \"x\\n/{}\"}", "a source without control characters"},
    };
    struct grid *grid;
    struct cell cell;
    (void)state;
    must(grid_parse(text, strlen(text), "g.json", NULL, &grid));
    assert_true(grid_cell(grid, 0, &cell));
    assert_int_equal(cell.features.count, 2);
    assert_string_equal(cell.features.names[1], "blue");
    assert_string_equal(cell.features.sources[1], "img[2]");
    assert_string_equal(cell.labels.names[0], "grey");
    assert_string_equal(cell.labels.sources[0], "mask=1");
    const struct dataset_request request = cell_request(&cell);
    assert_string_equal(request.labels[1], "mask=2");
    cell_free(&cell);
    grid_free(&grid);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char *bad = text_format("{\"static\": {" PARTITION
                                ", \"inputs\": \"anat\", "
                                "\"prediction\": \"tissue\", \"features\": {\"prediction\": "
                                "{\"tissue\": %s}}}, \"hyper\": {}}",
                                wrong[i].set);
        assert_false(grid_parse(bad, strlen(bad), "g.json", NULL, &grid));
        assert_error(wrong[i].error);
        free(bad);
    }
    static const char class[] =
        "{\"static\": {\"features\": {\"inputs\": {\"x\": [\"m=1\"]}}}, "
        "\"hyper\": {}}";
    assert_false(grid_parse(class, strlen(class), "g.json", NULL, &grid));
    assert_error("is \"m=1\": a class is allowed of labels only");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raters_of_the_files),
        cmocka_unit_test(test_sources),
    };
    return RUN_TESTS(tests, enter_home, leave_home);
}
