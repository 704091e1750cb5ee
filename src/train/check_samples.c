// SPDX-License-Identifier: MIT
// Whether batches of so many samples can be trained.
#include "train/trainer.h"

#include "vkgrid/base/error.h"

bool train_check_samples(const struct unet_shape *shape)
{
    const int samples = shape->training_count, batch_size = shape->batch_size;
    if (samples < 1 || shape->count <= samples || shape->labels < 1)
        return error_set(
            "training: %d training and %d validation samples, %d labels: at least "
            "one is needed of each",
            samples, shape->count - samples, shape->labels);
    // The deepest layer sees 1/32 of the image's sides; one value has no variance (PyTorch refuses
    // this too).
    const int last = batch_samples(samples, batch_size, batch_count(samples, batch_size) - 1);
    return last * (shape->rows / 32) * (shape->cols / 32) >= 2 ||
           error_set(
               "training: the last batch of %d samples in batches of %d is one image of "
               "%d x %d: batch norm needs more than one value per channel",
               samples, batch_size, shape->rows, shape->cols);
}
