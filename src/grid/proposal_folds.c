// SPDX-License-Identifier: MIT
// Whether the subjects can be cut into folds, and what batches all of these can be trained with.
#include "grid/proposal_parts.h"

#include "vkgrid/base/error.h"
#include "vkgrid/train/train.h"

#include <stdlib.h>

bool proposal_check_folds(const struct proposal *proposal)
{
    const struct split *split = &proposal->split;
    const int folds = proposal->request->folds;
    if (folds > split->count)
        return error_set(
            "--folds: is %d: a whole number from 2 to %d, the subjects for training "
            "and validation, is allowed",
            folds, split->count);
    return folds == 0 || split->groups == 0 ||
           error_set(
               "--folds: the samples of one folder (%d folders) belong together, and folds "
               "would divide them: without it they are kept together",
               split->groups);
}

static int count_training(const struct split *split)
{
    int count;
    char **training = split_training(split, &count);
    for (int i = 0; i < count; i++)
        free(training[i]);
    free(training);
    return count;
}

static bool can_train(const struct proposal *proposal, int samples, int batch_size)
{
    return train_check_samples(&(struct unet_shape){
        .rows = proposal->rows,
        .cols = proposal->cols,
        .labels = 1,
        .count = samples + 1, // one validates at least
        .training_count = samples,
        .batch_size = batch_size,
    });
}

bool proposal_can_train(const struct proposal *proposal, int batch_size)
{
    const struct split *split = &proposal->split;
    const int samples = count_training(split), folds = proposal->request->folds,
              each = samples / (split->count - split->validation),
              least = split->count / (folds + !folds);
    if (folds == 0)
        return can_train(proposal, samples, batch_size);
    return can_train(proposal, each * (split->count - least), batch_size) &&
           (split->count % folds == 0 ||
            can_train(proposal, each * (split->count - least - 1), batch_size));
}
