// SPDX-License-Identifier: MIT
#pragma once

#include "vkgrid/grid/plan_json.h"

#include <stdbool.h>

struct cJSON;

// The keys of a round, which are also keys of a grid: lr gamma bce_weight batch_size num_epochs;
// NULL-terminated.
extern const char *const round_keys[];

// Reads the value of one of them; false with a message when the value is not allowed, or `key` is
// none of them.
bool round_read_key(const char *key, const struct cJSON *value, const char *where,
                    struct round *round);
