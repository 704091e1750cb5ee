// SPDX-License-Identifier: MIT
// What a progress looks like to people. Both under its lock.
#pragma once

#include "run/progress.h"

// The live lines of a terminal. `above`: a message, or NULL.
void progress_draw(struct progress *progress, const char *above);

// The plain line of a device, on anything else.
void progress_print(struct progress_worker *worker, double time);
