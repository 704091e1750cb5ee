// SPDX-License-Identifier: MIT
// The parts of vkgrid apply.
#pragma once

#include "cli/options.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/data/label_map.h"
#include "vkgrid/grid/grid.h"

// What is known of the network that the weights belong to, as a cell: from --options, else from the
// weights file or the options beside it; then from the command line.
bool apply_read_cell(const struct options *options, const char *weights, struct cell *cell);

struct sample_list {
    char **names;
    int count;
};
// --samples, or all files of the first of the features, or labels, that has files.
bool apply_find_samples(const struct options *options, const char *folder, const struct cell *cell,
                        bool labels, struct sample_list *samples);
void sample_list_free(struct sample_list *samples); // leaves an empty list

// Where the images are that --data names: a data set, a folder of images, or one image.
struct place {
    char *folder; // of a data set; that of images is the source in it which stands in the cell
    char *only;   // the one sample, or NULL
    char **sources;
    int source_count;
};
// A folder of images, or one image, needs a network whose features come from one folder: that name
// becomes the source of all of them, and it is told.
bool place_find(const struct options *options, struct cell *cell, struct place *place);
void place_free(struct place *place); // the cell is done with its sources
// Gives every feature the folder of that name in place of its own.
bool place_move(struct cell *cell, const char *name, struct place *place);

// What a picture of labels shows behind them.
struct background {
    const struct dataset *dataset; // names and sizes of the samples
    const char *folder;
    const char *sources[3]; // one: grey; three: red, green, blue
    int channels;
    struct sample_size size; // of all; zeros: of each sample's own files
    struct dataset *loaded;  // samples from `first` on
    int first;
};
// Sources that are three channels of one file, [0], [1] and [2], are colours.
bool background_init(struct background *background, const struct cell *cell,
                     const struct dataset *dataset, const char *folder, struct sample_size size);
void background_free(struct background *background); // accepts one that is all zeros
// Writes the sample's image with the outlines of the map's classes; map: [row][col] of its size.
bool overlay_write(struct background *background, int sample, const uint8_t *map, const char *path);

#define LEGEND "legend.tsv"
#define LEGEND_LIMIT ((size_t)1 << 20)

// The files that are written: <sample>.npy, a map for each group of labels (<sample>.png, or
// <sample>_<group>.png where there are several), where it is asked for a picture of each
// (<sample>_overlay.png, <sample>_<group>_overlay.png), and legend.tsv.
struct output {
    const char *folder;
    bool overlay;
    const struct cell *cell;
    struct label_group groups[LABEL_GROUPS];
    int group_count;
    struct sample_size size; // of all maps; zeros: that of each sample's own files
};

bool output_init(struct output *output, const char *folder, const struct cell *cell,
                 const struct options *options);

// The caller frees what these return.
char *output_map_name(const struct output *output, const char *sample, int group);
char *output_overlay_name(const struct output *output, const char *sample, int group);
char *output_legend(const struct output *output); // map, index, name, colour of every class

// Before anything is computed: fails when the folder holds files of the data set, is one whose
// files would be a part of it, or holds files that would be written
// and `overwrite` is not set. Says on stderr what else of the kind lies there.
bool output_check(const struct output *output, const char *data, const struct sample_list *samples,
                  bool overwrite);
bool output_begin(const struct output *output); // the folder and the legend

// probabilities: [label][row][col] of the map's size. background: where pictures are asked for.
bool output_write(const struct output *output, struct background *background,
                  const struct dataset *dataset, int sample, const float *probabilities);
