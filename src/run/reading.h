// SPDX-License-Identifier: MIT
// The line that a terminal shows while the files of a data set are read.
#pragma once

#include "vkgrid/base/terminal.h"

#include <stdbool.h>

struct reading {
    bool live;
    double drawn; // when
    struct live_lines lines;
};

struct reading reading_start(bool quiet);
void reading_show(void *context, int done, int total); // as dataset_request has it
void reading_end(struct reading *reading);
