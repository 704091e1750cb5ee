// SPDX-License-Identifier: MIT
#pragma once

#include "vkgrid/grid/grid.h"

// What weights files say of themselves: the options of their cell, without its subjects. The caller
// ends it with cJSON_Delete.
struct cJSON *weights_description(const struct cell *cell);
// NULL without a message when the file is none of vkgrid's; NULL with one when it cannot be read.
bool weights_describe(const char *path, struct cJSON **description);
