// SPDX-License-Identifier: MIT
// What the programs of all engines have in common before they are anything of an engine's own.
#pragma once

#include "engine/memory_plan.h"
#include "vkgrid/engine/engine.h"

// What is run for a graph: a copy of it, with ops joined (fuse.h). Under inspect every tensor can
// be read, so none are.
struct graph *program_graph(const struct graph *graph, const struct program_options *options);

// Frees what a program runs, which tensors are made of 16-bit numbers, and where they lie.
void program_plan_forget(struct graph **graph, bool **half, struct memory_plan *plan);

// "3 slots of batch size 4 need 812 MiB", for people.
#define PROGRAM_NEEDS 96
void program_needs(const struct program_options *options, uint64_t bytes,
                   char text[static PROGRAM_NEEDS]);
