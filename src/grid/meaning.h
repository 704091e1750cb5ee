// SPDX-License-Identifier: MIT
// What the value of a key says, in one form: values with equal ones train the same.
#pragma once

struct cJSON;

// A size N is [N, 2N], the keys of objects are sorted, subjects that are kept for the test are left
// out. The caller deletes it.
struct cJSON *value_meaning(const char *key, const struct cJSON *value);
