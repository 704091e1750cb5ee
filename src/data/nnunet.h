// SPDX-License-Identifier: MIT
// nnU-Net's raw data sets in two dimensions, of version 2 and of version 1: dataset.json,
// imagesTr/CASE_0000.png (and _0001, ... for further channels), labelsTr/CASE.png, imagesTs and
// labelsTs. Its "RGB" pictures have all channels in _0000.
//   github.com/MIC-DKFZ/nnUNet, documentation/dataset_format.md
#pragma once

#include "vkgrid/data/layout.h"

// *found: it is one. Errors: a dataset.json that is no JSON, other file endings, channels without
// files.
bool nnunet_find(const char *data, struct layout *layout, bool *found);
