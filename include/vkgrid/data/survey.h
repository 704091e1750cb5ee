// SPDX-License-Identifier: MIT
// What a folder of images is, before anybody says so: how its files lie (layout.h), which of them
// are features, which are labels, and of which classes.
#pragma once

#include "vkgrid/data/dataset.h"
#include "vkgrid/data/layout.h"

enum survey_kind {
    SURVEY_FEATURE,
    SURVEY_CONSTANT, // every pixel has one value
    SURVEY_MASKS,    // 0 and 1, or 0 and the largest value of the type
    SURVEY_CLASSES,  // other whole numbers, few of them
};

#define SURVEY_CLASSES_MOST 16 // different values of a map of classes, 0 among them

// The files of one source; mostly a folder.
struct survey_folder {
    char *name, *source;             // source: without channel and class
    bool called_label, called_image; // by its name
    enum survey_kind kind;
    char **samples; // of its files, sorted
    int count;
    int channels;                    // 0: one, which needs no number; else [0] to [channels - 1]
    float low, high;                 // of the files that were read, as a feature has them
    struct sample_size size;         // of most of the files that were read
    bool several;                    // others have another size
    bool lossy, palette;             // some file is
    int values[SURVEY_CLASSES_MOST]; // of masks and maps of classes, rising
    int value_count;
    struct sample_size *sizes; // [count] of the files; 0 rows: it was not read
    int *leads; // [count]: bytes of the sample's name that the first of several "{}" stands for;
                // NULL where the source has not several
    uint16_t *present; // [count]: bit i of a sample: values[i] is in its file
};

struct survey {
    struct survey_folder *folders; // that have images
    int count;
    struct layout layout;
};

// Of the layouts that the names allow, the first in which something may be a label, else the first
// of all. Reads all files that may be labels, and a few of the others. Errors: no folder with
// images, files that cannot be read.
bool survey_open(const char *data, struct survey *survey);
void survey_close(struct survey *survey); // leaves an empty one

// The folder of that name, or NULL.
struct survey_folder *survey_find(const struct survey *survey, const char *name);
// Which of the folder's samples that is; -1: none.
int survey_sample(const struct survey_folder *folder, const char *sample);
// Whether it may be a label, by its name or by its values.
bool survey_may_be_label(const struct survey_folder *folder);
// The sample of the folder that may be meant by a name that none has; NULL: none comes near.
const char *survey_nearest(const struct survey_folder *folder, const char *sample);

// Reads all files of a label that is neither masks nor a map of classes. *warning: what may be
// meant otherwise, or NULL; the caller frees it. Errors: as survey_reaches(), files that do not go
// together, many whole numbers that are all below half of their range.
bool survey_greys(const char *data, const struct survey_folder *folder, char **warning);

// Whether the label has a pixel of 0.5 and more in one of the samples once they are resized.
// Errors: files that cannot be read, or whose values are none of a label.
bool survey_reaches(const char *data, const char *source, char *const *samples, int count, int rows,
                    int cols, bool *reaches);
