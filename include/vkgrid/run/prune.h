// SPDX-License-Identifier: MIT
// Whether to stop a cell before its time, judged by its curve (intermediate values by step, lower
// is better) beside those of the other cells of its task. The rules are Optuna's (4.1,
// optuna/pruners/), so that Optuna and vkgrid stop the same trials. Pure functions: a study that
// goes on decides as it did.
#pragma once

#include <stdbool.h>

enum prune { PRUNE_NONE, PRUNE_MEDIAN, PRUNE_ASHA };
const char *prune_name(enum prune prune); // "none", "median", "asha"
bool prune_parse(const char *text, enum prune *prune);

struct prune_curve {
    const double *values; // [steps]; NaN: none at that step
    int steps;
    bool complete; // trained to its end
};

// MedianPruner(n_startup_trials=5, n_warmup_steps=epochs/4): true when at least five others are
// complete, a quarter of all epochs is over, and the lowest value of `mine` lies above the median
// of what the complete ones had at this very step, the last of mine[steps]; or when all of mine are
// NaN.
bool prune_median(const struct prune_curve *others, int count, const double *mine, int steps,
                  int epochs);

// SuccessiveHalvingPruner(min_resource=max(1, epochs/9), reduction_factor=3), the asynchronous
// successive halving of Li et al. 2020 (MLSys; ASHA), which never waits for the others of a rung. A
// rung stands at each step min_resource * 3^k; there the last value of mine[steps] must be among
// the lowest third of all that have reached the rung, itself included (of fewer than three: the
// lowest). NaN is stopped there, and true is never given between rungs. All others count, complete
// or not. 3 keeps the first rung within the first of the default plan's three rounds and the second
// at its end; Hyperband (Li et al. 2018) advises a factor of 3 or 4.
bool prune_asha(const struct prune_curve *others, int count, const double *mine, int steps,
                int epochs);
