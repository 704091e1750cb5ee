// SPDX-License-Identifier: MIT
// The parts of vkgrid apply.
#pragma once

#include "cli/options.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/data/label_map.h"
#include "vkgrid/engine/engine.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/model/weights.h"

// What is known of the network that the weights belong to, as a cell: from --options, else from the
// weights file or the options beside it; then from the command line.
bool apply_read_cell(const struct options *options, struct cell *cell);

// The weights for the cell's network, and the device that --device names.
struct network {
    struct tensors weights;
    struct engine *engine;
};
bool apply_open_network(const struct options *options, const struct cell *cell,
                        struct network *network);
void apply_close_network(struct network *network); // accepts one that is not open

struct sample_list {
    char **names;
    int count;
};
// --samples, or all files of the first of a set's sources that has files.
bool apply_find_samples(const struct options *options, const struct name_list *sources,
                        const char *set, struct sample_list *samples);
void sample_list_free(struct sample_list *samples); // leaves an empty list

// Says on stderr which features have values far outside those of the training data.
void apply_tell_ranges(const struct cell *cell, const struct dataset *dataset);

#define LEGEND "legend.tsv"
#define LEGEND_LIMIT ((size_t)1 << 20)

// The files that are written: <sample>.npy, a map for each group of labels (<sample>.png, or
// <sample>_<group>.png where there are several), and legend.tsv.
struct output {
    const char *folder;
    const struct cell *cell;
    struct label_group groups[LABEL_GROUPS];
    int group_count;
    struct sample_size size; // of all maps; zeros: that of each sample's own files
};

bool output_init(struct output *output, const char *folder, const struct cell *cell,
                 const struct options *options);

// The caller frees what these return.
char *output_map_name(const struct output *output, const char *sample, int group);
char *output_legend(const struct output *output); // map, index, name, colour of every class

// Before anything is computed: fails when the folder holds files of the data set, or files that
// would be written and `overwrite` is not set. Says on stderr what else of the kind lies there.
bool output_check(const struct output *output, const char *data, const struct sample_list *samples,
                  bool overwrite);
bool output_begin(const struct output *output); // the folder and the legend

// probabilities: [label][row][col] of the network's size.
bool output_write(const struct output *output, const struct dataset *dataset, int sample,
                  const float *probabilities);
