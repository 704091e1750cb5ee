// SPDX-License-Identifier: MIT
// Runs routines: for one slot after the other, each op by itself on all threads.
#pragma once

#include "engine/engine_ops.h"

// engine_ops of programs.
bool cpu_run(struct program *program, enum routine routine, int n);
bool cpu_times(struct program *program, enum routine routine, int n, double *seconds);
bool cpu_wait(struct program *program);
