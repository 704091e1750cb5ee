// SPDX-License-Identifier: MIT
// Statistics of images, features that are normalised by them, and doubts about their ranges.
#include "tests/formats/scratch.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"
#include "vkgrid/data/ranges.h"
#include "vkgrid/data/summary.h"
#include "vkgrid/formats/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 24, COLS = 40, PIXELS = ROWS * COLS };

static void assert_near(double value, double wanted, double bound)
{
    if (!(fabs(value - wanted) <= bound))
        fail_msg("%.17g, not %.17g", value, wanted);
}

// --- Statistics ---------------------------------------------------------------------------------

static void statistics_leave_nan_out(void **state)
{
    // Without NaN: 1 2 3 4 10, whose mean is 4 and whose mean square deviation is 10.
    const float values[] = {NAN, 3, 1, 10, NAN, 2, 4};
    const struct value_statistics found = statistics_of(values, 7);
    (void)state;
    assert_true(found.count == 5 && found.low == 1 && found.high == 10 && found.mean == 4);
    assert_near(found.sd, sqrt(10), 1e-15);
    const float nothing[] = {NAN, NAN};
    const struct value_statistics none = statistics_of(nothing, 2);
    assert_true(none.count == 0 && none.low == 0 && none.high == 0 && none.mean == 0 &&
                none.sd == 0);
}

// Rounding would give 0.1f a deviation, by which it would be divided.
static void equal_values_have_no_deviation(void **state)
{
    float values[PIXELS];
    (void)state;
    for (int i = 0; i < PIXELS; i++)
        values[i] = 0.1f;
    const struct value_statistics found = statistics_of(values, PIXELS);
    assert_true(found.mean == (double)0.1f && found.sd == 0);
    const struct value_statistics joined =
        statistics_join((const struct value_statistics[]){found, found}, 2, 1);
    assert_true(joined.count == 2 * PIXELS && joined.mean == (double)0.1f && joined.sd == 0);
    normalize_pixels(values, PIXELS, 1, &found);
    assert_true(values[0] == 0 && values[PIXELS - 1] == 0);
}

// As if all values were of one image; far from zero too.
static void joined_as_of_one(void **state)
{
    float values[3000];
    struct value_statistics items[6] = {0};
    struct random random = random_stream(1, 0, 0, 0);
    (void)state;
    for (int i = 0; i < 3000; i++)
        values[i] = i % 7 == 3 ? NAN : (float)(1e5 + 3 * random_uniform(&random));
    const int counts[] = {1000, 1999, 1};
    for (int i = 0, first = 0; i < 3; first += counts[i++])
        items[2 * i] = statistics_of(values + first, (size_t)counts[i]);
    const struct value_statistics all = statistics_of(values, 3000),
                                  joined = statistics_join(items, 3, 2);
    assert_true(joined.count == all.count && joined.low == all.low && joined.high == all.high);
    assert_near(joined.mean, all.mean, 1e-9);
    assert_near(joined.sd, all.sd, 1e-9);
    assert_true(statistics_join(items + 1, 3, 2).count == 0);
}

// --- A data set ---------------------------------------------------------------------------------

static float pixels[3][PIXELS]; // of the samples s0, s1, s2
static const double scales[] = {10, 30, 100};

static void write_set(void)
{
    struct random random = random_stream(2, 0, 0, 0);
    assert_true(folder_make(scratch_path("set")));
    assert_true(folder_make(scratch_path("set/f")));
    assert_true(folder_make(scratch_path("set/holes")));
    for (int n = 0; n < 3; n++) {
        float holes[PIXELS];
        for (int i = 0; i < PIXELS; i++) {
            pixels[n][i] = (float)(500 + scales[n] * random_uniform(&random));
            holes[i] = n == 2 || i % 3 == 0 ? NAN : pixels[n][i];
        }
        assert_true(
            npy_write(scratch_path("set/f/s%d.npy", n), 2, (const int[]){ROWS, COLS}, pixels[n]));
        assert_true(
            npy_write(scratch_path("set/holes/s%d.npy", n), 2, (const int[]){ROWS, COLS}, holes));
    }
}

