// SPDX-License-Identifier: MIT
// The reference engine: runs any graph in double with the naive ops of ops.h. For tests only; not
// in devices_list().
#pragma once

#include "vkgrid/engine/engine.h"

// Closed with engine_close().
struct engine *reference_engine(void);

// From now on every op spoils its outputs: one element of each is moved by `amount` times the mean
// magnitude of the tensor (at least by `amount`), an index by one. Shows that a test can fail. 0:
// none.
void reference_perturb(struct engine *engine, double amount);

// A float tensor of one slot in full precision, to be read and written in place.
double *reference_values(const struct program *program, int tensor, int slot);
