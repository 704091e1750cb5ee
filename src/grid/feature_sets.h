// SPDX-License-Identifier: MIT
// The built-in feature and label sets (spec.md section 1).
#pragma once

#define SET_NAMES 16 // most names in a built-in set

struct named_set {
    const char *name;
    const char *members[SET_NAMES]; // NULL-terminated
};

extern const struct named_set feature_sets[], label_sets[]; // end with a set whose name is NULL

// The set of that name, or NULL.
const struct named_set *named_set_find(const struct named_set *sets, const char *name);
