// SPDX-License-Identifier: MIT
// The folder of a study.
#pragma once

#include <stdbool.h>

// Fails unless a study may be written there: the folder is missing and can be made, holds nothing,
// or holds a study. *holds: whether it does.
bool study_check_folder(const char *out, bool *holds);

// Removes what a study has written, the lock aside.
bool study_clear(const char *out);

// Removes the temporary files (file_write) that processes which were killed have left. Only for the
// holder of the lock.
void study_sweep(const char *out);
