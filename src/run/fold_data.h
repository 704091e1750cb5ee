// SPDX-License-Identifier: MIT
// The samples of a data set that train and validate, of a group with or without folds.
#pragma once

#include "vkgrid/grid/folds.h"

struct cJSON;

// Whether a network of that shape, with the counts of the data set, can be trained on it, or on
// each of its folds; else an error is set. As train_check_samples().
bool fold_data_check(const struct unet_shape *shape, const struct data_fold *folds, int fold_count);

// Names of the validation samples as study.db has them (store_put_dataset()). The caller deletes
// it.
struct cJSON *fold_data_images(const struct dataset *dataset, const struct data_fold *folds,
                               int fold_count);
