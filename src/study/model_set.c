// SPDX-License-Identifier: MIT
#include "vkgrid/study/model_set.h"

#include "vkgrid/base/memory.h"
#include "vkgrid/base/parallel.h"
#include "vkgrid/base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 50   // resamples that a thread does at once
#define CHUNK 1024 // models that they all look at before the next ones, which then are in the cache

// A model and its mean, to be sorted.
struct ranked {
    int model;
    double mean;
};

// What a resample needs, models in the order of their means.
struct tables {
    const struct model_set *set;
    int models;     // the best ones of the set
    float *centred; // [subject][model]: value, less the best model's of that subject, less its mean
    float *squared; // [subject][model]: square of that
    float *summed;  // [subject][model]: square of the sum over this and the better models / their
                    // count
    double *error;  // [model]
    double *range;  // [model]: R of M_1, M_2, ...
    double *scale;  // S^2 of them, up to a factor that all resamples have
};

// Of some resamples: how many reach T of M_1, M_2, ...
struct piece {
    const struct tables *tables;
    int first, count;
    int *reached; // [model]
};

static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    return a->mean > b->mean ? -1 : a->mean < b->mean ? 1 : a->model - b->model;
}

static struct ranked *rank_models(const struct model_set *set)
{
    struct ranked *ranked = mem_alloc((size_t)set->models * sizeof(*ranked));
    for (int c = 0; c < set->models; c++) {
        const float *values = set->values + (size_t)c * (size_t)set->subjects;
        double sum = 0;
        for (int i = 0; i < set->subjects; i++)
            sum += values[i];
        ranked[c] = (struct ranked){c, sum / set->subjects};
    }
    qsort(ranked, (size_t)set->models, sizeof(*ranked), compare_ranked);
    return ranked;
}

// S^2 of M_m, up to a factor that all resamples have: the sum of its models' variances, less the
// variance of the subjects' sums / m.
struct remainder {
    double variances, means;
};

static double take_remainder(struct remainder *sum, int models, double mean, double square,
                             double summed)
{
    sum->variances += square - mean * mean;
    sum->means += mean;
    const double rest = sum->variances - (summed - sum->means * sum->means / models);
    return models > 1 && rest > 0 ? rest : 0;
}

static void fill_tables(struct tables *tables, const struct ranked *ranked)
{
    const struct model_set *set = tables->set;
    const int subjects = set->subjects, models = tables->models;
    const float *best = set->values + (size_t)ranked[0].model * (size_t)subjects;
    for (int i = 0; i < subjects; i++) {
        double sum = 0;
        for (int c = 0; c < models; c++) {
            const size_t at = (size_t)i * (size_t)models + (size_t)c,
                         from = (size_t)ranked[c].model * (size_t)subjects + (size_t)i;
            const double value =
                (double)set->values[from] - best[i] - (ranked[c].mean - ranked[0].mean);
            sum += value;
            tables->centred[at] = (float)value;
            tables->squared[at] = (float)(value * value);
            tables->summed[at] = (float)(sum * sum / (c + 1));
        }
    }
    for (int c = 0; c < models; c++)
        tables->error[c] = set->error ? set->error[ranked[c].model] : 0;
}

// R and S of what was observed.
static void observe(struct tables *tables, const struct ranked *ranked)
{
    struct remainder sum = {0};
    const int subjects = tables->set->subjects;
    for (int c = 0; c < tables->models; c++) {
        double square = 0, summed = 0;
        for (int i = 0; i < subjects; i++) {
            const size_t at = (size_t)i * (size_t)tables->models + (size_t)c;
            square += tables->squared[at];
            summed += tables->summed[at];
        }
        tables->range[c] = ranked[0].mean - ranked[c].mean;
        tables->scale[c] = take_remainder(&sum, c + 1, 0, square / subjects, summed / subjects);
    }
}

