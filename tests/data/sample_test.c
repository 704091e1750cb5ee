// SPDX-License-Identifier: MIT
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/phantom.h"
#include "data/retinotopy.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/sample.h"

#include "tests/formats/scratch.h"

#define SUBJECTS 24

static void test_map_inverts(void **state)
{
    (void)state;
    for (double eccentricity = 0.1; eccentricity < 60; eccentricity *= 1.7)
        for (double angle = -1.9; angle < 1.91; angle += 0.1) {
            double x, y;
            retinotopy_place((struct retinotopy){eccentricity, angle}, &x, &y);
            const struct retinotopy at = retinotopy_at(x, y);
            // Twelve fixed-point steps that each leave at most a third of the error.
            assert_float_equal(at.eccentricity / eccentricity, 1, 1e-3);
            assert_float_equal(at.angle, angle, 1e-3);
        }
}

static void test_map_fovea(void **state)
{
    (void)state;
    double x, y;
    retinotopy_place((struct retinotopy){0, 0.5}, &x, &y);
    assert_float_equal(x, RETINOTOPY_FOVEA, 1e-12);
    assert_float_equal(y, 0, 1e-12);
    // On the horizontal meridian there is no shear: log((a + r) / (b + r)).
    retinotopy_place((struct retinotopy){3, 0}, &x, &y);
    assert_float_equal(x, log(3.75 / 93), 1e-12);
}

// Far from the bands, where the map has no meaning, there must be no label by accident.
static void test_map_outside(void **state)
{
    (void)state;
    for (double y = -2.5; y <= 2.5; y += 0.05)
        for (double x = RETINOTOPY_FOVEA - 3; x < RETINOTOPY_FOVEA - 0.05; x += 0.05) {
            const struct retinotopy at = retinotopy_at(x, y);
            assert_true(fabs(at.angle) > 1.9);
        }
}

static size_t label_pixels(const struct phantom *phantom, int label)
{
    size_t count = 0;
    for (size_t i = 0; i < (size_t)phantom->rows * (size_t)phantom->cols; i++)
        count += phantom->labels[label][i] == 255;
    return count;
}

static void test_labels(void **state)
{
    (void)state;
    static const int sizes[][2] = {{32, 64}, {64, 128}, {96, 64}};

    for (size_t s = 0; s < 3; s++) {
        struct phantom *phantom = phantom_create(sizes[s][0], sizes[s][1]);
        const size_t pixels = (size_t)phantom->rows * (size_t)phantom->cols;
        for (int subject = 1; subject <= SUBJECTS; subject++) {
            phantom_draw(phantom, 7, subject);
            for (size_t i = 0; i < pixels; i++) {
                int areas = 0, rings = 0;
                for (int k = 0; k < PHANTOM_LABELS; k++) {
                    const int value = phantom->labels[k][i];
                    assert_true(value == 0 || value == 255);
                    *(k < PHANTOM_AREAS ? &areas : &rings) += value == 255;
                }
                assert_true(areas <= 1);
                assert_int_equal(areas, rings); // each place of the areas has its ring
            }
            for (int k = 0; k < PHANTOM_LABELS; k++)
                if (label_pixels(phantom, k) < 4)
                    fail_msg("subject %d has %zu pixels of %s at %d x %d", subject,
                             label_pixels(phantom, k), phantom_label_names[k], phantom->rows,
                             phantom->cols);
        }
        phantom_destroy(&phantom);
    }
}

static void test_features(void **state)
{
    (void)state;
    struct phantom *phantom = phantom_create(64, 128);
    for (int subject = 1; subject <= SUBJECTS; subject++) {
        phantom_draw(phantom, 3, subject);
        for (int f = 0; f < PHANTOM_FEATURES; f++) {
            double sum = 0, squares = 0;
            for (int i = 0; i < 64 * 128; i++) {
                const double value = (double)phantom->features[f][i];
                assert_true(isfinite(value));
                assert_true(fabs(value) < 5);
                sum += value;
                squares += value * value;
            }
            const double mean = sum / (64 * 128);
            assert_true(squares / (64 * 128) - mean * mean > 1e-4); // not flat
        }
        for (int i = 0; i < 64 * 128; i++) {
            assert_true(phantom->features[PHANTOM_THICKNESS][i] > 1);
            assert_true(phantom->features[PHANTOM_SURFACE_AREA][i] > 0);
        }
    }
    phantom_destroy(&phantom);
}

static double correlation(const double *a, const double *b, int count)
{
    double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < count; i++) {
        ma += a[i] / count;
        mb += b[i] / count;
    }
    for (int i = 0; i < count; i++) {
        ab += (a[i] - ma) * (b[i] - mb);
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
    }
    return ab / sqrt(aa * bb);
}

