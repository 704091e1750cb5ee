// SPDX-License-Identifier: MIT
// The axes of a grid: one for each key of hyper. An axis is a list of values, or (for the keys of a
// round) a range {"min": a, "max": b, "log": false}, both ends included.
#pragma once

#include "vkgrid/base/random.h"

#include <stdbool.h>

struct cJSON;

enum axis_kind {
    AXIS_FLOAT,  // lr gamma bce_weight
    AXIS_INT,    // batch_size num_epochs until seed
    AXIS_CHOICE, // all others
};

struct axis {
    const char *key; // lives in the grid's JSON, as does the list
    enum axis_kind kind;
    const struct cJSON *list;   // its values; NULL: a range
    const struct cJSON **items; // of the list
    int count;
    double low, high; // of a range, or least and largest number of a list
    bool log; // of a range: as it says; of a list: all positive, the largest at least ten times the
              // least
};

// Reads what stands under a key of hyper. Every value must be allowed for the key.
bool axis_read(const struct cJSON *value, const char *where, struct axis *axis);
void axis_free(struct axis *axis); // leaves an empty axis

// The n-th value of a list; of a range its end, n = 0 the lower one. The caller deletes it.
struct cJSON *axis_value_at(const struct axis *axis, int n);

// A value from anywhere on the axis: uniform, log-uniform on a range with log. Numbers of float
// ranges are rounded to six digits, so that every mathematical library gives the same ones. The
// caller deletes it.
struct cJSON *axis_draw(const struct axis *axis, struct random *random);

// The value of the axis that somebody else gives: a number between low and high, or one of the
// choices (a list or an object may come as its JSON text, as axis_distribution() names it). The
// caller deletes it.
bool axis_take(const struct axis *axis, const struct cJSON *value, const char *where,
               struct cJSON **taken);

// How Optuna has them (its distributions.py): the axis as distribution_json, which the caller
// frees, and a value of it as param_value: a number itself, the index of a choice.
char *axis_distribution(const struct axis *axis);
double axis_value(const struct axis *axis, const struct cJSON *value);
