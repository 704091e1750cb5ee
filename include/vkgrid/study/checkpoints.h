// SPDX-License-Identifier: MIT
// The files of the checkpoints of a study.
#pragma once

#include "vkgrid/store/store.h"

#define CHECKPOINT_FILES 3 // most of one checkpoint

// Names, within the folder of checkpoints, of the files that a run's checkpoint needs. Returns how
// many; the caller frees each.
int checkpoints_list(int cell, int run, const struct run_state *state,
                     char *names[CHECKPOINT_FILES]);

// Removes the files that study.db does not name: a process that was killed had written them, or not
// yet removed. Only for the holder of the lock.
bool checkpoints_sweep(const char *out, struct store *store);
