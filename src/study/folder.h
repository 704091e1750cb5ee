// SPDX-License-Identifier: MIT
// The folder of a study and the file that says which study it is.
#pragma once

#include "vkgrid/study.h"

// Fails unless the study may be written there: the folder is missing and can be made, is empty, or
// holds this very study (or, to be overwritten, any). *holds: whether there is something to go on
// with.
bool folder_check_study(const char *out, const struct grid *grid, bool overwrite, bool *holds);

// Makes the folder and study.json; with `overwrite` removes what the study that is there has
// written.
bool folder_make_study(const char *out, const struct grid *grid, bool overwrite,
                       const struct cJSON *record);

// Fails unless the folder is there and can be written, or can be made.
bool folder_check_target(const char *path);

// Fails unless every file and folder that the cell reads is there, targets aside.
bool folder_check_inputs(const struct cell *cell, const char *where);
