// SPDX-License-Identifier: MIT
// The folder of a study and the file that says which study it is.
#pragma once

#include "vkgrid/run/run.h"

struct cJSON;

// Fails unless a study may be written there: the folder is missing and can be made, holds nothing,
// or holds a study. *holds: whether it does.
bool folder_check_study(const char *out, bool *holds);

// Makes one process at a time work there. Fails with who it is when another one does. *file is
// closed to let go; a process that ends in any way lets go.
bool folder_lock(const char *out, int *file);

// Removes what a study has written, the lock aside.
bool folder_clear(const char *out);

// Removes the temporary files (file_write) that processes which were killed have left. Only for the
// holder of the lock.
void folder_sweep(const char *out);

// Adds "; <prefix><key>: <mine> instead of <theirs>" for every key whose values differ.
struct text;
void folder_differences(struct text *list, const char *prefix, const struct cJSON *mine,
                        const struct cJSON *theirs);

// Fails unless the folder is there and can be written, or can be made.
bool folder_check_target(const char *path);

// Fails unless every file and folder that the cell reads is there, targets aside.
bool folder_check_inputs(const struct cell *cell, const char *where);
