// SPDX-License-Identifier: MIT
// Weight files are found good, or told why they are not, before anything is trained. What is taken
// of a file, left out and dropped is told on stderr.
#pragma once

#include "vkgrid/run/check_groups.h"

// The files that the cells of the groups begin with (init_weights, else pretrained), each once; a
// bad one is an obstacle for its cells. may_miss: one that is not there is only told (a dry run).
// cleared: a folder that is emptied before they are wanted, where none of them may be; or NULL.
bool groups_check_weights(const struct grid *grid, const struct groups *groups, bool may_miss,
                          const char *cleared, struct obstacles *obstacles);

// Prints a note on a weights file (weights.h), which may be NULL, and frees it.
void weights_tell(const char *path, char *note);
