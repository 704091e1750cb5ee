// SPDX-License-Identifier: MIT
// Weights as unet() of visual_autolabel (noahbenson/visual-autolabel, benson2025/analysis) reads
// them from its model cache: <cache>/<inputs>_<prediction>/ with model.pt, options.json, plan.json
// and training.tsv.
#pragma once

#include <stdbool.h>

// Makes OUT/models/<inputs>_<prediction> of the files that are in a cell's folder. Without weights
// there (every run failed), it writes nothing and says so on stderr.
bool model_folder_write(const char *out, const char *cell_folder);
