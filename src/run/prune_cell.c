// SPDX-License-Identifier: MIT
#include "run/prune_cell.h"

#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

struct curves {
    int cell; // the one that is judged
    struct prune_curve *others, mine;
    int count;
};

static bool add_curve(void *context, int cell, enum trial_state state, const double *values,
                      int steps)
{
    struct curves *curves = context;
    double *copy = mem_alloc(sizeof(*copy) * (size_t)steps);
    memcpy(copy, values, sizeof(*copy) * (size_t)steps);
    const struct prune_curve curve = {copy, steps, state == TRIAL_COMPLETE};
    if (cell == curves->cell) {
        curves->mine = curve;
        return true;
    }
    curves->others = mem_grow(curves->others, (size_t)curves->count + 1, sizeof(*curves->others));
    curves->others[curves->count++] = curve;
    return true;
}

bool prune_cell(struct store *store, enum prune prune, int cell, int epochs, bool *stop)
{
    struct curves curves = {.cell = cell};
    const bool read = store_curves(store, cell, add_curve, &curves);
    const struct prune_curve *mine = &curves.mine;
    *stop = read && mine->steps > 0 &&
            (prune == PRUNE_MEDIAN
                 ? prune_median(curves.others, curves.count, mine->values, mine->steps, epochs)
                 : prune == PRUNE_ASHA &&
                       prune_asha(curves.others, curves.count, mine->values, mine->steps, epochs));
    for (int i = 0; i < curves.count; i++)
        free((double *)curves.others[i].values);
    free((double *)curves.mine.values);
    free(curves.others);
    return read;
}