static struct dataset *load(enum normalize normalize, int rows, int cols,
                            const struct value_statistics *trained)
{
    static const char *const features[] = {"f", "null", "holes"}, *const training[] = {"s0", "s1"},
                             *const validation[] = {"s2"};
    const enum normalize each[] = {normalize, normalize, normalize};
    char *folder = text_copy(scratch_path("set"));
    const struct dataset_request request = {
        .folder = folder,
        .rows = rows,
        .cols = cols,
        .features = features,
        .feature_count = 3,
        .training = training,
        .training_count = trained ? 1 : 2, // given ones are taken, whatever the samples are
        .validation = validation,
        .validation_count = 1,
        .normalize = each,
        .trained = trained,
    };
    struct dataset *dataset;
    must(dataset_load(&request, &dataset));
    free(folder);
    return dataset;
}

// In the naive way: normalised as the file has it, then resized.
static void assert_feature(const struct dataset *dataset, int sample, int number, double mean,
                           double sd, double bound)
{
    struct image image = {ROWS, COLS, mem_alloc(sizeof(pixels[0])), .channels = 1};
    for (int i = 0; i < PIXELS; i++)
        image.values[i] = (float)((pixels[number][i] - mean) / sd);
    assert_true(image_resize(&image, dataset->rows, dataset->cols));
    for (int i = 0; i < dataset->rows * dataset->cols; i++)
        assert_near(dataset->inputs[(sample * dataset->rows * dataset->cols + i) * 3],
                    image.values[i], bound);
    image_free(&image);
}

static void moments(int first, int count, double *mean, double *sd)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < count * PIXELS; i++)
        sum += pixels[first + i / PIXELS][i % PIXELS];
    *mean = sum / (count * PIXELS);
    for (int i = 0; i < count * PIXELS; i++)
        squares += pow(pixels[first + i / PIXELS][i % PIXELS] - *mean, 2);
    *sd = sqrt(squares / (count * PIXELS));
}

static void each_image_or_all(void **state)
{
    static const int sizes[][2] = {{ROWS, COLS}, {8, 16}, {48, 64}};
    double mean, sd;
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct dataset *none = load(NORMALIZE_NONE, sizes[i][0], sizes[i][1], NULL),
                       *zscore = load(NORMALIZE_ZSCORE, sizes[i][0], sizes[i][1], NULL),
                       *all = load(NORMALIZE_DATASET, sizes[i][0], sizes[i][1], NULL);
        for (int n = 0; n < 3; n++) {
            assert_feature(none, n, n, 0, 1, 1e-3);
            moments(n, 1, &mean, &sd);
            assert_feature(zscore, n, n, mean, sd, 1e-4); // 500 / 3 of a float
            moments(0, 2, &mean, &sd);
            assert_feature(all, n, n, mean, sd, 1e-4);
        }
        assert_near(all->trained[0].mean, mean, 1e-9);
        assert_near(all->trained[0].sd, sd, 1e-9);
        for (int k = 0; k < 3 * sizes[i][0] * sizes[i][1]; k++)
            assert_true(zscore->inputs[3 * k + 1] == 0 && all->inputs[3 * k + 1] == 0); // null
        dataset_free(&none);
        dataset_free(&zscore);
        dataset_free(&all);
    }
}

// What weights say of their training data, exactly as in training.
static void given_statistics_are_taken(void **state)
{
    (void)state;
    struct dataset *all = load(NORMALIZE_DATASET, 8, 16, NULL),
                   *given = load(NORMALIZE_DATASET, 8, 16, all->trained);
    assert_int_equal(given->count, 2);
    assert_memory_equal(given->inputs, all->inputs, 8 * 16 * 3 * sizeof(float)); // s0
    assert_memory_equal(given->inputs + (size_t)8 * 16 * 3, all->inputs + (size_t)2 * 8 * 16 * 3,
                        8 * 16 * 3 * sizeof(float)); // s2
    dataset_free(&given);
    dataset_free(&all);
}

static void nan_is_the_mean(void **state)
{
    (void)state;
    struct dataset *zscore = load(NORMALIZE_ZSCORE, ROWS, COLS, NULL),
                   *all = load(NORMALIZE_DATASET, ROWS, COLS, NULL);
    double sum = 0;
    for (int i = 0; i < PIXELS; i++) {
        if (i % 3 == 0)
            assert_near(zscore->inputs[3 * i + 2], 0, 1e-5);
        else
            sum += zscore->inputs[3 * i + 2];
        assert_true(zscore->inputs[3 * (2 * PIXELS + i) + 2] == 0 && // nothing but NaN
                    all->inputs[3 * (2 * PIXELS + i) + 2] == 0);
    }
    assert_near(sum, 0, 1e-2);
    const struct value_statistics own = all->statistics[2]; // of s0
    assert_near(all->inputs[2], (own.mean - all->trained[2].mean) / all->trained[2].sd, 1e-5);
    char *text = summary_text(all, &all->summaries[2]);
    assert_non_null(strstr(text, "% NaN, which becomes its image's mean"));
    assert_non_null(strstr(text, "normalised by the training images' mean and sd"));
    free(text);
    text = summary_text(zscore, &zscore->summaries[0]);
    assert_non_null(strstr(text, ", each normalised by its own mean and sd"));
    free(text);
    dataset_free(&zscore);
    dataset_free(&all);
}

