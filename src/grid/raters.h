// SPDX-License-Identifier: MIT
// Who drew the labels where the grid does not say (spec.md section 1).
#pragma once

#include "vkgrid/grid/grid.h"

// The list of raters of a cell whose other keys are known, by the file names of its first source
// that has a folder: none where a subject of the partition has a file of its own name, else those
// of A1 to A4 who have drawn one. Where no file tells (there is no data set, say): A1 to A4 for
// built-in sets, none for one's own, which is *guessed. The caller deletes it.
struct cJSON *raters_found(const struct cell *cell, bool built_in, bool *guessed);
