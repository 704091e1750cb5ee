// SPDX-License-Identifier: MIT
// Real tiles, from the folder in the environment's VKGRID_SHARED, else beside the source tree. The
// sums were taken with PIL and NumPy.
#include "tests/formats/scratch.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 128, COLS = 256, TILES = 128 };

static char *folder;

static struct dataset *load(int rows, int cols)
{
    char **names;
    int count;
    struct dataset *dataset;
    assert_true(dataset_list(folder, "em", &names, &count));
    assert_int_equal(count, TILES);
    const struct dataset_request request = {
        .folder = folder,
        .rows = rows,
        .cols = cols,
        .features = (const char *const[]){"em"},
        .feature_count = 1,
        .labels = (const char *const[]){"membrane", "glia", "mitochondria"},
        .label_count = 3,
        .training = (const char *const *)names,
        .training_count = 96,
        .validation = (const char *const *)names + 96,
        .validation_count = 32,
    };
    must(dataset_load(&request, &dataset));
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return dataset;
}

static void reads_every_pixel(void **state)
{
    const size_t pixels = (size_t)ROWS * COLS * TILES;
    double inputs = 0, targets[3] = {0};
    struct dataset *dataset = load(ROWS, COLS);
    (void)state;
    assert_int_equal(dataset->count, TILES);
    assert_int_equal(dataset->training_count, 96);
    for (size_t i = 0; i < pixels; i++) {
        inputs += (double)dataset->inputs[i] * 255;
        for (size_t k = 0; k < 3; k++)
            targets[k] += (double)dataset->targets[i * 3 + k] * 255;
    }
    assert_float_equal(inputs, 540404960, 100);
    assert_true(targets[0] == 184630455 && targets[1] == 29839845 && targets[2] == 57105210);
    // Tile 3 of section 05 is the 36th by name.
    assert_string_equal(dataset->names[35], "s05t03");
    assert_float_equal(dataset->inputs[(size_t)35 * ROWS * COLS + 3] * 255, 198, 1e-4);
    assert_float_equal(dataset->inputs[(size_t)36 * ROWS * COLS - 1] * 255, 76, 1e-4);
    dataset_free(&dataset);
}

static void keeps_means_when_reduced(void **state)
{
    double inputs = 0;
    struct dataset *dataset = load(32, 64);
    (void)state;
    for (int i = 0; i < 32 * 64 * TILES; i++)
        inputs += (double)dataset->inputs[i];
    // Only pixels at the edges weigh otherwise than the rest.
    assert_float_equal(inputs * 255 / (32 * 64 * TILES), 540404960. / ROWS / COLS / TILES, 0.1);
    dataset_free(&dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_pixel),
        cmocka_unit_test(keeps_means_when_reduced),
    };
    const char *shared = getenv("VKGRID_SHARED"), *source = getenv("VKGRID_SOURCE");
    folder = shared ? text_format("%s/data/em_tiles", shared)
                    : text_format("%s/../shared/data/em_tiles", source ? source : ".");
    int failed = SKIPPED;
    if (folder_exists(folder))
        failed = cmocka_run_group_tests_name("em_tiles", tests, NULL, NULL);
    else
        printf("skipped: no folder %s\n", folder);
    free(folder);
    return failed;
}
