// SPDX-License-Identifier: MIT
// The line that a terminal shows while the files of a data set are read, or the cells of a large
// grid are written.
#pragma once

#include "vkgrid/base/terminal.h"

#include <stdbool.h>

struct reading {
    const char *what, *things; // "reading the data", "files"
    bool live;
    double drawn; // when
    struct live_lines lines;
};

struct reading reading_start(const char *what, const char *things, bool quiet);
void reading_show(void *context, int done, int total); // as dataset_request has it
void reading_end(struct reading *reading);
