// SPDX-License-Identifier: MIT
#include "vkgrid/run/prune.h"

#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STARTUP 5 // complete cells before the median decides
#define FACTOR 3  // of successive halving

static const char *const names[] = {
    [PRUNE_NONE] = "none", [PRUNE_MEDIAN] = "median", [PRUNE_ASHA] = "asha"};

const char *prune_name(enum prune prune)
{
    return names[prune];
}

bool prune_parse(const char *text, enum prune *prune)
{
    for (int i = 0; i < (int)(sizeof(names) / sizeof(*names)); i++) {
        if (strcmp(text, names[i]) == 0) {
            *prune = (enum prune)i;
            return true;
        }
    }
    return false;
}

static int compare_values(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

// What the others had at a step, lowest first; only the complete ones of them, perhaps. The array
// has room for one value more, and the caller frees it.
static double *values_at(const struct prune_curve *others, int count, int step, bool complete,
                         int *found)
{
    double *values = mem_alloc(sizeof(*values) * ((size_t)count + 1));
    *found = 0;
    for (int i = 0; i < count; i++) {
        if (step < others[i].steps && !isnan(others[i].values[step]) &&
            (others[i].complete || !complete))
            values[(*found)++] = others[i].values[step];
    }
    qsort(values, (size_t)*found, sizeof(*values), compare_values);
    return values;
}

// As numpy.percentile(values, 50), to the bit.
static double median(const double *sorted, int count)
{
    const double above = sorted[count / 2], below = sorted[(count - 1) / 2];
    return above - (above - below) * 0.5;
}

bool prune_median(const struct prune_curve *others, int count, const double *mine, int steps,
                  int epochs)
{
    int complete = 0, found;
    double best = NAN;
    for (int i = 0; i < count; i++)
        complete += others[i].complete;
    if (complete < STARTUP || steps < 1 || steps - 1 < epochs / 4)
        return false;
    for (int i = 0; i < steps; i++)
        best = fmin(best, mine[i]); // the other one when one is NaN
    if (isnan(best))
        return true;
    double *values = values_at(others, count, steps - 1, true, &found);
    const bool worse = found > 0 && best > median(values, found);
    free(values);
    return worse;
}

static bool is_rung(int step, int epochs)
{
    int64_t rung = epochs / 9 > 1 ? epochs / 9 : 1;
    while (rung < step)
        rung *= FACTOR;
    return rung == step;
}

bool prune_asha(const struct prune_curve *others, int count, const double *mine, int steps,
                int epochs)
{
    int found;
    if (!is_rung(steps - 1, epochs))
        return false;
    const double value = mine[steps - 1];
    if (isnan(value))
        return true;
    double *values = values_at(others, count, steps - 1, false, &found);
    values[found++] = value;
    qsort(values, (size_t)found, sizeof(*values), compare_values);
    const int promoted = found / FACTOR; // at least the lowest
    const bool worse = value > values[promoted > 1 ? promoted - 1 : 0];
    free(values);
    return worse;
}