static void make_tables(struct tables *tables, const struct ranked *ranked)
{
    const size_t models = (size_t)tables->models, all = models * (size_t)tables->set->subjects;
    tables->centred = mem_alloc(all * sizeof(float));
    tables->squared = mem_alloc(all * sizeof(float));
    tables->summed = mem_alloc(all * sizeof(float));
    tables->error = mem_alloc(models * sizeof(double));
    tables->range = mem_alloc(models * sizeof(double));
    tables->scale = mem_alloc(models * sizeof(double));
    fill_tables(tables, ranked);
    observe(tables, ranked);
}

static void free_tables(struct tables *tables)
{
    free(tables->centred);
    free(tables->squared);
    free(tables->summed);
    free(tables->error);
    free(tables->range);
    free(tables->scale);
}

// --- A resample ---------------------------------------------------------------------------------

// How far one is: it takes the models in their order.
struct walk {
    struct random random;
    struct remainder sum;
    double high, low;   // of the means so far
    double error_scale; // what the models' errors are multiplied with
    double spare;       // a normal deviate, or NaN: they are drawn in pairs (Box and Muller)
    int *drawn;         // [subject]: how often
};

// Normal deviates become Student's.
static double draw_error_scale(struct random *random, double df)
{
    const int count = df > 0 && df < 200 ? (int)df : 0;
    double squares = 0;
    for (int i = 0; i < count; i++) {
        const double normal = random_normal(random);
        squares += normal * normal;
    }
    return count > 0 && squares > 0 ? sqrt(count / squares) : 1;
}

static void begin_walk(struct walk *walk, const struct model_set *set, int resample)
{
    *walk = (struct walk){
        .random = random_stream(set->seed, (uint64_t)resample, 0, RANDOM_SUBJECTS),
        .high = -INFINITY,
        .low = INFINITY,
        .spare = NAN,
        .drawn = mem_zalloc((size_t)set->subjects, sizeof(*walk->drawn)),
    };
    for (int i = 0; i < set->subjects; i++)
        walk->drawn[random_below(&walk->random, (uint32_t)set->subjects)]++;
    if (set->error)
        walk->error_scale = draw_error_scale(&walk->random, set->error_df);
}

// Means over the drawn subjects of the tables' values, of some models.
struct sums {
    float centred[CHUNK], squared[CHUNK], summed[CHUNK];
};

static void add_subjects(const struct tables *tables, const int *drawn, int first, int count,
                         struct sums *sums)
{
    memset(sums, 0, sizeof(*sums));
    for (int i = 0; i < tables->set->subjects; i++) {
        const size_t at = (size_t)i * (size_t)tables->models + (size_t)first;
        const float *centred = tables->centred + at, *squared = tables->squared + at,
                    *summed = tables->summed + at;
        const float weight = (float)drawn[i] / (float)tables->set->subjects;
        for (int c = 0; drawn[i] > 0 && c < count; c++) {
            sums->centred[c] += weight * centred[c];
            sums->squared[c] += weight * squared[c];
            sums->summed[c] += weight * summed[c];
        }
    }
}

static double draw_normal(struct walk *walk)
{
    double normal = walk->spare;
    walk->spare = NAN;
    if (isnan(normal)) {
        const double radius = sqrt(-2 * log(1 - random_uniform(&walk->random))),
                     angle = 2 * M_PI * random_uniform(&walk->random);
        normal = radius * cos(angle);
        walk->spare = radius * sin(angle);
    }
    return normal;
}

// Takes some models more into account, and with each of them the set that ends with it: the best
// come first, so that the range of M_m is that of its predecessor and one more.
static void walk_on(const struct tables *tables, struct walk *walk, const struct sums *sums,
                    int first, int count, int *reached)
{
    for (int i = 0; i < count; i++) {
        const int c = first + i;
        double mean = sums->centred[i];
        const double scale =
            take_remainder(&walk->sum, c + 1, mean, sums->squared[i], sums->summed[i]);
        if (tables->set->error)
            mean += walk->error_scale * tables->error[c] * draw_normal(walk);
        walk->high = mean > walk->high ? mean : walk->high;
        walk->low = mean < walk->low ? mean : walk->low;
        const double range = walk->high - walk->low;
        reached[c] +=
            range * range * tables->scale[c] >= tables->range[c] * tables->range[c] * scale;
    }
}

