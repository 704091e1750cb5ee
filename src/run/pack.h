// SPDX-License-Identifier: MIT
// One pack: runs that a device trains at once, from records to train_pack() and back.
#pragma once

#include "run/progress.h"
#include "vkgrid/study/saved.h"

struct pack {
    struct open_group *group; // that its jobs are from
    struct job *jobs;         // [slot]
    int count;
    int *places; // [slot] in the group's jobs

    // While it is trained.
    void *owner; // for the functions that whoever trains it puts into its events
    struct progress_worker *progress;
    double samples;            // of training, of all slots over the whole plan
    int done;                  // batches, when the progress was told last; -1: not yet
    bool always;               // a checkpoint after every epoch, whatever it costs
    bool checkpoints;          // left after this epoch
    double began, ended, took; // the last checkpoints, in seconds
};

// The listener to a pack's training (train.h): puts what happens into the records of its jobs and
// tells the progress. Whoever trains the pack adds its own functions; their context is the pack.
struct train_events pack_events(struct pack *pack, bool log_steps);

// Leave checkpoints when they take a small part of the time only, and note them in the records.
void pack_leave_checkpoints(struct train_events *events);
// They are saved: to be called in epoch_done.
void pack_checkpoints_saved(struct pack *pack);

// out: the folder of the study, which checkpoints go to.
bool pack_train(struct pack *pack, struct engine *engine, const struct dataset *dataset,
                const char *out, const struct train_events *events);
