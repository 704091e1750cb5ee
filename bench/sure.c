// SPDX-License-Identifier: MIT
// How far the statements of docs/how-sure.md hold: invented studies whose truth is known.
//
//   sure [STUDIES]
//
// Prints, for each kind of study, in how many a cell that is as good as the best is told apart from
// it (which shall be 5% at most), and in how many a worse one is; then how long the test of a large
// study takes.
#include "tests/study/invented_models.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define RESAMPLES 1000

static void print_errors(int studies)
{
    static const int sizes[][2] = {{2, 33}, {10, 33}, {100, 33}, {2, 8}, {10, 8}, {10, 100}};
    printf("equal cells: one or more of them out, of %d studies (+- %.1f%%)\n", studies,
           196 * sqrt(0.05 * 0.95 / studies));
    printf("%8s%10s%14s%14s%14s\n", "cells", "subjects", "independent", "alike", "uneven");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        const struct invention of = {.models = sizes[i][0], .subjects = sizes[i][1], .uneven = 1};
        struct invention alike = of, uneven = of;
        alike.alike = uneven.alike = true;
        uneven.uneven = 3;
        printf("%8d%10d%13.1f%%%13.1f%%%13.1f%%\n", of.models, of.subjects,
               100 * invent_studies(&of, studies, RESAMPLES).any,
               100 * invent_studies(&alike, studies, RESAMPLES).any,
               100 * invent_studies(&uneven, studies, RESAMPLES).any);
    }
}

static void print_runs(int studies)
{
    static const double deviations[] = {0.002, 0.005, 0.01, 0.02};
    printf("\nthe same of 10 cells of two runs each, 33 subjects, alike\n");
    printf("%10s%14s%14s\n", "sd of runs", "counted", "not counted");
    for (size_t i = 0; i < sizeof(deviations) / sizeof(*deviations); i++) {
        struct invention of = {.models = 10,
                               .subjects = 33,
                               .uneven = 1,
                               .alike = true,
                               .runs = 2,
                               .run_sd = deviations[i]};
        const double ignored = invent_studies(&of, studies, RESAMPLES).any;
        of.counted = true;
        printf("%10g%13.1f%%%13.1f%%\n", deviations[i],
               100 * invent_studies(&of, studies, RESAMPLES).any, 100 * ignored);
    }
}

static void print_power(int studies)
{
    static const double gaps[] = {0.01, 0.02, 0.03, 0.04, 0.05};
    printf("\none cell is worse: it is out, 33 subjects, what remains of a subject has sd %g\n",
           INVENTED_REST);
    printf("%10s%12s%12s%12s\n", "Dice less", "2 cells", "10 cells", "100 cells");
    for (size_t i = 0; i < sizeof(gaps) / sizeof(*gaps); i++) {
        struct invention of = {.subjects = 33, .uneven = 1, .alike = true, .gap = gaps[i]};
        printf("%10g", gaps[i]);
        for (of.models = 2; of.models <= 100; of.models *= of.models == 2 ? 5 : 10)
            printf("%11.0f%%", 100 * invent_studies(&of, studies, RESAMPLES).last);
        printf("\n");
    }
}

static void print_times(void)
{
    static const int sizes[] = {1800, 100000};
    printf("\none thread, 33 subjects, %d resamples, with runs\n", MODEL_SET_RESAMPLES);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        const size_t models = (size_t)sizes[i];
        float *values = mem_alloc(models * 33 * sizeof(*values));
        double *error = mem_alloc(models * sizeof(*error)), *p = mem_alloc(models * sizeof(*p));
        struct random random = random_stream(2, 0, 0, 100);
        for (size_t c = 0; c < models; c++) {
            error[c] = 0.01;
            for (size_t k = 0; k < 33; k++)
                values[c * 33 + k] = (float)(0.8 - 0.2 * (double)c / (double)models +
                                             INVENTED_REST * random_normal(&random));
        }
        const double start = seconds_now();
        model_set_test(
            &(struct model_set){sizes[i], 33, values, error, 0, MODEL_SET_RESAMPLES, 1, 0}, p);
        printf("%8d cells: %.2f s\n", sizes[i], seconds_now() - start);
        free(values);
        free(error);
        free(p);
    }
}

int main(int argc, char **argv)
{
    const int studies = argc > 1 ? atoi(argv[1]) : 2000;
    if (studies < 1) {
        fprintf(stderr, "sure: %s studies: a number from 1 is allowed\n", argv[1]);
        return 1;
    }
    print_errors(studies);
    print_runs(studies);
    print_power(studies);
    print_times();
    return 0;
}
