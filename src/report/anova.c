// SPDX-License-Identifier: MIT
#include "report/anova.h"

#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 512     // most of a model
#define ALIASED 1e-9    // of a column's square: what is left of one that the others determine
#define NO_SPREAD 1e-12 // of the mean's square: scores that are all the same

// Cross products of the models' columns: the mean, every effect's indicators (the last level of a
// factor has none), the scores less their mean. Models choose among the effects.
struct products {
    const struct anova_design *design;
    int effects, columns;         // the scores stand in column `columns`
    int first[ANOVA_EFFECTS + 1]; // column of an effect, and of the one behind the last
    int factors[ANOVA_EFFECTS][2];
    double *values, *work; // [column][column], upper half
};

struct fit {
    double error; // sum of squares
    int rank;
};

static void add_effect(struct products *p, int a, int b)
{
    const int *levels = p->design->levels;
    const int64_t columns = (int64_t)(levels[a] - 1) * (b < 0 ? 1 : levels[b] - 1);
    p->factors[p->effects][0] = a;
    p->factors[p->effects][1] = b;
    p->first[p->effects] = p->columns;
    p->columns = columns > COLUMNS - p->columns ? COLUMNS + 1 : p->columns + (int)columns;
    p->first[++p->effects] = p->columns;
}

// The effects of a model; false when they have too many columns.
static bool choose_effects(struct products *p, bool interactions)
{
    p->effects = 0;
    p->columns = 1;
    for (int a = 0; a < p->design->factors; a++)
        if (p->columns <= COLUMNS)
            add_effect(p, a, -1);
    for (int a = 0; interactions && a < p->design->factors; a++)
        for (int b = a + 1; b < p->design->factors; b++)
            if (p->columns <= COLUMNS)
                add_effect(p, a, b);
    return p->columns <= COLUMNS;
}

// Columns in which a cell has a one; their number.
static int columns_of(const struct products *p, int cell, int columns[ANOVA_EFFECTS + 1])
{
    const struct anova_design *d = p->design;
    int count = 0;
    columns[count++] = 0;
    for (int i = 0; i < p->effects; i++) {
        const int a = p->factors[i][0], b = p->factors[i][1], level = d->level[a][cell];
        const bool last =
            level == d->levels[a] - 1 || (b >= 0 && d->level[b][cell] == d->levels[b] - 1);
        if (!last)
            columns[count++] =
                p->first[i] + (b < 0 ? level : level * (d->levels[b] - 1) + d->level[b][cell]);
    }
    return count;
}

static void fill_products(struct products *p, double mean)
{
    const size_t width = (size_t)p->columns + 1;
    free(p->values);
    free(p->work);
    p->values = mem_zalloc(width * width, sizeof(*p->values));
    p->work = mem_alloc(width * width * sizeof(*p->work));
    for (int cell = 0; cell < p->design->cells; cell++) {
        const double *scores = p->design->scores + p->design->first[cell];
        int columns[ANOVA_EFFECTS + 1];
        const int count = columns_of(p, cell, columns), n = p->design->count[cell];
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += scores[i] - mean;
            p->values[width * width - 1] += (scores[i] - mean) * (scores[i] - mean);
        }
        for (int i = 0; i < count; i++) { // columns ascend
            double *row = p->values + (size_t)columns[i] * width;
            for (int k = i; k < count; k++)
                row[columns[k]] += n;
            row[p->columns] += sum;
        }
    }
}

// Takes the column `at` out of all behind it, where the model has them; false if nothing is left of
// it.
static bool eliminate(const struct products *p, const int *chosen, int count, int at)
{
    const size_t width = (size_t)p->columns + 1;
    const double *row = p->work + (size_t)chosen[at] * width;
    const double pivot = row[chosen[at]];
    if (pivot <= ALIASED * p->values[(size_t)chosen[at] * (width + 1)])
        return false;
    for (int i = at + 1; i < count; i++) {
        const double factor = row[chosen[i]] / pivot;
        double *target = p->work + (size_t)chosen[i] * width;
        if (factor != 0)
            for (int k = i; k < count; k++)
                target[chosen[k]] -= factor * row[chosen[k]];
    }
    return true;
}

