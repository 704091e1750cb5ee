// SPDX-License-Identifier: MIT
// Joins ops that follow one another into one pass over memory, for any engine.
#pragma once

#include "vkgrid/graph/graph.h"

// Of the kinds that only engines make: FUSED_... (graph.h).
bool is_fused(enum op_kind kind);
// The op that does most of the work of one that is joined; any other kind as it is.
enum op_kind fused_main(enum op_kind kind);

// A copy of the graph with the same tensors by number, and fewer ops. An op that takes another into
// itself stands at the first one's place, where all that it reads has been made; tensors that are
// made no more have a count of 0. Tensors that are outputs, or that another op reads, are made as
// before.
struct graph *graph_fused(const struct graph *graph);
// A copy as it is.
struct graph *graph_copied(const struct graph *graph);
