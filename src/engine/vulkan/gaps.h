// SPDX-License-Identifier: MIT
// Gaps: what lies between two barriers.
#pragma once

#include "vkgrid/graph/graph.h"

// Which ops of a routine share gaps with the one before: [op], in groups that touch `most` elements
// of a sample at most. All that the ops of a group touch must be alive together. gaps_sizes():
// elements that each group would touch. The caller frees both lists.
#define GAP_OPS 4 // of a group, at most
bool *gaps_find(const struct graph *graph, enum routine routine, size_t most);
size_t *gaps_sizes(const struct graph *graph, enum routine routine, int *count);
// The gap of each step of the ops of a group; a step begins with a dispatch that is not `beside`
// the one before. Returns the number of gaps.
#define GAP_STEPS 8 // of an op, at most
int gaps_level(const struct op *ops, int count, const int *steps, int levels[][GAP_STEPS]);
