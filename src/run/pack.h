// SPDX-License-Identifier: MIT
// One pack: from records to train_pack and back.
#pragma once

#include "vkgrid/study/saved.h"
#include "run/progress.h"

// What a study does beside recording; `train` alone needs little of it. Functions may be NULL;
// returning false stops the training with the message that is set. `slot` is the index into `jobs`.
struct pack_options {
    bool log_steps;
    const char *init;
    const char *checkpoints; // folder, or NULL: none are left
    bool always;             // a checkpoint after every epoch, whatever it costs
    void *context;
    bool (*epoch_done)(void *context, bool checkpoints);
    bool (*halt)(void *context, int slot);
    bool (*finished)(void *context, int slot, const struct run_result *result,
                     const struct tensors *weights);
    bool (*no_space)(void *context); // waits for room; false: no more
};

bool pack_train(struct engine *engine, const struct dataset *dataset, const struct job *jobs,
                int count, const struct pack_options *options, struct progress_worker *worker);

// "<folder>/grid00012-0": what the files of a run's checkpoints begin with. The caller frees it.
char *pack_checkpoints(const char *folder, const struct job *job);
