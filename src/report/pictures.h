// SPDX-License-Identifier: MIT
// Pictures of the report: .png files within the page.
#pragma once

#include "vkgrid/data/dataset.h"

#include <stdint.h>

struct cJSON;

// "#rrggbb" of a class (label_map.h). The caller frees it.
char *picture_colour(int class);

// The colours of mistakes: "errors" in the page's palette.
struct cJSON *picture_error_colours(void);

// Each adds a picture of which every `step`-th pixel is there, under `name` to the object. Maps
// have dataset->rows x dataset->cols pixels.
void picture_add_map(struct cJSON *json, const char *name, const struct dataset *dataset, int step,
                     const uint8_t *map);
// Where two maps differ: what is missed in `map`, what is there and not in `labels`, another class.
void picture_add_errors(struct cJSON *json, const char *name, const struct dataset *dataset,
                        int step, const uint8_t *labels, const uint8_t *map);
// One feature of an image as grey, from its lowest to its highest value.
void picture_add_feature(struct cJSON *json, const char *name, const struct dataset *dataset,
                         int step, int image, int feature);
