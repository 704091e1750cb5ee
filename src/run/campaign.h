// SPDX-License-Identifier: MIT
// A search in progress: its folder, study.db, and what is still to do.
//
// One lock guards everything below it, study.db included; devices hold it between epochs only.
#pragma once

#include "run/live_report.h"
#include "run/progress.h"
#include "run/room.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/merge/taking.h"
#include "vkgrid/run/check_groups.h"
#include "vkgrid/run/run.h"
#include "vkgrid/study/best_set.h"
#include "vkgrid/study/trials.h"

#include <pthread.h>

struct campaign {
    const struct study_options *options;
    int lock_file; // of the folder; -1: not held
    struct store *store;
    struct progress progress;

    pthread_mutex_t lock;
    pthread_cond_t changed;     // a pack is over, a group is open, or a device has failed
    struct groups groups;       // of what is to do
    struct open_group *open;    // [group]
    struct obstacles obstacles; // of cells that were to do, found before anything was trained
    struct dataset *spare;      // that no open group has, for the next that has the same
    char *spare_key;            // in study.db
    bool keeps_data;            // the last data stays for groups that are not known yet
    struct trials trials;
    struct taking taking;       // of another study (from.h)
    struct cJSON *files;        // of weights, as settings say them (weight_files.h)
    char *data_before;          // the folder of the data as the study has it; NULL: it is not known
    bool data_moved;            // they are in another one now
    enum rank_by ranked_before; // what the study says that it is ranked by
    struct best_sets sets;      // as they were when they were made last
    double sets_made, sets_took; // seconds
    struct room room;
    struct live_report report;
    bool holds;       // whether the folder holds the study
    int busy;         // packs in training, and groups that are being opened
    bool stop;        // another device failed
    char *failure;    // and its message
    struct text told; // of the sources that have been read, a line each
    double saved;     // time of the last transaction
};

// Checks the folder, takes its lock, opens study.db, and reads the cells that are finished. Writes
// nothing yet.
bool campaign_open(struct campaign *campaign, struct grid *grid,
                   const struct study_options *options);
// Makes the folder and what is not there yet of study.db: everything has been found good.
bool campaign_create(struct campaign *campaign);
void campaign_close(struct campaign *campaign);

// Where the files of a cell are: of the only one of SAMPLER_CELL in the study's own folder. The
// caller frees it.
char *campaign_cell_folder(const struct campaign *campaign, int cell);

// What the study is. The caller ends it with identity_free().
struct identity campaign_identity(const struct campaign *campaign);

// Removes the weights that a cell has in the folder.
void campaign_remove_weights(struct campaign *campaign, int cell);
