// SPDX-License-Identifier: MIT
// Pixel counts in a run's record: few, those of epochs whose weights are the run's or may be.
#pragma once

#include "vkgrid/study/record.h"

// A copy; `saved`: study.db has them.
void kept_add(struct run_record *run, int epoch_index, const struct overlaps *overlaps, bool saved);

// Whether that epoch's weights are the run's or may become so: as it stands, and as it stood at its
// checkpoint, which it may go back to.
bool kept_needed(const struct run_record *run, int epoch_index);

// study.db has what is needed: forgets the rest.
void kept_saved(struct run_record *run);

// Forgets those of all epochs but the first `epochs_done`.
void kept_cut(struct run_record *run, int epochs_done);

// The counts of the run's own weights; NULL: they are not known.
const struct overlaps *kept_overlaps_of(const struct run_record *run);

// Adds a label's hard Dice and IoU over the images that have it in prediction or target.
struct label_mean {
    double dice, iou; // sums
    int images;
};
void kept_add_images(const struct overlaps *overlaps, int label, struct label_mean *mean);
