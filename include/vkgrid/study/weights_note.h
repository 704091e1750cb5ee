// SPDX-License-Identifier: MIT
// What weights files say of themselves, in their metadata.
#pragma once

#include "vkgrid/cortex/flatten.h"
#include "vkgrid/grid/grid.h"

struct tensors;

// JSON texts of the metadata; NULL where there is none.
struct weights_notes {
    const char *options, *statistics, *flatten;
    const char *fold; // which fold of the options' folds the network has not seen
};
bool weights_write_noting(const char *path, const struct tensors *weights,
                          const struct weights_notes *notes);

// The options of their cell, without its subjects. The caller ends it with cJSON_Delete.
struct cJSON *weights_description(const struct cell *cell);
// The same of a file, with "statistics" beside the options where the file has them. *description:
// NULL where the file is none of vkgrid's; fails when it cannot be read.
bool weights_describe(const char *path, struct cJSON **description);

// Of the features of the data that a cell was trained on (statistics_json.h). samples: these
// `count` of the data set; NULL: its training samples. The caller frees it; NULL: not known.
char *weights_statistics_note(const struct cell *cell, const struct dataset *dataset,
                              const uint32_t *samples, int count);
// The fold that a file says, *fold; -1: none. Fails when it cannot be read.
bool weights_fold(const char *path, int *fold);
// Adds "statistics" to options that do not have them, from the weights file or from the options
// beside it, where these do.
bool weights_add_statistics(const char *path, struct cJSON *options);
// The same to a cell.
bool weights_read_statistics(const char *path, struct cell *cell);

// What the images of the cell's data set were flattened with (flatten.json of its data folder), as
// the text that stands under "flatten" in a weights file's metadata. NULL: they were not, or that
// file cannot be read, which is said on stderr: weights are worth more than a note in them. The
// caller frees it.
char *weights_flat_note(const struct cell *cell);
// Adds it to options as the file says it, where it does.
bool weights_add_flatten(const char *path, struct cJSON *options);
// The same read back. *found: whether the file says it; fails when it cannot be read.
bool weights_flat_settings(const char *path, struct flat_settings *settings, bool *found);
// Of the options that convert writes beside a file which cannot hold them.
bool options_flat_settings(const char *path, struct flat_settings *settings, bool *found);
// The path of those options, <weights without its end>.options.json, where that file is there; else
// NULL. The caller frees it.
char *weights_options_beside(const char *path);
