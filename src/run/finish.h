// SPDX-License-Identifier: MIT
// The end of a run, and of a cell with its last one: files, trial, ranking. All under the lock.
#pragma once

#include "run/campaign.h"
#include "run/pack.h"

// A run is over: its record says how. weights: NULL when there are none.
bool finish_run(struct campaign *campaign, const struct pack *pack,
                const struct device_info *device, const struct job *job,
                const struct tensors *weights);

// A run has failed: it is tried once more, or it is over.
bool finish_failed(struct campaign *campaign, const struct pack *pack,
                   const struct device_info *device, const struct job *job,
                   const struct run_result *result);

// A run goes back to its last checkpoint, or to the beginning.
bool finish_try_again(struct campaign *campaign, const struct job *job, const char *why);
