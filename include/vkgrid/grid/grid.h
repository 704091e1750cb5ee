// SPDX-License-Identifier: MIT
// The grid file (spec.md section 1): from JSON to cells.
//
// A key of hyper is an **axis**: a list of values, or for lr, gamma, bce_weight, batch_size and
// num_epochs a range {"min": a, "max": b, "log": true|false}, both ends included. A **sampler**
// makes cells of the axes.
//
// A cell is resolved through its **options**: one flat JSON object with every key of the grid,
// defaults filled in and the names of its features and labels spelled out. The grid makes the
// options of cell n by mixed radix; a file of options, as a study writes it for every cell, is read
// by the same code.
#pragma once

#include "vkgrid/train/plan.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/model/unet.h"

#include <stdbool.h>
#include <stdint.h>

#define GRID_CELLS 1000000 // most cells of a grid
#define FOLDS_MOST 1000    // most folds of a cell
#define CELL_NAME 16       // bytes of a cell's name

struct axis; // src/study/axes.h
struct cJSON;

enum sampler {
    SAMPLER_GRID,   // every combination of the lists
    SAMPLER_RANDOM, // `trials` cells, each drawn by itself: cell n is the same whatever `trials` is
    SAMPLER_OPTUNA, // no cells but those of grid_add_cell()
    SAMPLER_CELL,   // one cell, whose options stand in static (vkgrid train)
};
const char *sampler_name(enum sampler sampler); // "grid", "random", "optuna", "cell"
bool sampler_parse(const char *text, enum sampler *sampler);

// The channels of a set: what they are called, and where they come from (data/source.h), which is
// the same where a set is a list.
struct name_list {
    const char **names, **sources;
    int count;
};

struct cell {
    int number; // in its study
    int stream; // that its random numbers are drawn by: its number in the grid that it comes from
    char name[CELL_NAME];  // "grid00012", by the latter
    struct cJSON *options; // all the texts below point into it
    enum base_model base_model;
    struct round base; // the cell's own lr, gamma, bce_weight, batch_size and num_epochs: only for
                       // making the plan, which alone says what is trained
    int until;         // repeats: of each fold, where there are folds
    int folds;         // parts of the subjects, each of which validates once (folds.h); 0: none
    const char *inputs, *prediction; // names of the sets
    struct name_list features, labels;
    enum normalize *normalize;        // [features.count]
    struct value_statistics *trained; // of the training data of the weights that the cell stands
                                      // for, [features.count]; NULL: not known
    bool raters_guessed;              // nothing says whom its samples were drawn by
    int rows, cols;
    uint64_t seed;
    bool shuffle;
    enum precision precision;
    const char *pretrained; // file of torchvision weights, or NULL
    const char *init;       // file of weights to begin with, or NULL
    const char *data;       // data folder, or NULL
    bool data_varies;       // the grid varies it: it tells data sets apart
    struct plan plan;
};

// Run r trains fold r % folds in repeat r / folds, so that more repeats only add runs at the end.
static inline int cell_run_count(const struct cell *cell)
{
    return cell->until * (cell->folds > 0 ? cell->folds : 1);
}
// -1 of a cell without folds.
static inline int cell_fold(const struct cell *cell, int run)
{
    return cell->folds > 0 ? run % cell->folds : -1;
}

// How many networks a cell comes to: one, or one for each fold; number i is that of cell_fold(i).
static inline int cell_network_count(const struct cell *cell)
{
    return cell->folds > 0 ? cell->folds : 1;
}

// Names of the samples of the partition's lists, raters outer, subjects inner. Those of the test,
// which may be none, are never trained on nor validated with.
struct sample_names {
    char **training, **validation, **test;
    int training_count, validation_count, test_count;
};

// What the command line says over the grid file; zero or NULL where it says nothing.
struct grid_settings {
    const char *data;       // data_cache_path
    const char *precision;  // "auto", "fp32", "mixed"
    const char *pretrained; // what `"pretrained": true` stands for, as pretrained_parse() takes it
    const uint64_t *seed;
    enum sampler sampler;
    int trials; // of SAMPLER_RANDOM: 1 to GRID_CELLS
};

struct grid {
    char *where;              // name of the file, for messages
    struct cJSON *json;       // {"static": {...}, "hyper": {...}}
    struct cJSON *pretrained; // what stands for `"pretrained": true`, or NULL
    struct cJSON *raters;     // found by the files where the grid names none, or NULL
    bool raters_guessed;      // there were no files
    enum sampler sampler;
    struct axis *axes; // in the order of hyper
    int axis_count, cell_count;
    struct cJSON *
        *added;    // [cell_count] values of the cells of SAMPLER_OPTUNA, and of those outside
                   // the grid; else NULL
    int *places;   // [cell_count] which combination of the lists a cell is; NULL: as it is numbered
    int *streams;  // [cell_count] what its random numbers are drawn by; NULL: its number
    bool *outside; // [cell_count] not of this grid: of one that the study had before (growth.h);
                   // NULL: none is
    const char *model_cache_path; // or NULL; lives in json
};

// Reads and checks everything: every value of every key, then a cell for every combination of those
// that depend on each other (of SAMPLER_OPTUNA: for every choice). Errors name file, key and what
// is allowed.
bool grid_read(const char *path, const struct grid_settings *settings, struct grid **grid);
bool grid_parse(const char *text, size_t size, const char *where,
                const struct grid_settings *settings, struct grid **grid);
