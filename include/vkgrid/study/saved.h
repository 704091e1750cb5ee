// SPDX-License-Identifier: MIT
// Records to study.db and back. Each of the functions that write is one transaction.
#pragma once

#include "vkgrid/study/record.h"

struct job { // a slot of a pack
    struct record *record;
    int run;
};

static inline struct run_record *job_run(const struct job *job)
{
    return &job->record->runs[job->run];
}

// Reads all that the database has of a cell, and changes nothing.
bool saved_read(struct store *store, struct record *record);

// Reads what the database has of a cell that is not finished: complete runs, and the others as far
// as their last checkpoints. Forgets what came after those.
bool saved_load(struct store *store, struct record *record);

// The runs of a pack begin, or go on.
bool saved_begin(struct store *store, const struct job *jobs, int count,
                 const struct device_info *device, const struct cJSON *progress);

// What the runs have that the database has not: epochs, steps, checkpoints; and where the study is.
bool saved_epochs(struct store *store, const struct job *jobs, int count,
                  const struct cJSON *progress);

// A run failed and is rewound to its last checkpoint, to be tried again.
bool saved_rewind(struct store *store, const struct job *job);

// Cells fail of which no run has begun: all their runs are over. One transaction for all.
struct saved_failure {
    const struct record *record;
    const struct score *score;
    const struct cJSON *attributes; // of the cell's trial
};
bool saved_fail(struct store *store, const struct saved_failure *items, int count);

// A run is over, and with it perhaps its cell: then `score` is not NULL, and `attributes` go to its
// trial. A trial that is `beaten` (-1: none) has no weights any more.
bool saved_end(struct store *store, const struct job *job, const struct score *score,
               const struct cJSON *attributes, int beaten);
