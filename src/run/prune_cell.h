// SPDX-License-Identifier: MIT
#pragma once

#include "vkgrid/run/prune.h"
#include "vkgrid/store/store.h"

// Whether a cell is to be stopped now, by its intermediate values and those of the other cells of
// its task in study.db. epochs: of its whole plan.
bool prune_cell(struct store *store, enum prune prune, int cell, int epochs, bool *stop);
