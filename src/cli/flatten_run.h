// SPDX-License-Identifier: MIT
// Many subjects become images, some at once.
#pragma once

#include "vkgrid/cortex/flatten.h"

struct flatten_result {
    int written, there, failed; // subjects; `there`: had all of their images already
    int scaled, as_stored;      // whose sulc was divided by 10, or not
    int nan_subjects;           // with values that are NaN
};

// What was done about convexity and NaN, on stderr.
void flatten_print_notes(const struct flatten_result *result);

// Each subject's error is printed, and does not end the others. False: interrupted.
bool flatten_run(const struct flat_request *request, const struct cortex_template *cortex_template,
                 const char *const *folders, int count, int threads, bool overwrite, bool quiet,
                 struct flatten_result *result);
