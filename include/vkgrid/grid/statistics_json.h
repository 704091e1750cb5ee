// SPDX-License-Identifier: MIT
// What weights say of the features that they were trained on: {"t1": {"min": , "max": , "mean": ,
// "sd": }, ...}; null of a feature without values.
#pragma once

#include "vkgrid/grid/grid.h"

struct cJSON;

// statistics: [cell's features]. The caller deletes it.
struct cJSON *statistics_to_json(const struct cell *cell,
                                 const struct value_statistics *statistics);

// Reads it into the cell, features of other names left out; NULL: nothing is known. Fails when a
// feature is normalised by what is not known.
bool cell_take_statistics(struct cell *cell, const struct cJSON *json, const char *where);
