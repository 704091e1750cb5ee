// SPDX-License-Identifier: MIT
// Cells that are alike: what is found out about one of a class holds for the others.
#include "tests/test.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/alike.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define PARTITION "\"partition\": [[1, 2], [3]], \"raters\": []"
#define FEATURES \
    ", \"features\": {\"inputs\": {\"one\": [\"t1\"], \"two\": [\"t1\", \"t2\"]}, " \
    "\"prediction\": {\"tissue\": [\"grey\"]}}"
#define GRID(more, hyper) "{\"static\": {" PARTITION FEATURES more "}, \"hyper\": {" hyper "}}"
#define RATES "\"lr\": [0.1, 0.2], \"gamma\": [0.9, 1], \"bce_weight\": [0, 0.5]"
#define SIZES "\"batch_size\": [2, 3], \"num_epochs\": [1, 2], \"until\": [1, 2, 1]"
#define SETS "\"inputs\": [\"one\", \"two\", \"anat\"], \"prediction\": [\"area\", \"tissue\"]"

static struct grid *parse(const char *text, enum sampler sampler)
{
    const struct grid_settings settings = {.sampler = sampler, .trials = 300};
    struct grid *grid;
    must(grid_parse(text, strlen(text), "g.json", &settings, &grid));
    return grid;
}

// What a purpose asks of a cell. The caller frees it.
static char *answer(const struct grid *grid, int number, enum purpose purpose)
{
    struct cell cell;
    struct text text = {0};
    must(grid_cell(grid, number, &cell));
    char *key = purpose == PURPOSE_GROUP  ? cell_group_key(&cell)
                : purpose == PURPOSE_TASK ? cell_task(&cell)
                                          : json_print_line(json_member(cell.options, "features"));
    text_add(&text, "%s %d", key, purpose == PURPOSE_GROUP ? cell.until : 0);
    free(key);
    cell_free(&cell);
    return text.bytes;
}

// classes: how many there are to be.
static void check(const struct grid *grid, enum purpose purpose, int classes)
{
    struct alike *alike = alike_new(grid, purpose);
    char **of_class = mem_zalloc((size_t)grid->cell_count, sizeof(*of_class));
    int count = 0;
    for (int i = 0; i < grid->cell_count; i++) {
        const int class = alike_class(alike, i);
        char *own = answer(grid, i, purpose);
        assert_in_range(class, 0, count);
        assert_int_equal(alike_class(alike, i), class);
        if (class == count)
            of_class[count++] = text_copy(own);
        assert_string_equal(own, of_class[class]);
        free(own);
    }
    assert_int_equal(count, classes);
    for (int i = 0; i < count; i++)
        free(of_class[i]);
    free(of_class);
    alike_free(&alike);
    assert_null(alike);
    alike_free(&alike);
}

static void test_classes_of_lists(void **state)
{
    struct grid *grid = parse(GRID("", SETS ", " RATES ", " SIZES), SAMPLER_GRID);
    (void)state;
    assert_int_equal(grid->cell_count, 6 * 8 * 12);
    check(grid, PURPOSE_TASK, 6);
    check(grid, PURPOSE_GROUP, 6 * 12); // an equal value of `until` is a class of its own
    check(grid, PURPOSE_CHECK, 6 * 3);
    grid_free(&grid);
}

// A plan's rounds may leave out any key: then cells with other rates are looked at one by one.
static void test_classes_with_a_plan(void **state)
{
    struct grid *grid =
        parse(GRID(", \"plan\": [{\"lr\": 0.1}, {\"bce_weight\": 1}]", SETS ", " RATES ", " SIZES),
              SAMPLER_GRID);
    (void)state;
    check(grid, PURPOSE_CHECK, grid->cell_count);
    check(grid, PURPOSE_GROUP, 6 * 12);
    grid_free(&grid);
}

// Subjects are drawn into folds by the seed: cells with other seeds have other data.
static void test_classes_with_folds(void **state)
{
    struct grid *grid = parse(GRID(", \"folds\": 2, \"normalize\": \"none\"",
                                   SETS ", " RATES ", \"batch_size\": [2], \"seed\": [1, 2]"),
                              SAMPLER_GRID);
    (void)state;
    check(grid, PURPOSE_GROUP, 6 * 2);
    check(grid, PURPOSE_TASK, 6);
    grid_free(&grid);
}

// Values that are drawn go by their texts.
static void test_classes_of_draws(void **state)
{
    struct grid *grid = parse(GRID("", SETS ", \"lr\": {\"min\": 0.1, \"max\": 1}, \"gamma\": [1], "
                                            "\"bce_weight\": [0, 1], \"batch_size\": {\"min\": 2, "
                                            "\"max\": 4}"),
                              SAMPLER_RANDOM);
    (void)state;
    assert_int_equal(grid->cell_count, 300);
    check(grid, PURPOSE_TASK, 6);
    check(grid, PURPOSE_GROUP, 6 * 3);
    check(grid, PURPOSE_CHECK, 6);
    grid_free(&grid);
}

// One combination of many is wrong, and it is not the first one.
static void test_the_wrong_combination_is_found(void **state)
{
    static const char *const grids[] = {
        GRID("", "\"inputs\": [\"one\", \"two\"], \"prediction\": [\"tissue\", \"tisue\"], " RATES
                 ", " SIZES),
        GRID("",
             "\"inputs\": [\"one\", \"anat\"], \"prediction\": [\"tissue\"], \"normalize\": "
             "[\"none\", {\"t1\": \"sample\"}], " RATES ", " SIZES),
        GRID("", SETS ", \"plan\": [[{\"lr\": 0.1}], [{\"gamma\": 1}]], \"gamma\": [1], "
                      "\"bce_weight\": [1], \"batch_size\": [2]"),
    };
    static const char *const whys[] = {"prediction: is \"tisue\"", "normalize", "plan[0].lr"};
    (void)state;
    for (size_t i = 0; i < sizeof(grids) / sizeof(*grids); i++) {
        struct grid *grid;
        error_set("nothing");
        assert_false(grid_parse(grids[i], strlen(grids[i]), "g.json", NULL, &grid));
        if (!strstr(error_text(), whys[i]))
            fail_msg("%s", error_text());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_of_lists),
        cmocka_unit_test(test_classes_with_a_plan),
        cmocka_unit_test(test_classes_with_folds),
        cmocka_unit_test(test_classes_of_draws),
        cmocka_unit_test(test_the_wrong_combination_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
