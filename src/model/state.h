// SPDX-License-Identifier: MIT
// What the files of this room share.
#pragma once

#include "vkgrid/model/weights.h"

// All tensors of a weight file for this graph, zero, in the order of PyTorch's state_dict: those of
// BLOCK_STATE, and num_batches_tracked after the running variance of every batch norm.
void weights_zero(const struct graph *graph, struct tensors *weights);

// If a name ends with `end`, its length without it; else 0.
size_t name_stem(const char *name, const char *end);
