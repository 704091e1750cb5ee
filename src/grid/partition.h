// SPDX-License-Identifier: MIT
// The subjects of a grid: [[training], [validation]], or with a third list those kept for a test.
#pragma once

#include <stdbool.h>

struct cJSON;

// Fails unless it is such lists, none of them empty, in which no subject stands twice.
bool partition_check(const struct cJSON *value, const char *where);

// A subject of a partition as text: a number and a string are the same subject when they read the
// same. The caller frees it.
char *subject_text(const struct cJSON *subject);
