// SPDX-License-Identifier: MIT
// How a study stands, from its folder alone: OUT/study.db as a search last left it, OUT/lock for
// who is at work. Nothing is changed, except that what a killed search left half written is undone,
// as the next search would do.
#pragma once

#include <stdbool.h>

struct cJSON;

// An object, which the caller ends with cJSON_Delete:
//   study: the folder; version: of vkgrid, that made it; shard: [K, N] or null
//   state: "running" (somebody holds it), "finished" (nothing is left to do), else "stopped"
//   holder: {pid, host} (null where the lock does not say) or null
//   cells: {total, complete, running, failed, pruned, waiting}
//   tasks: [{name, cells, best: [{cell, dice_loss, loss, options, labels: {name: {hard_dice, iou,
//     images}}}] (the first few by rank), importance: as importance_add() has it
//     (report/parts.h)}]
//   failed_runs: {count, first: [{cell, run, attempts, why}]}
//   refused: {count, first: [{task, trial, why}]}: trials of Optuna's that became no cells
//   progress: what progress_json() says (study/progress.h), or null before the first pack
// earlier: a status of the study whose importance stands for today's, which takes all runs into
// account and so a second of 50,000 cells; NULL: it is computed.
// Fails with one line when OUT is no study or its database is damaged.
bool status_read(const char *out, const struct cJSON *earlier, struct cJSON **status);

// That as lines for people, at the time `now` (unix seconds), with accents (terminal.h). The caller
// frees it.
char *status_text(const struct cJSON *status, double now);
