// SPDX-License-Identifier: MIT
// A search in progress; private to src/study/.
//
// One lock guards everything below it, study.db included; devices hold it between epochs only.
#pragma once

#include "vkgrid/study/saved.h"
#include "run/progress.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/run/run.h"
#include "vkgrid/run/groups.h"

#include <pthread.h>

// The cell of a model that ranks first so far.
struct leader {
    char *model;
    struct score score;
};

// A group whose runs are being trained: a record for each cell, a job for each run that is not
// over.
struct open_group {
    const struct group *group;
    struct dataset *dataset;
    struct record *records;
    struct job *jobs;
    bool *taken; // [job] in a pack now, or over
    int job_count, over;
    bool measured; // how many slots are of use to it, by some device
};

// Jobs that a device trains at once: all of one group, all after the same number of epochs.
struct pack {
    struct open_group *group;
    struct job *jobs;
    int *places; // in the group's jobs
    int count;
};

// What a device has found out about the packs of a group.
struct device_group {
    bool measured; // it was tried how many slots are of use
    int most;      // slots: it had not the memory for more; 0: no such limit is known
    int failures;  // of packs of one slot in a row, for want of memory
};

// To a trial that Optuna has put in the queue.
struct answer {
    int64_t trial;
    int cell;  // that it became, or -1
    char *why; // it did not
};

struct search {
    struct grid *grid;
    const struct study_options *options;
    char *checkpoints; // folder
    int lock_file;     // of the folder; -1: not held
    struct store *store;
    struct progress progress;

    pthread_mutex_t lock;
    struct groups groups;    // of what is to do
    struct open_group *open; // [group]
    struct score *scores;    // [cell of the grid]
    struct leader *leaders;
    int leader_count;
    int known; // cells that study.db has
    struct answer *answers;
    int answer_count;
    bool holds, made; // whether the folder holds the study; whether all of it is written
    int busy;         // packs in training
    bool stop;        // another device failed
    char *failure;    // and its message
    double saved;     // time of the last transaction
};

// --- search.c: what the folder has --------------------------------------------------------------

// Checks the folder, takes its lock, opens study.db, and reads the cells that are finished. Writes
// nothing yet.
bool search_open(struct search *search);
// Makes the folder and what is not there yet of study.db: everything has been found good.
bool search_make(struct search *search);
void search_close(struct search *search);

// Takes a finished cell into account. Returns the number of whichever of it and its model's leader
// so far ranks lower and has weights, or -1.
int search_score(struct search *search, const struct cell *cell, const struct score *score);
struct leader *search_leader(struct search *search, const struct cell *cell);
char *search_folder(const struct search *search, const struct cell *cell);
void search_remove_weights(struct search *search, int cell);

// --- queue.c: which jobs next -------------------------------------------------------------------

// How many packs so many runs make: of nearly equal size, and as many as there are devices where
// that many can be.
int queue_packs(const struct search *search, int count, int slots);
// The next pack for a device, or one with count 0 when nothing is left to do. Measures first how
// many slots are of use to a group where that is not known; known: [group] by this device. Waits
// while jobs of other devices may come back. Holds the lock itself.
bool queue_take(struct search *search, struct engine *engine, struct device_group *known,
                struct pack *pack);
// The pack is over; jobs of it whose runs are not over are to be done again.
void queue_give_back(struct search *search, struct pack *pack);
void queue_close(struct search *search);

// --- worker.c: a device -------------------------------------------------------------------------

// Trains packs until there are none left. Takes over *engine, which may be open already.
bool worker_run(struct search *search, int device, struct engine **engine);

// Waits until there may be room on the disk again; false after an interrupt. The message is that of
// what failed.
bool search_wait_for_room(struct search *search);
