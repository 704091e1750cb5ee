// SPDX-License-Identifier: MIT
// A grid file for a data set that has none yet: what its folders are is taken from a survey
// (data/survey.h), its subjects are split by a seed.
#pragma once

#include "vkgrid/data/survey.h"

#include <stdint.h>

struct cJSON;

struct proposal_request {
    const char *data;
    const char *labels;  // folders that are labels, with commas; NULL: what the survey shows
    const char *classes; // "grey=1,white=2" of the one map of classes; NULL: all of its values
    double validation;   // share of the subjects that validate, above 0, below 1
    double test;         // share that is kept for a test, or 0
    int folds;           // parts of the subjects, each of which validates once; 0: none
    uint64_t seed;
    const struct cJSON *settings; // {key: value} of the file's static part; may be NULL
    int rows, cols;               // of the images, multiples of 32; 0: by those of the files
};

// *told: what was found, a line for each thing. The caller ends *grid with cJSON_Delete and frees
// *told. Errors: nothing that may be a label or a feature, no two subjects, what search would
// refuse.
bool grid_propose(const struct proposal_request *request, const struct survey *survey,
                  struct cJSON **grid, char **told);
