// SPDX-License-Identifier: MIT
// Shares of a study, one for each machine or task.
#pragma once

#include "vkgrid/run/groups.h"

// The cells of share `shard` of `shards`, ascending; `cells` has room for all of
// groups->cell_count.
//
// The cells, ordered by their groups, are cut into `shards` parts that lie one after the other: a
// cell belongs to the part in which the middle of its work lies. So every cell is in exactly one
// part, no part differs from an equal share of the work by more than one cell's, and no more than
// shards - 1 groups are cut: packs stay whole but for those. Only grid and numbers are asked, not
// the device, the width of its packs, or what is finished: tasks that start at different times, on
// different devices, or again, agree without talking. A part is empty when there are more parts
// than cells.
void shard_cells(const struct groups *groups, int shard, int shards, int *cells, int *count);

#define SHARDS 10000 // most parts

// "K/N", 0 <= K < N.
bool shard_parse(const char *text, int *shard, int *shards);

// What the environment of an array of tasks says; *shards is 0 when there is none. *source: the
// variable that named the task. The first of these that is set:
//
// SLURM_ARRAY_TASK_ID        counted from SLURM_ARRAY_TASK_MIN, of SLURM_ARRAY_TASK_COUNT; the
// array
//                            must be a range without gaps, such as --array=0-9
// JOB_COMPLETION_INDEX       of JOB_COMPLETIONS (Kubernetes sets none of that name: VKGRID_SHARDS)
// AWS_BATCH_JOB_ARRAY_INDEX  of AWS_BATCH_JOB_ARRAY_SIZE
//
// VKGRID_SHARDS, where it is set, is the number of parts, and the task's number then counts from 0:
// some tasks of an array can be started again by themselves.
bool shard_from_environment(int *shard, int *shards, const char **source);
