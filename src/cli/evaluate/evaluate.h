// SPDX-License-Identifier: MIT
// The parts of vkgrid evaluate: numbers of every image and label, and what is said of them.
#pragma once

#include "vkgrid/data/dataset.h"
#include "vkgrid/data/overlap.h"
#include "vkgrid/data/spread.h"
#include "vkgrid/data/surface_distance.h"
#include "vkgrid/grid/grid.h"

#include <stdbool.h>

// One number of an image and a label.
enum score_kind {
    SCORE_DICE,
    SCORE_IOU,
    SCORE_DICE_LOSS,
    SCORE_BCE_LOSS,
    SCORE_HAUSDORFF95,
    SCORE_AVERAGE_DISTANCE,
    SCORE_COUNT
};
extern const char *const score_names[SCORE_COUNT]; // as JSON and table have them

struct image_score {
    struct overlap overlap;
    struct soft_loss losses;
    struct surface_distance distance;
};

struct scores {
    const struct cell *cell;
    const struct dataset *dataset;
    struct image_score *images; // [image][label]
    int batch_size;             // of the training losses
    int *folds;                 // [image] of the network that predicted it; NULL: it has none
    const char *split;          // which samples these are, as --split has it; NULL: they were named
};

void scores_init(struct scores *scores, const struct cell *cell, const struct dataset *dataset);
void scores_free(struct scores *scores);

// Fills the row of an image from its logits, [label][row][col]; fails on what is not finite.
// `context`: the scores.
bool scores_take(void *context, int sample, const float *logits);

double score_of(const struct image_score *image, enum score_kind kind);
// Over the images. label -1: of every image the mean over its labels that have the number; its bce
// loss is their sum, as in training.
struct spread scores_spread(const struct scores *scores, enum score_kind kind, int label);
// As training has them: means over the images, the bce loss by batches of batch_size in their
// order.
double scores_dice_loss(const struct scores *scores);
double scores_bce_loss(const struct scores *scores);

void scores_print(const struct scores *scores);                   // for people
struct cJSON *scores_json(const struct scores *scores);           // everything
bool scores_write(const struct scores *scores, const char *path); // a row per image and label
