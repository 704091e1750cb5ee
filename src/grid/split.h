// SPDX-License-Identifier: MIT
// The subjects of a data set, and which of them validate.
#pragma once

#include "vkgrid/data/survey.h"

#include <stdint.h>

#define SPLIT_RATERS 4 // A1 to A4

struct split {
    char **subjects;       // those that have all their files, in the order of a shuffle by the seed
    int count, validation; // the last `validation` of them validate
    bool raters[SPLIT_RATERS]; // who have drawn; none: files are named by their subjects
    bool rated;                // some have
    int left_out;              // samples that lack a file
    char *example;             // one of these, or NULL, with the folder and what may be meant there
    int outside;               // samples beside the folders of training, validation and test
    char *outsider;            // one of these, or NULL
    int groups;                // of subjects that stay together (split_groups.h); 0: none
    bool by_folders;           // the layout says who validates
    char **test;               // subjects that are kept for a test
    int test_count;
};

// Shares of the subjects, where the layout does not say who is of which half; test: 0, none.
struct split_request {
    double validation, test;
    uint64_t seed;
};

// Folders for which used[i] is set are looked at. Every value of those that are labels (label[i])
// occurs in training, where a few shuffles can do that. Errors: fewer than two subjects.
bool split_make(const struct survey *survey, const bool *used, const bool *label,
                const struct split_request *request, struct split *split);
void split_free(struct split *split); // leaves an empty one

// The samples of the subjects that train; the caller frees each and the list.
char **split_training(const struct split *split, int *count);
