// SPDX-License-Identifier: MIT
// One pack: from records to train_pack and back.
#pragma once

#include "progress.h"
#include "record.h"

struct job { // a slot
    struct record *record;
    int run;
};

struct pack_options {
    bool log_steps;
    const char *init;
    // Called when all runs of a record are finished. May be NULL.
    bool (*cell_finished)(void *context, struct record *record);
    void *context;
};

bool pack_train(struct engine *engine, const struct dataset *dataset, const struct job *jobs,
                int count, const struct pack_options *options, struct progress_worker *worker);
