// SPDX-License-Identifier: MIT
// From pixel counts of images to Dice of subjects.
#pragma once

#include "vkgrid/grid/grid.h"
#include "vkgrid/store/store.h"

// The subjects that the images of a data set's validation belong to. A subject is what stands
// behind the rater in an image's name, or all of it.
struct subject_layout {
    char *key;   // of the data set
    char *names; // of the subjects, sorted, a line each
    int subjects;
    int folds;     // 1 where there are none
    int *images;   // [fold]
    int **subject; // [fold][image], in the order of `names`
};

struct subject_layouts { // each once
    struct subject_layout **items;
    int count;
};

// That of a cell; *layout is NULL where study.db does not know it.
bool subject_layout_of(struct subject_layouts *layouts, struct store *store,
                       const struct cell *cell, const struct subject_layout **layout);
bool subject_layouts_equal(const struct subject_layout *a, const struct subject_layout *b);
void subject_layouts_free(struct subject_layouts *layouts);

// The runs of a cell, one after the other. Begins with zeros, ends with subject_sums_free().
struct subject_sums {
    const struct subject_layout *layout;
    size_t room, fold_room;
    double *sum;    // [subject] over the runs that have seen it
    int *runs;      // [subject]
    double *of_run; // [subject] of a run, over its images
    int *of_images; // [subject]
    struct fold_sums {
        int runs, subjects;
        double mean, square; // of the runs' means over the fold's subjects; square: around it
    } * folds;
};
void subject_sums_begin(struct subject_sums *sums, const struct subject_layout *layout);
// Runs with other images than the layout's are left out.
void subject_sums_add(struct subject_sums *sums, int run, const struct overlaps *overlaps);
// The means over the runs, [subject], which the caller frees; NULL where a subject has none. And of
// the runs within folds the sum of squares around the folds' means, its degrees of freedom, and
// (standard error of the mean over the subjects / that of a run's mean)^2.
float *subject_sums_end(const struct subject_sums *sums, double *square, int *freedom,
                        double *error);
void subject_sums_free(struct subject_sums *sums);
