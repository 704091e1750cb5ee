// SPDX-License-Identifier: MIT
// The networks that predict: one, or several with the same features and labels, of which the mean
// of the probabilities is taken; of each for an image and, where that is asked for, its mirror
// images (test-time augmentation).
#pragma once

#include "cli/options.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/engine/engine.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/model/weights.h"
#include "vkgrid/train/train.h"

#include <stdbool.h>
#include <stdint.h>

// How an image is mirrored: 0, or bits.
enum flip { FLIP_COLUMNS = 1, FLIP_ROWS = 2 };
#define FLIPS 4

struct flips {
    int list[FLIPS], count; // the first one is 0
};
// What --flips says. Fails where a mirrored image cannot be right; says what it takes for granted.
bool flips_read(const struct options *options, const struct cell *cell, const char *file,
                struct flips *flips);
// [rows][cols][values] to another place.
void flip_image(const float *from, float *to, int rows, int cols, int values, int flip);

struct member {
    const char *file; // of its weights
    struct cell cell;
    struct tensors weights;
    uint64_t hash;                 // of them
    int fold;                      // that they have not seen; -1: none is known
    const struct dataset *dataset; // the images as it wants them
    int first, count;              // samples that it predicts alone, where each has a network
    struct predictor *predictor;
};

// Of their networks.
static inline bool members_same_size(const struct member *one, const struct member *other)
{
    return one->cell.rows == other->cell.rows && one->cell.cols == other->cell.cols;
}

// All with one size follow each other, the largest first; of one size by their hashes. So sums have
// the same bits, however the files are listed.
struct ensemble {
    struct member *members;
    int count;
    struct flips flips;
    int *owners; // [sample of ensemble_load()] the member that alone predicts it, those
                 // of a member one after the other; NULL: all predict all
    struct dataset **datasets; // each network has one, those that want the same share it
    int dataset_count;
    struct engine *engine;
};

// The files that --weights and the arguments name.
bool ensemble_read(const struct options *options, struct ensemble *ensemble);
void ensemble_close(struct ensemble *ensemble); // accepts one that is all zeros

// Fails unless two networks can be averaged, with a message that names both.
bool members_agree(const struct member *one, const struct member *other);

// Reads the images of the first member's sources, for each network as it wants them. labelled: the
// first data set has labels. split: of which part of a partition the samples are, or "".
bool ensemble_load(struct ensemble *ensemble, const char *folder, bool labelled,
                   const char *const *samples, int count, const char *split);

// Then: says on stderr which features have values far outside those of the training data.
void ensemble_tell_ranges(const struct ensemble *ensemble);

// "the network's size is 32 x 64", or of all its networks. The caller frees it.
char *ensemble_sizes(const struct ensemble *ensemble);

// The device that --device names, with all networks.
bool ensemble_open(const struct options *options, struct ensemble *ensemble);

enum averaged { AVERAGED_PROBABILITIES, AVERAGED_LOGITS };
// Calls `each` once per sample with the mean, [label][row][col]. size: of all; zeros: of each
// sample's own files. Logits are those of the mean probability.
bool ensemble_predict(const struct ensemble *ensemble, int batch_size, enum averaged averaged,
                      struct sample_size size,
                      bool (*each)(void *context, int sample, const float *values), void *context);
