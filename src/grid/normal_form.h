// SPDX-License-Identifier: MIT
// Other ways to say the same, most of them the original's, brought to the one that the rest of the
// room reads: nulls that stand for "not given"; dataset_cache_path; lists, or an object with one
// list, as inputs and prediction; {"trn": , "val": (, "test": )} as partition.
#pragma once

#include <stdbool.h>

struct cJSON;

// Of a flat object: options, or what is static in a grid.
bool normal_form(struct cJSON *values, const char *where);
