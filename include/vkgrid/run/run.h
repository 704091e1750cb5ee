// SPDX-License-Identifier: MIT
// Running a grid: cells -> groups -> packs -> files (spec.md section 7).
//
// Cells with equal tensor shapes, data set, rounds and epochs form a group; the runs of a group are
// cut into packs, each trained at once. A run's numbers do not depend on its pack. study.db
// (store.h) is the truth about a study; the files of a cell are written from it when its last run
// is over. A study that was stopped in any way goes on when it is run again in the same folder, and
// ends with the same bits.
#pragma once

#include "vkgrid/grid/grid.h"
#include "vkgrid/run/prune.h"
#include "vkgrid/study/best_set.h"
#include "vkgrid/study/grown.h"

enum keep {
    KEEP_NONE,
    KEEP_BEST, // of each task ({inputs} x {prediction}) the weights of the cell that ranks first
               // so far
    KEEP_ALL,
};
const char *keep_name(enum keep keep); // "none", "best", "all"
bool keep_parse(const char *text, enum keep *keep);

// Whoever follows a study while it is trained. Called by the threads of the devices; where a
// function returns false the search ends with the message that is set.
struct study_listener {
    void *context;
    // An epoch of a run is over, `epoch_index` of them were done before it, and study.db has it.
    bool (*epoch)(void *context, int cell, int run, int epoch_index,
                  const struct epoch_result *epoch);
    // Asked after that: true stops the cell, which is pruned then.
    bool (*halt)(void *context, int cell);
    // The last run of a cell is over, and study.db has it.
    bool (*over)(void *context, int cell);
};

struct study_options {
    const char *out;
    const int *devices; // each trains packs of its own, from one queue
    int device_count;
    int pack; // most slots in a pack; 0: see pack_size_of
    enum keep keep;
    enum prune prune;
    enum rank_by rank_by;
    bool log_steps, overwrite, quiet;
    bool always;        // a checkpoint after every epoch, whatever it costs
    bool retry_failed;  // cells that failed are tried again, as new trials
    bool unprune;       // cells that were pruned go on
    bool data_told;     // where data lie that moved has been said
    const char *matrix; // whether matrix units are used, in words (engine.h); NULL: "auto"
    const char *from;   // folder of a study whose finished cells are taken over, or NULL
    const int *cells;   // the cells to run, ascending; NULL: all
    int cell_count;
    int shard, shards;              // only that part of them (shard.h); shards 0: all
    const struct cJSON *invocation; // what the command line said, for study.db
    // Writes a report of how it stands, now and then while it runs; NULL: nobody does. It is called
    // by one thread at a time, and what goes wrong is its own affair.
    void (*report)(void *context);
    void *report_context;
    const struct study_listener *listener; // or NULL
};

struct study_result {
    int cells;              // that were asked for
    int finished, earlier;  // of them: are finished, and were so before
    int failed, pruned;     // of the finished ones
    int failed_runs;        // of the finished cells
    enum rank_by rank_by;   // that is in force
    int unable;             // cannot be trained; they are not among the finished
    int refused;            // trials that Optuna asked for now and that became no cells
    struct leaders leaders; // of the tasks; one that does not rank where no cell is complete
    struct best_sets sets;  // of the tasks
};

void study_result_free(struct study_result *result); // leaves an empty result

// Trains what is not finished yet. Nothing is written before grid, device, weights and the data
// sets of all groups have been checked. A study does not begin while files of any group have to be
// mended; one that has begun goes on with what can be trained. Cells that cannot be, by their
// values, by the device or by their files, are failed ones with their reason, and tried again when
// the study goes on; where no cell at all can be trained that is an error. After an interrupt
// (interrupt.h) it returns false with everything saved. A grid of SAMPLER_OPTUNA gets the cells of
// its trials; the one cell of SAMPLER_CELL has its files in `out` itself.
bool study_run(struct grid *grid, const struct study_options *options, struct study_result *result);

// What the study that `out` may hold gains by the grid, which gets the study's numbers. Writes
// nothing, and does not wait for a search that runs there. Fails where study_run() would refuse the
// grid. grown_free() leaves nothing of it.
bool study_look(struct grid *grid, const struct study_options *options, struct grown *grown);
