// SPDX-License-Identifier: MIT
// Models whose truth is known: how often one that is equal to the best is out, and one that is
// worse is found. With a file of numbers (a line a model) it prints their p for model_set_test.py.
#include "tests/study/invented_models.h"
#include "tests/test.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"

#include <math.h>
#include <stdlib.h>

#define STUDIES 600
#define RESAMPLES 400

// Of so many studies a share that is 0.05 in truth lies within this of it, in 99.9% of all cases.
static double interval(double share)
{
    return 3.29 * sqrt(share * (1 - share) / STUDIES);
}

// All models are equal: whatever is out is a mistake.
static void test_error(void **state)
{
    static const struct invention cases[] = {
        {.models = 2, .subjects = 33, .uneven = 1},
        {.models = 10, .subjects = 33, .uneven = 1, .alike = true},
        {.models = 40, .subjects = 33, .uneven = 1, .alike = true},
        {.models = 4, .subjects = 33, .uneven = 3},
        {.models = 10,
         .subjects = 33,
         .uneven = 1,
         .alike = true,
         .runs = 2,
         .run_sd = 0.02,
         .counted = true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct invention_result result = invent_studies(&cases[i], STUDIES, RESAMPLES);
        if (!(fabs(result.any - 0.05) <= interval(0.05)))
            fail_msg("case %zu: %.4f of the studies leave an equal model out", i, result.any);
    }
}

// Where nothing goes together, or subjects are few, it errs less often than stated, never more.
static void test_error_at_most(void **state)
{
    static const struct invention cases[] = {
        {.models = 40, .subjects = 33, .uneven = 1},
        {.models = 4, .subjects = 6, .uneven = 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_true(invent_studies(&cases[i], STUDIES, RESAMPLES).any <= 0.05 + interval(0.05));
}

// docs/how-sure.md has the numbers of bench/sure.
static void test_power(void **state)
{
    const struct invention two = {.models = 2, .subjects = 33, .uneven = 1, .gap = 0.036},
                           ten = {.models = 10, .subjects = 33, .uneven = 1, .gap = 0.05};
    (void)state;
    // Student's paired t: gap / (sd of a difference / sqrt(n)) = 2.92, of which 80% exceed 2.04.
    assert_true(fabs(invent_studies(&two, STUDIES, RESAMPLES).last - 0.80) < 0.06);
    const struct invention_result result = invent_studies(&ten, STUDIES, RESAMPLES);
    assert_true(result.last > 0.9);
    assert_true(result.any <= 0.05 + interval(0.05));
}

// What the runs scatter and is not counted makes equal models look unequal.
static void test_runs_matter(void **state)
{
    const struct invention ignored = {
        .models = 10, .subjects = 33, .uneven = 1, .runs = 2, .run_sd = 0.02};
    (void)state;
    assert_true(invent_studies(&ignored, STUDIES, RESAMPLES).any > 0.3);
}

// [model][subject]
static float *draw(int models, int subjects, double gap)
{
    struct random random = random_stream(3, 0, 0, 100);
    float *values = mem_alloc((size_t)models * (size_t)subjects * sizeof(*values));
    for (int i = 0; i < models * subjects; i++)
        values[i] = (float)(random_normal(&random) - gap * (i / subjects));
    return values;
}

static void test_threads(void **state)
{
    enum { MODELS = 1500, SUBJECTS = 7 }; // more than a chunk
    double one[MODELS], four[MODELS];
    float *values = draw(MODELS, SUBJECTS, 0.001);
    struct model_set set = {MODELS, SUBJECTS, values, NULL, 0, 330, 1, 0};
    (void)state;
    model_set_test(&set, one);
    set.threads = 4;
    model_set_test(&set, four);
    assert_memory_equal(one, four, sizeof(one));
    free(values);
}

// So many that the far ones go first: those that stay have the p that they have among themselves.
static void test_screen(void **state)
{
    enum { MODELS = MODEL_SET_SCREENED + 500, NEAR = 40, SUBJECTS = 12 };
    static double all[MODELS], near[NEAR];
    float *values = draw(MODELS, SUBJECTS, 0.01);
    (void)state;
    for (int i = NEAR * SUBJECTS; i < MODELS * SUBJECTS; i++)
        values[i] -= 20;
    struct model_set set = {MODELS, SUBJECTS, values, NULL, 0, 2000, 2, 0};
    model_set_test(&set, all);
    set.models = NEAR;
    model_set_test(&set, near);
    for (int c = 0; c < MODELS; c++)
        assert_true(c < NEAR ? fabs(all[c] - near[c]) < 1e-3
                             : fabs(all[c] - 1.0 / (1 + MODEL_SET_SCREEN)) < 1e-12);
    free(values);
}

static void test_edges(void **state)
{
    const float same[] = {0.5f, 0.7f, 0.5f, 0.7f}, apart[] = {0.5f, 0.7f, 0.25f, 0.45f};
    double p[2];
    struct model_set set = {2, 2, same, NULL, 0, 99, 1, 0};
    (void)state;
    model_set_test(&set, p);
    assert_true(p[0] == 1 && p[1] == 1);
    set.values = apart;
    model_set_test(&set, p);
    assert_true(p[0] == 1 && p[1] < 0.5);
    set.models = 1;
    model_set_test(&set, p);
    assert_true(p[0] == 1);
}

static int print_p(const char *path, int models, int subjects, double error)
{
    const size_t count = (size_t)models * (size_t)subjects;
    float *values = mem_alloc(count * sizeof(*values));
    double *p = mem_alloc((size_t)models * sizeof(*p)),
           *errors = mem_alloc((size_t)models * sizeof(*errors));
    FILE *file = fopen(path, "r");
    bool read = file;
    for (size_t i = 0; read && i < count; i++)
        read = fscanf(file, "%f", &values[i]) == 1;
    for (int c = 0; c < models; c++)
        errors[c] = error;
    if (read)
        model_set_test(&(struct model_set){models, subjects, values, error > 0 ? errors : NULL, 0,
                                           MODEL_SET_RESAMPLES, 1, 0},
                       p);
    for (int c = 0; read && c < models; c++)
        printf("%.17g\n", p[c]);
    if (file)
        fclose(file);
    free(errors);
    free(values);
    free(p);
    return !read;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error),   cmocka_unit_test(test_error_at_most),
        cmocka_unit_test(test_power),   cmocka_unit_test(test_runs_matter),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_screen),
        cmocka_unit_test(test_edges),
    };
    if (argc == 5)
        return print_p(argv[1], atoi(argv[2]), atoi(argv[3]), atof(argv[4]));
    return RUN_TESTS(tests, NULL, NULL);
}