// The model of the mean and those effects that are used.
static struct fit fit_model(const struct products *p, const bool *used)
{
    const size_t width = (size_t)p->columns + 1;
    int chosen[COLUMNS + 1], count = 0;
    chosen[count++] = 0;
    for (int i = 0; i < p->effects; i++)
        for (int column = p->first[i]; used[i] && column < p->first[i + 1]; column++)
            chosen[count++] = column;
    chosen[count++] = p->columns;
    memcpy(p->work, p->values, width * width * sizeof(*p->work));
    struct fit fit = {0};
    for (int i = 0; i < count - 1; i++)
        fit.rank += eliminate(p, chosen, count, i);
    fit.error = fmax(0, p->work[width * width - 1]);
    return fit;
}

static bool contains(const struct products *p, int effect, int part)
{
    const int *whole = p->factors[effect], *some = p->factors[part];
    return some[1] < 0 && (whole[0] == some[0] || whole[1] == some[0]);
}

// Of type II: among the effects that do not contain it.
static struct anova_effect effect_of(const struct products *p, int effect)
{
    bool used[ANOVA_EFFECTS];
    for (int i = 0; i < p->effects; i++)
        used[i] = i == effect || !contains(p, i, effect);
    const struct fit with = fit_model(p, used);
    used[effect] = false;
    const struct fit without = fit_model(p, used);
    const int df = with.rank - without.rank;
    return (struct anova_effect){.factors = {p->factors[effect][0], p->factors[effect][1]},
                                 .df = df,
                                 .ss = df > 0 ? fmax(0, without.error - with.error) : 0};
}

static void share(const struct anova_result *result, struct anova_effect *effect)
{
    const double chance = effect->df * result->error_ss / result->error_df;
    effect->share = (effect->ss - chance) / result->total;
}

struct spread {
    double mean, within; // the sum of squares within cells
    int df;              // of that
};

// Of all scores, and within cells.
static struct spread spread_of(const struct anova_design *design, struct anova_result *result)
{
    struct spread spread = {0};
    for (int cell = 0; cell < design->cells; cell++) {
        result->scores += design->count[cell];
        for (int i = 0; i < design->count[cell]; i++)
            spread.mean += design->scores[design->first[cell] + i];
    }
    spread.mean /= result->scores > 0 ? result->scores : 1;
    for (int cell = 0; cell < design->cells; cell++) {
        const double *scores = design->scores + design->first[cell];
        const int n = design->count[cell];
        double mean = 0;
        for (int i = 0; i < n; i++)
            mean += scores[i] / n;
        for (int i = 0; i < n; i++) {
            spread.within += (scores[i] - mean) * (scores[i] - mean);
            result->total += (scores[i] - spread.mean) * (scores[i] - spread.mean);
        }
        spread.df += n - 1;
    }
    return spread;
}

// Whether the cells are enough for a model's effects and an error; then what the error is. A model
// that fits every cell tells effects apart only where every combination is there.
static bool find_error(struct products *p, const struct spread *spread, bool interactions,
                       struct anova_result *result)
{
    bool used[ANOVA_EFFECTS];
    if (!choose_effects(p, interactions))
        return false;
    fill_products(p, spread->mean);
    for (int i = 0; i < p->effects; i++)
        used[i] = true;
    const struct fit full = fit_model(p, used);
    const int cells = p->design->cells;
    result->interactions = interactions;
    result->by_runs = 2 * spread->df >= cells;
    result->error_df = result->by_runs ? spread->df : result->scores - full.rank;
    result->error_ss = result->by_runs ? spread->within : full.error;
    result->rest =
        (struct anova_effect){.df = cells - full.rank, .ss = fmax(0, full.error - spread->within)};
    return result->error_df > 0 && (full.rank < cells || full.rank == p->columns);
}

void anova(const struct anova_design *design, struct anova_result *result)
{
    struct products p = {.design = design};
    *result = (struct anova_result){0};
    const struct spread spread = spread_of(design, result);
    if (design->factors < 1)
        result->why = "no hyper-parameter varies among the finished cells";
    else if (!isfinite(result->total))
        result->why = "the scores are too large";
    else if (result->total <= NO_SPREAD * result->scores * spread.mean * spread.mean)
        result->why = "all scores are the same";
    else if (!(design->factors > 1 && find_error(&p, &spread, true, result)) &&
             !find_error(&p, &spread, false, result))
        result->why = "too few cells are finished to tell the values' effects from chance";
    if (!result->why) {
        const double error = result->error_ss / result->error_df;
        result->error_share = fmin(1, error * (result->scores - 1) / result->total);
        share(result, &result->rest);
        result->count = p.effects;
    }
    for (int i = 0; i < result->count; i++) {
        result->effects[i] = effect_of(&p, i);
        share(result, &result->effects[i]);
    }
    free(p.values);
    free(p.work);
}
