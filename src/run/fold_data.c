// SPDX-License-Identifier: MIT
#include "run/fold_data.h"

#include "vkgrid/base/error.h"
#include "vkgrid/train/train.h"

#include <cjson/cJSON.h>

bool fold_data_check(const struct unet_shape *shape, const struct data_fold *folds, int fold_count)
{
    struct unet_shape of = *shape;
    if (fold_count == 0)
        return train_check_samples(&of);
    for (int i = 0; i < fold_count; i++) {
        of.training_count = folds[i].training_count;
        if (!train_check_samples(&of))
            return error_prefix("fold %d of %d", i + 1, fold_count);
    }
    return true;
}

struct cJSON *fold_data_images(const struct dataset *dataset, const struct data_fold *folds,
                               int fold_count)
{
    cJSON *images = cJSON_CreateArray();
    for (int i = dataset->training_count; dataset->names && i < dataset->count; i++)
        cJSON_AddItemToArray(images, cJSON_CreateString(dataset->names[i]));
    for (int fold = 0; fold < fold_count; fold++) {
        cJSON *list = cJSON_CreateArray();
        for (int i = folds[fold].training_count; i < dataset->count; i++)
            cJSON_AddItemToArray(list, cJSON_CreateString(dataset->names[folds[fold].samples[i]]));
        cJSON_AddItemToArray(images, list);
    }
    return images;
}
