// SPDX-License-Identifier: MIT
#include "tests/study/invented_models.h"

#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PROPERTIES 3
#define PURPOSE 100 // of no stream that vkgrid has

// [model][subject]
static void draw_values(const struct invention *of, struct random *random, float *values)
{
    const size_t models = (size_t)of->models, subjects = (size_t)of->subjects;
    double *answers = mem_alloc(models * PROPERTIES * sizeof(*answers));
    for (size_t i = 0; i < models * PROPERTIES; i++)
        answers[i] = random_normal(random) / sqrt(PROPERTIES);
    for (size_t i = 0; i < subjects; i++) {
        double properties[PROPERTIES];
        const double worth = 0.08 * random_normal(random);
        for (int k = 0; k < PROPERTIES; k++)
            properties[k] = random_normal(random);
        for (size_t c = 0; c < models; c++) {
            double rest = 0;
            for (size_t k = 0; of->alike && k < PROPERTIES; k++)
                rest += properties[k] * answers[c * PROPERTIES + k];
            if (!of->alike)
                rest = random_normal(random);
            rest *= INVENTED_REST * (c % 2 ? of->uneven : 1);
            values[c * subjects + i] =
                (float)(0.8 + worth + rest - (c + 1 == models ? of->gap : 0));
        }
    }
    free(answers);
}

// Adds what the trainings came to; the pooled variance of a run.
static double draw_runs(const struct invention *of, struct random *random, float *values)
{
    double squares = 0;
    for (int c = 0; c < of->models; c++) {
        double mean = 0, square = 0;
        for (int r = 0; r < of->runs; r++) {
            const double run = of->run_sd * random_normal(random), before = run - mean;
            mean += before / (r + 1);
            square += before * (run - mean);
        }
        squares += square;
        for (int i = 0; i < of->subjects; i++)
            values[c * of->subjects + i] += (float)mean;
    }
    return squares / (of->models * (of->runs - 1));
}

struct invention_result invent_studies(const struct invention *of, int studies, int resamples)
{
    const size_t models = (size_t)of->models;
    float *values = mem_alloc(models * (size_t)of->subjects * sizeof(*values));
    double *p = mem_alloc(models * sizeof(*p)), *error = mem_alloc(models * sizeof(*error));
    struct invention_result result = {0};
    for (int study = 0; study < studies; study++) {
        struct random random = random_stream(1, (uint64_t)study, 0, PURPOSE);
        struct model_set set = {of->models, of->subjects, values, NULL,
                                0,          resamples,    1,      (uint64_t)study};
        draw_values(of, &random, values);
        if (of->runs > 1) {
            const double variance = draw_runs(of, &random, values);
            for (size_t c = 0; c < models; c++)
                error[c] = sqrt(variance / of->runs);
            set.error = of->counted ? error : NULL;
            set.error_df = of->models * (of->runs - 1);
        }
        model_set_test(&set, p);
        bool any = false;
        for (int c = 0; c < of->models; c++) {
            const bool out = p[c] <= 0.05, last = c + 1 == of->models;
            any = any || (out && !(last && of->gap > 0));
            result.last += (last && out) / (double)studies;
            result.size += !out / (double)studies;
        }
        result.any += any / (double)studies;
    }
    free(values);
    free(error);
    free(p);
    return result;
}
