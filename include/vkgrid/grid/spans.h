// SPDX-License-Identifier: MIT
// The axes of a study: those of its grid, widened by the values of cells that are outside of it.
// Optuna wants one distribution for all trials of a parameter.
#pragma once

#include "vkgrid/grid/axis.h"
#include "vkgrid/grid/grid.h"

struct spans {
    struct axis *axes; // [axis of the grid]
    struct cJSON *lists;
};

bool spans_make(const struct grid *grid, struct spans *spans);
void spans_free(struct spans *spans); // leaves none