static double v1_row(const struct phantom *phantom, int col)
{
    double rows = 0, count = 0;
    for (int row = 0; row < phantom->rows; row++)
        if (phantom->labels[0][row * phantom->cols + col]) {
            rows += row;
            count++;
        }
    return count > 0 ? rows / count : phantom->rows / 2.0;
}

static double deepest_row(const struct phantom *phantom, int col)
{
    int best = phantom->rows / 4;
    for (int row = best; row < phantom->rows * 3 / 4; row++)
        if (phantom->features[PHANTOM_CONVEXITY][row * phantom->cols + col] >
            phantom->features[PHANTOM_CONVEXITY][best * phantom->cols + col])
            best = row;
    return best;
}

// What the labels have to do with the features: where a subject's sulcus lies high, so does its V1.
static void test_labels_follow_folds(void **state)
{
    (void)state;
    enum { COLS = 8, COUNT = 100 * COLS };
    struct phantom *phantom = phantom_create(64, 128);
    double *labels = mem_zalloc(COUNT, sizeof *labels), *folds = mem_zalloc(COUNT, sizeof *folds);
    for (int subject = 0; subject < 100; subject++) {
        phantom_draw(phantom, 5, subject);
        for (int c = 0; c < COLS; c++) {
            labels[subject * COLS + c] = v1_row(phantom, 44 + 4 * c);
            folds[subject * COLS + c] = deepest_row(phantom, 44 + 4 * c);
        }
    }
    const double r = correlation(labels, folds, COUNT);
    print_message("V1 and the deepest row: r = %.3f\n", r);
    // Partly learnt: 100 independent subjects would give |r| < 3 / sqrt(100). Not copied: r = 1.
    assert_true(r > 0.3);
    assert_true(r < 0.99);
    free(labels);
    free(folds);
    phantom_destroy(&phantom);
}

static struct dataset *load(const char *folder)
{
    static const char *const training[] = {"sub01", "sub02"}, *const validation[] = {"sub03"};
    const struct dataset_request request = {
        .folder = folder,
        .rows = 32,
        .cols = 64,
        .features = phantom_feature_names,
        .feature_count = PHANTOM_FEATURES,
        .labels = phantom_label_names,
        .label_count = PHANTOM_LABELS,
        .training = training,
        .training_count = 2,
        .validation = validation,
        .validation_count = 1,
    };
    struct dataset *dataset = NULL;
    must(dataset_load(&request, &dataset));
    return dataset;
}

static void test_files(void **state)
{
    (void)state;
    const size_t inputs = (size_t)3 * 32 * 64 * PHANTOM_FEATURES, one = inputs / 3;
    const size_t targets = (size_t)3 * 32 * 64 * PHANTOM_LABELS;
    struct dataset *sets[3];

    for (int i = 0; i < 3; i++) {
        const char *folder = scratch_path("set%d", i);
        assert_true(sample_write(folder, 3, 32, 64, i == 2 ? 2 : 1));
        sets[i] = load(folder);
    }
    assert_int_equal(sets[0]->count, 3);
    assert_memory_equal(sets[0]->inputs, sets[1]->inputs, inputs * sizeof(float));
    assert_memory_equal(sets[0]->targets, sets[1]->targets, targets * sizeof(float));
    assert_memory_not_equal(sets[0]->inputs, sets[2]->inputs, inputs * sizeof(float));
    assert_memory_not_equal(sets[0]->inputs, sets[0]->inputs + one, one * sizeof(float));
    assert_memory_not_equal(sets[0]->targets, sets[0]->targets + targets / 3,
                            targets / 3 * sizeof(float));
    for (int i = 0; i < 3; i++)
        dataset_free(&sets[i]);
}

static void test_refused(void **state)
{
    (void)state;
    const char *folder = scratch_path("refused");
    assert_false(sample_write(folder, 0, 64, 128, 1));
    assert_non_null(strstr(error_text(), "1 to 999"));
    assert_false(sample_write(folder, 1, 16, 128, 1));
    assert_non_null(strstr(error_text(), "16 x 128"));
    assert_false(sample_write(folder, 1, 64, 100000, 1));
    assert_false(sample_write("/proc/no-such-folder", 1, 64, 128, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_inverts), cmocka_unit_test(test_map_fovea),
        cmocka_unit_test(test_map_outside), cmocka_unit_test(test_labels),
        cmocka_unit_test(test_features),    cmocka_unit_test(test_labels_follow_folds),
        cmocka_unit_test(test_files),       cmocka_unit_test(test_refused),
    };
    const int failed = cmocka_run_group_tests_name("sample", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
