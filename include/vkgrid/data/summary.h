// SPDX-License-Identifier: MIT
// What was read, in words, and whether labels can be learnt from it.
#pragma once

#include "vkgrid/data/dataset.h"

// "nucleus: 24 files of 256x256, masks of 0 and 255, 12.3% of pixels, in 24 of 24 samples"; of a
// feature "t1: 24 files of 256x256, -1.2 to 3.4". The caller frees it.
char *summary_text(const struct dataset *dataset, const struct source_summary *summary);

// Fails for a label that reaches 0.5 in no training sample: a network would learn that it is
// nowhere.
bool summary_check_labels(const struct dataset *dataset);