// --- Ranges -------------------------------------------------------------------------------------

static const struct value_statistics unit = {1000, 0, 1, 0.4, 0.2};

static struct value_statistics scaled(double factor, double shift)
{
    return (struct value_statistics){1000, unit.low * factor + shift, unit.high * factor + shift,
                                     unit.mean * factor + shift, unit.sd * factor};
}

static void assert_doubt_of(const struct value_statistics *trained,
                            const struct value_statistics *items, int count, const char *wanted)
{
    static const char *const names[] = {"a", "b", "c"};
    const struct range_check check = {"t1", NORMALIZE_NONE, trained, items, 1, names, count};
    char *doubt = range_doubt(&check);
    if (!doubt != !wanted || (doubt && (!strstr(doubt, wanted) || strchr(doubt, '\n'))))
        fail_msg("the doubt is \"%s\", not \"%s\"", doubt ? doubt : "none",
                 wanted ? wanted : "none");
    free(doubt);
}

static void assert_doubt(struct value_statistics item, const char *wanted)
{
    assert_doubt_of(&unit, &item, 1, wanted);
}

static void other_types_are_doubted(void **state)
{
    const struct value_statistics bytes = scaled(255, 0), words = scaled(65535, 0);
    const struct value_statistics one = unit, mixed[] = {unit, bytes, unit};
    (void)state;
    assert_doubt(bytes,
                 "feature t1: 0 to 255 (mean 102) in a, but 0 to 1 (mean 0.4) in the "
                 "training data: about 255 times larger; arrays");
    assert_doubt(scaled(65535, 0), "about 65535 times larger");
    assert_doubt_of(&bytes, &one, 1, "about 255 times smaller");
    assert_doubt_of(&words, &one, 1, "about 65535 times smaller");
    assert_doubt_of(&unit, mixed, 3, "in 1 of 3 images (b)");
    assert_doubt(scaled(10, 0), "about 10 times larger, as in another unit");
    assert_doubt(scaled(0.1, 0), "about 10 times smaller, as in another unit");
    assert_doubt(scaled(1, 2), "another unit, or another feature: ");
    assert_doubt(scaled(1, -1024), "another unit, or another feature: ");
}

static void other_scanners_are_not(void **state)
{
    const struct value_statistics hot = {1e6, 0, 65535, 300, 120}, usual = {1e4, 0, 900, 280, 100};
    const struct value_statistics blank = {1000, 0.1, 0.1, 0.1, 0}, unknown = {0};
    const struct value_statistics lesion = {1000, 0, 1, 0.0001, 0.01};
    (void)state;
    assert_doubt(unit, NULL);
    assert_doubt(scaled(2.5, 0.1), NULL);
    assert_doubt(scaled(0.3, 0.1), NULL);
    assert_doubt(scaled(1, 0.5), NULL);
    assert_doubt(blank, NULL);
    assert_doubt(lesion, NULL);
    assert_doubt(unknown, NULL);
    assert_doubt_of(&hot, &usual, 1, NULL); // one pixel made the range of the training data
    const struct value_statistics bytes = scaled(255, 0);
    assert_doubt_of(&unknown, &bytes, 1, NULL); // weights of an earlier version
    const char *name = "a";
    const struct range_check check = {"t1", NORMALIZE_ZSCORE, &unit, &bytes, 1, &name, 1};
    assert_null(range_doubt(&check)); // no factor changes it
}

static int begin(void **state)
{
    (void)state;
    write_set();
    return 0;
}

static int end(void **state)
{
    (void)state;
    scratch_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_leave_nan_out),
        cmocka_unit_test(equal_values_have_no_deviation),
        cmocka_unit_test(joined_as_of_one),
        cmocka_unit_test(each_image_or_all),
        cmocka_unit_test(given_statistics_are_taken),
        cmocka_unit_test(nan_is_the_mean),
        cmocka_unit_test(other_types_are_doubted),
        cmocka_unit_test(other_scanners_are_not),
    };
    return RUN_TESTS(tests, begin, end);
}
