// SPDX-License-Identifier: MIT
// A group whose runs are being trained.
#pragma once

#include "run/campaign.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/grid/folds.h"
#include "vkgrid/study/saved.h"

enum group_state { GROUP_CLOSED, GROUP_OPENING, GROUP_OPEN, GROUP_OVER };

struct open_group {
    const struct group *group;
    enum group_state state;
    char *data_key, *data;   // in study.db, and the folder
    struct data_fold *folds; // [cell.folds] of its cells; NULL: they have none
    int fold_count;
    struct dataset *dataset; // which other open groups may have as well
    char *left_out;          // its samples without files, in words; NULL: none
    char **statistics;       // [network] of its features, as weights keep them; NULL: not known
    struct record *records;  // [cell of the group]
    struct job *jobs;        // one for each run that is not over
    bool *taken;             // [job] in a pack now, or over
    int job_count, over;
    int packs;                    // as they were counted at first
    double earlier_over, resumed; // work done before the start, as progress_resumed() was told
    bool measured;                // how many slots are of use to it, by some device
};

// Names the data of the group.
bool group_name_data(const struct campaign *campaign, struct open_group *open);

// Takes the data of another group, or what is spare, where that is the same. False: it has to be
// read, and there is no spare data now. Under the lock.
bool group_share_data(struct campaign *campaign, struct open_group *open);

// Reads the data of the group. Takes time, and needs nothing of the campaign: without the lock.
bool group_load_data(const struct campaign *campaign, struct open_group *open);

// Whether it is what the study began with, and the group can be trained with it; else an error is
// set. Finds the samples of the folds. Fails where study.db cannot be asked.
bool group_check_data(const struct campaign *campaign, struct open_group *open, bool *good);

// The fold of a run; NULL: it has none.
const struct data_fold *group_fold(const struct open_group *open, const struct job *job);

// Whether the data is what the study began with, else an error is set; it may not be there yet.
// Fails where study.db cannot be asked.
bool study_check_data(const struct campaign *campaign, const char *key, const char *folder,
                      const struct dataset *dataset, bool *same);

// What was read is told, each source once in a search.
void tell_sources(struct campaign *campaign, const struct dataset *dataset);

// Reads what study.db has of the group's cells, which notes the data of a new group. Under the
// lock.
bool group_open(struct campaign *campaign, struct open_group *open);
// Its data stays where another group that is still to be opened has the same. Under the lock.
void group_close(struct campaign *campaign, struct open_group *open);
