// SPDX-License-Identifier: MIT
// The parts of making a proposal.
#pragma once

#include "grid/split.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/proposal.h"

struct cJSON;

struct proposal {
    const struct proposal_request *request;
    const struct survey *survey;
    bool *used, *label;               // [folder]
    struct cJSON *features, *targets; // name -> source
    struct cJSON *normalize;          // name -> how, of the features that need it
    struct split split;
    int rows, cols;
    struct text told;
};

// The next part of a text with commas; the caller frees it. NULL at the end.
char *proposal_next_part(const char **text);

// Which folders are labels: those that are named, that flatten.json records, or that look so.
bool proposal_find_labels(struct proposal *proposal);

// The features and targets of the folders.
bool proposal_name_sources(struct proposal *proposal);

// The image size; a label that would vanish at it makes it larger, or is left out.
bool proposal_choose_size(struct proposal *proposal);

// Fails unless the subjects of the split can be cut into the folds that are asked for.
bool proposal_check_folds(const struct proposal *proposal);
// Whether batches of that size can be trained with the training samples, of each fold where there
// are some; else an error is set.
bool proposal_can_train(const struct proposal *proposal, int batch_size);

// The grid file's contents; NULL with an error where no batch of its samples can be trained.
struct cJSON *proposal_write(struct proposal *proposal);
