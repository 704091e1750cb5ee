// SPDX-License-Identifier: MIT
// The files of a cell that the notebook of the paper (analysis.ipynb, "Hyperparameter Search")
// reads beside plan.json: opts.json and run.log. Its rules, which decide their form:
// - opts.json: model_key ends in the cell's number from the fifth character on; partition is a list
//   of two lists; there is no key that a round of the plan has with "_0" behind it, and neither lr
//   nor bce_weight, which it takes from the plan's first round.
// - run.log: an iteration (our run) begins with a line that begins with "Iteration". Of the lines
//   below it that end in "*", all that the round improved, the tenth word is the validation dice
//   loss. The iteration's loss is the lowest of them; there must be one. The last line is not read.
#pragma once

#include "vkgrid/study/record.h"

struct cJSON;
struct text;

// The caller ends it with cJSON_Delete.
struct cJSON *notebook_options(const struct cell *cell);

// Numbers are the shortest that read back as the doubles of study.db. Only complete runs are
// iterations: one that was pruned or failed is a line that the notebook passes over, so that a cell
// without a complete run has no loss there (NaN), as it has no rank here.
void notebook_log(struct text *out, const struct record *record);