// A grid of SAMPLER_CELL: the one cell that these options describe, as cell_from_options() has it.
bool grid_of_cell(const struct cJSON *options, const char *where, struct grid **grid);
void grid_free(struct grid **grid); // accepts NULL, writes NULL

// The grid as a study.db keeps it: with the raters that were found. The caller deletes it.
struct cJSON *grid_record(const struct grid *grid);
// What the study has found earlier, where there are no files now.
void grid_set_raters(struct grid *grid, const struct cJSON *raters);
// The data folder that static names; NULL where it names none.
const char *grid_data(const struct grid *grid);
// Names another one, of a grid that does not vary it; raters that had to be guessed are found anew.
bool grid_set_data(struct grid *grid, const char *folder);
// Whether a key of static counts for what is trained: not where data and models lie, what models
// are called, and what is ignored.
bool grid_key_trains(const char *key);

// The value of --pretrained, "FILE" or "resnet18=FILE,resnet34=FILE", as it stands in options. The
// caller deletes it.
bool pretrained_parse(const char *text, struct cJSON **value);

// A grid as a study.db has it, {"static", "hyper"}, which was found good by the one that wrote it:
// its cells are not checked again. `like`: what else it has of the grid that takes its place.
bool grid_of_study(const struct cJSON *json, const struct grid *like, const char *where,
                   struct grid **grid);

// Cell n, 0 <= n < cell_count. Of SAMPLER_GRID the first key of hyper varies fastest, where the
// grid did not grow (growth.h).
bool grid_cell(const struct grid *grid, int number, struct cell *cell);

// What distinguishes cell n: {axis: value}, in the order of the axes. The caller deletes it.
struct cJSON *grid_values(const struct grid *grid, int number);

// Where in its axis' list the value of cell n stands; -1 where the cell was not made of the lists.
int grid_place(const struct grid *grid, int number, int axis);

// The first value of each axis. The caller deletes it.
struct cJSON *grid_first_values(const struct grid *grid);

// The same as a cell: one with these values, whatever its number is in the grid.
bool grid_cell_of(const struct grid *grid, int number, const struct cJSON *values,
                  struct cell *cell);

// Whether cell n is of a grid that the study had before: it is kept, and not trained or ranked.
bool grid_outside(const struct grid *grid, int number);

// Appends a cell to a grid of SAMPLER_OPTUNA. `values` has one value for each axis, in any order: a
// number between the ends of the axis that is allowed for the key, or one of the list's texts. A
// list's element that is itself a list or an object may come as its JSON text.
bool grid_add_cell(struct grid *grid, const struct cJSON *values);
// Such values as grid_values() has them. The caller deletes *taken.
bool grid_take_values(const struct grid *grid, const struct cJSON *values, struct cJSON **taken);
void cell_free(struct cell *cell); // leaves an empty cell

// A cell from its options, which are copied. A partition may be missing (apply needs none). A
// plan's rounds stand over the other keys.
bool cell_from_options(const struct cJSON *options, const char *where, struct cell *cell);
// The same of the network alone, for prediction: subjects and paths (of the original's models: of
// another machine) are not looked at, and rates may be missing. "statistics", which is no key of
// options, says `trained` (statistics_json.h).
bool cell_for_network(const struct cJSON *options, const char *where, struct cell *cell);

// The keys of an object (options, or what is static in a grid) that are taken and say nothing here:
// "device, nthreads"; NULL when there are none. The caller frees it.
char *cell_ignored_keys(const struct cJSON *values);

// Of a cell with a partition; where it has folds (folds.h) all train.
void cell_samples(const struct cell *cell, struct sample_names *samples);
void sample_names_free(struct sample_names *samples); // leaves an empty list
// A copy of a partition without its test subjects: those that are equal but for them train the same
// bits. The caller deletes it.
struct cJSON *partition_of_training(const struct cJSON *partition);

// Two cells with equal keys can be trained in one pack: equal tensor shapes, data set, rounds and
// epochs. The caller frees it.
char *cell_group_key(const struct cell *cell);
// Two cells of a grid with equal keys are trained on the same data, wherever that lies. The caller
// frees it.
char *cell_data_key(const struct cell *cell);

// Shape of the cell's network and of its data set, as the partition has it; as cell_samples(), that
// of no fold.
struct unet_shape cell_shape(const struct cell *cell);

// The name of a cell: "grid00012".
char *cell_name(int number, char name[CELL_NAME]);

// What a cell's network learns, "<inputs>_<prediction>": cells of one task are compared with each
// other. The caller frees it.
char *cell_task(const struct cell *cell);

// What a data set of the cell's features and labels is asked for with, still without samples.
struct dataset_request cell_request(const struct cell *cell);
// The data set of a cell with a data folder and a partition. how: a request of which only those
// members count that say how it is read (`check` and those below it); NULL: the whole of it.
bool cell_load_data(const struct cell *cell, const struct dataset_request *how,
                    struct dataset **dataset);

// Which feature a picture shows behind labels: curvature, which shows a cortex best, else the first
// one with files.
int cell_background(const struct cell *cell);

// Whether what becomes of the values of features is the same in both, which have as many.
bool cells_prepare_alike(const struct cell *one, const struct cell *other);

// Fails unless every folder that the cell's samples are in is there.
bool cell_check_inputs(const struct cell *cell, const char *where);
