// SPDX-License-Identifier: MIT
#pragma once

#include "vkgrid/cortex/flatten.h"
#include "vkgrid/grid/grid.h"

// What weights files say of themselves: the options of their cell, without its subjects. The caller
// ends it with cJSON_Delete.
struct cJSON *weights_description(const struct cell *cell);
// NULL without a message when the file is none of vkgrid's; NULL with one when it cannot be read.
bool weights_describe(const char *path, struct cJSON **description);

// What the images of the cell's data set were flattened with (flatten.json of its data folder), as
// the text that stands under "flatten" in a weights file's metadata. NULL: they were not, or that
// file cannot be read, which is said on stderr: weights are worth more than a note in them. The
// caller frees it.
char *weights_flat_note(const struct cell *cell);
// The same read back. *found: whether the file says it; fails when it cannot be read.
bool weights_flat_settings(const char *path, struct flat_settings *settings, bool *found);
// Of the options that convert writes beside a file which cannot hold them.
bool options_flat_settings(const char *path, struct flat_settings *settings, bool *found);
// The path of those options, <weights without its end>.options.json, where that file is there; else
// NULL. The caller frees it.
char *weights_options_beside(const char *path);
