// SPDX-License-Identifier: MIT
// Features of weights under other names: what the options say of a feature ("normalize",
// "statistics") stands there by its name, and goes over to the one that takes its place.
#pragma once

#include <stdbool.h>

struct cJSON;

// The features' names of options that are not checked yet, as a list; NULL: they do not say them.
// The caller deletes it.
struct cJSON *options_input_names(const struct cJSON *options);

// After "inputs" of the options was replaced: trained: the names before that. Fails when there are
// more or fewer now.
bool options_inputs_renamed(struct cJSON *options, const struct cJSON *trained, const char *where);
