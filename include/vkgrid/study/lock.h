// SPDX-License-Identifier: MIT
// One process at a time works in the folder of a study.
#pragma once

#include <stdbool.h>

// Fails with who it is when another one does. *file is what study_unlock() lets go; a process that
// ends in any way lets go.
bool study_lock(const char *out, int *file);
void study_unlock(int *file); // accepts -1, writes -1
