// SPDX-License-Identifier: MIT
// Which samples are evaluated.
#pragma once

#include "cli/apply/apply.h"
#include "cli/apply/ensemble.h"

// One of the lists of the partition that the weights were trained with; of several networks, as
// those of folds, the validation samples of each, which it predicts alone; or all that have labels.
enum split { SPLIT_TRAINING, SPLIT_VALIDATION, SPLIT_TEST, SPLIT_FOLDS, SPLIT_ALL, SPLIT_NAMED };
const char *split_name(enum split split); // as --split has it; NULL of SPLIT_NAMED, --samples

// --samples, or --split, or the test where the partition has one of which the data folder holds
// something, else all. Of several networks the list must have the same samples, but for that of
// folds. Says on stderr which were taken unasked, and how many have names of those that any network
// was trained on.
bool split_samples(const struct options *options, struct ensemble *ensemble,
                   struct sample_list *samples, enum split *split);
// The samples of --split, which must be there, of images without labels.
bool split_images(const struct options *options, struct ensemble *ensemble,
                  struct sample_list *samples);
