// SPDX-License-Identifier: MIT
// What the programs of this folder share: the network of the published grid, and lines of JSON.
#pragma once

#include "vkgrid/model/unet.h"

#include <cjson/cJSON.h>
#include <stdio.h>

// 14 inputs and 3 labels of 128x256; one batch to train with, one to validate with.
static inline struct unet_shape published_shape(enum base_model base_model,
                                                enum precision precision, int batch)
{
    return (struct unet_shape){
        .base_model = base_model,
        .rows = 128,
        .cols = 256,
        .features = 14,
        .labels = 3,
        .count = 2 * batch,
        .training_count = batch,
        .batch_size = batch,
        .precision = precision,
    };
}

// Deletes the JSON.
static inline void print_line(cJSON *json)
{
    char *line = cJSON_PrintUnformatted(json);
    puts(line);
    cJSON_free(line);
    cJSON_Delete(json);
}
