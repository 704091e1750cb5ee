// SPDX-License-Identifier: MIT
// The features of a data set that is being read.
#pragma once

#include "vkgrid/data/dataset.h"
#include "vkgrid/formats/image.h"

// Before anything is read; the data set has its shape.
void normalize_begin(const struct dataset_request *request, struct dataset *dataset);
// Of a sample's feature before it is resized. Different samples may be noted by several threads.
void normalize_note(struct dataset *dataset, int sample, int feature, struct image *plane);
// Once all samples are read.
void normalize_inputs(const struct dataset_request *request, struct dataset *dataset);