static void resample(void *context, int index)
{
    const struct piece *piece = (const struct piece *)context + index;
    const struct tables *tables = piece->tables;
    struct walk walks[PIECE];
    struct sums sums;
    for (int b = 0; b < piece->count; b++)
        begin_walk(&walks[b], tables->set, piece->first + b);
    for (int first = 0; first < tables->models; first += CHUNK) {
        const int left = tables->models - first, count = left < CHUNK ? left : CHUNK;
        for (int b = 0; b < piece->count; b++) {
            add_subjects(tables, walks[b].drawn, first, count, &sums);
            walk_on(tables, &walks[b], &sums, first, count, piece->reached);
        }
    }
    for (int b = 0; b < piece->count; b++)
        free(walks[b].drawn);
}

// Of each set M_m how many resamples reach its T. The caller frees it.
static int *count_resamples(const struct tables *tables, int resamples)
{
    const size_t models = (size_t)tables->models;
    const int pieces = (resamples + PIECE - 1) / PIECE;
    const int threads = tables->set->threads < 1 ? 1 : tables->set->threads;
    struct piece *list = mem_zalloc((size_t)pieces, sizeof(*list));
    int *reached = mem_zalloc(models, sizeof(*reached));
    for (int i = 0; i < pieces; i++)
        list[i] = (struct piece){
            .tables = tables,
            .first = i * PIECE,
            .count = resamples - i * PIECE < PIECE ? resamples - i * PIECE : PIECE,
            .reached = mem_zalloc(models, sizeof(*reached)),
        };
    parallel(threads, pieces, resample, list);
    for (int i = 0; i < pieces; i++) {
        for (size_t c = 0; c < models; c++)
            reached[c] += list[i].reached[c];
        free(list[i].reached);
    }
    free(list);
    return reached;
}

// --- The set ------------------------------------------------------------------------------------

// The p of the `models` best, from the worst on; `least` of those that are worse.
static void eliminate(const struct tables *tables, const struct ranked *ranked, const int *reached,
                      int resamples, double *p)
{
    double largest = 0;
    for (int c = tables->models - 1; c > 0; c--) {
        const bool apart = tables->scale[c] == 0 && tables->range[c] > 0; // by the same everywhere
        const double one = apart ? 1.0 / (1 + resamples) : (1.0 + reached[c]) / (1.0 + resamples);
        largest = one > largest ? one : largest;
        p[ranked[c].model] = largest;
    }
    p[ranked[0].model] = 1;
}

// How many of the best models are left when those are gone whose T no resample reaches.
static int screen(const struct model_set *set, const struct ranked *ranked, double *p)
{
    struct tables tables = {.set = set, .models = set->models};
    make_tables(&tables, ranked);
    int *reached = count_resamples(&tables, MODEL_SET_SCREEN), left = set->models;
    eliminate(&tables, ranked, reached, MODEL_SET_SCREEN, p);
    while (left > 1 && reached[left - 1] == 0)
        left--;
    free(reached);
    free_tables(&tables);
    return left;
}

void model_set_test(const struct model_set *set, double *p)
{
    struct ranked *ranked = rank_models(set);
    struct tables tables = {.set = set, .models = set->models};
    if (set->models > MODEL_SET_SCREENED && set->resamples > MODEL_SET_SCREEN)
        tables.models = screen(set, ranked, p);
    make_tables(&tables, ranked);
    int *reached = count_resamples(&tables, set->resamples);
    eliminate(&tables, ranked, reached, set->resamples, p);
    const double least = p[ranked[tables.models - 1].model];
    for (int i = tables.models; i < set->models; i++) // they went before, by fewer resamples
        p[ranked[i].model] = fmin(p[ranked[i].model], least);
    free(reached);
    free_tables(&tables);
    free(ranked);
}
