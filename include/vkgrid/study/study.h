// SPDX-License-Identifier: MIT
// Running a grid: cells -> groups -> packs -> files (spec.md section 7).
//
// Cells with equal tensor shapes, data set, rounds and epochs form a group; the runs of a group are
// cut into packs, each trained at once. A run's numbers do not depend on its pack. study.db
// (store.h) is the truth about a study; the files of a cell are written from it when its last run
// is over. A study that was stopped in any way goes on when it is run again in the same folder, and
// ends with the same bits.
#pragma once

#include "vkgrid/study/grid.h"
#include "vkgrid/study/prune.h"
#include "vkgrid/train/train.h"

enum keep {
    KEEP_NONE,
    KEEP_BEST, // of each model ({inputs} x {prediction}) the weights of the cell that ranks first
               // so far
    KEEP_ALL,
};
const char *keep_name(enum keep keep); // "none", "best", "all"
bool keep_parse(const char *text, enum keep *keep);

struct group {
    char *key;
    int *cells; // numbers, ascending
    int cell_count, run_count;
    struct unet_shape shape;
    double work;    // floating-point operations of all its runs
    char label[96]; // for people: "resnet18 anat area, batch 4, 128x256"
};

struct groups {
    struct group *items;
    int count, cell_count, run_count;
};

// The group of one cell, still without key, cells and runs; work is that of one run.
struct group group_of(const struct cell *cell);

// The groups of those cells, in the order in which their first cells stand. Fails on a cell that no
// pack can train.
bool groups_make(const struct grid *grid, const int *cells, int count, struct groups *groups);
void groups_free(struct groups *groups);

// How many slots the packs of a group have on a device, and what says so.
enum width_reason {
    WIDTH_RUNS,       // all of the group's runs
    WIDTH_ASKED,      // the most that were asked for
    WIDTH_MEMORY,     // no more fit into the device's memory
    WIDTH_PROCESSOR,  // a processor gains nothing from more
    WIDTH_MEASURED,   // twice as many gained nothing
    WIDTH_UNMEASURED, // not whether more are of use: as many as were measured; where none were, as
                      // many as fit, up to a number that is enough for most devices
};
struct width {
    int slots;
    enum width_reason reason;
};
const char *width_reason_name(enum width_reason reason); // for people

// most: that were asked for, 0: as many as are of use there. Goes by the memory that is free now.
// Fails when not even one fits, saying how much is needed and how much there is.
bool group_width(struct engine *engine, const struct group *group, int most, struct width *width);

// Measures training steps of the group with 1, 2, 4, ... slots, as far as that is not known yet and
// while twice the slots fit and gain something, and keeps what it found with the engine. Takes a
// few seconds at most, and no more than a small part of the time that the group trains. What goes
// wrong only leaves less known. A run's bits do not depend on its pack, so nothing else depends on
// it. Returns the most slots to try where the device had not the memory that it said it had, else
// 0.
int group_measure(struct engine *engine, const struct group *group);

// Packs of nearly equal size: run_count runs in packs of at most `slots`.
int pack_count(int run_count, int slots);
void pack_range(int run_count, int packs, int pack, int *first, int *count);

struct study_options {
    const char *out;
    const int *devices; // each trains packs of its own, from one queue
    int device_count;
    int pack; // most slots in a pack; 0: see group_width
    enum keep keep;
    enum prune prune;
    bool log_steps, overwrite, quiet;
    bool always;        // a checkpoint after every epoch, whatever it costs
    bool retry_failed;  // cells that failed are tried again, as new trials
    bool unprune;       // cells that were pruned go on
    const char *matrix; // whether matrix units are used, in words (engine.h); NULL: "auto"
    const int *cells;   // the cells to run, ascending; NULL: all
    int cell_count;
    int shard, shards;          // only that part of them (shard.h); shards 0: all
    const struct cJSON *record; // what the command line said, for study.db
};

// The cell of a model that ranks first.
struct study_leader {
    char *model; // "<inputs>_<prediction>"
    int cell;
    double dice, loss;
};

struct study_result {
    int cells;             // that were asked for
    int finished, earlier; // of them: are finished, and were so before
    int failed, pruned;    // of the finished ones
    int failed_runs;       // of the finished cells
    struct study_leader *leaders;
    int leader_count;
};

void study_result_free(struct study_result *result); // leaves an empty result

// Trains what is not finished yet. Nothing is written before grid, data folder, device and the
// first group's data set are found good. After an interrupt (interrupt.h) it returns false with
// everything saved. A grid of SAMPLER_OPTUNA gets the cells of its trials.
bool study_run(struct grid *grid, const struct study_options *options, struct study_result *result);

struct train_options {
    const char *out;
    int device;
    int pack;
    const char *init; // weights file to start from, or NULL
    bool log_steps, overwrite, quiet;
};

// Trains one cell into `out`: what a study writes into the folder of a cell. Takes over the cell.
bool study_train(struct cell *cell, const struct train_options *options,
                 struct study_result *result);

// The data set of a cell with a data folder and a partition.
bool cell_load_data(const struct cell *cell, struct dataset **dataset);

// What weights files say of themselves: the options of their cell, without its subjects. The caller
// ends it with cJSON_Delete.
struct cJSON *weights_description(const struct cell *cell);
// NULL without a message when the file is none of vkgrid's; NULL with one when it cannot be read.
bool weights_describe(const char *path, struct cJSON **description);
