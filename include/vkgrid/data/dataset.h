// SPDX-License-Identifier: MIT
// A data set in memory: the samples of a partition, resized, channels last.
//
// On disk: one folder per feature or label, one file per sample in it:
// <folder>/<feature>/<sample>.{npy,png,pt} (docs/spec.md, section 5). The feature "null" needs no
// files and is a channel of zeros.
#pragma once

#include "vkgrid/data/normalize.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dataset_request {
    const char *folder;
    int rows, cols;              // image size
    const char *const *features; // sources (source.h)
    int feature_count;
    const char *const *labels; // label_count 0: inputs only (apply)
    int label_count;
    const char *const *training; // names of samples, in order
    int training_count;
    const char *training_name;     // in messages, of the samples; NULL: "training"
    const char *const *validation; // may be empty for apply
    int validation_count;
    const enum normalize *normalize; // [feature_count]; NULL: none
    // Of the training data of the weights that the data is read for, [feature_count]; NULL: those
    // of this data's training samples.
    const struct value_statistics *trained;

    bool check; // only: `inputs` and `targets` stay NULL
    // Keeps what is found in files: requests that share it do not read them again for a check.
    struct dataset_files *files; // NULL: nothing is kept
    // Told after each sample how many of all files have been read, by one thread at a time.
    void (*progress)(void *context, int done, int total); // or NULL
    void *context;
};

struct dataset_files *dataset_files_new(void);
void dataset_files_free(struct dataset_files **files); // accepts NULL, writes NULL

struct sample_size {
    int rows, cols;
};

// What was read of a source, over all files.
struct source_summary {
    char *source; // as the request has it
    bool label;
    int files, resized;
    struct sample_size least, most; // rows and columns of the files
    float low, high;                // values as the network gets them, before resizing
    double pixels, nans;
    double inside; // of a label: pixels of 0.5 and more
    int targets;   // of a label: samples that have such
    float reach;   // of a label: the largest value of a training sample at the image size
    float reached; // ... before resizing
    char *values;  // of a label whose files hold whole numbers: these, as stored; else NULL
    // Of a label of very many whole numbers, none of them its type's largest, as numbers of objects
    // are: the largest, and that of the type; else 0.
    float whole, range;
    int scaled, beyond; // files: of shares of a range; of other values, not all within 0 to 1
};

struct dataset {
    int rows, cols, features, labels;
    int count;                 // samples: training ones first, then validation
    int training_count;        // how many of them are for training
    int left_out;              // samples of the request that have none of the files
    char *left_out_names;      // the first few, with the nearest file's name; NULL when none is
    char **names;              // [count]
    struct sample_size *sizes; // [count] of their files; the image size where there is no file
    struct source_summary *summaries;    // [features + labels]
    enum normalize *normalize;           // [features]
    struct value_statistics *statistics; // [count][features]: of each image
    struct value_statistics *trained;    // [features]: of the request, or of the training samples
    float *reaches; // [count][labels]: of training samples, as `reach` of the source
    float *inputs;  // [count][row][col][feature]
    float *targets; // [count][row][col][label], clamped to 0..1; NULL when labels is 0
};

// Reads everything, by all processors; stops when interrupt_requested(). Errors name the file: a
// sample with only some of its files, arrays of one sample that differ in shape, unreadable files;
// a partition of which nothing is left; files of a label whose values together mean nothing
// (docs/data.md).
bool dataset_load(const struct dataset_request *request, struct dataset **dataset);

// "2 of 20 samples have no files and are left out: S1 (nearest: s1.npy), s7"; NULL when none is.
// The caller frees it.
char *dataset_left_out(const struct dataset *dataset);

// Of everything that training sees: names, shapes and values (hash.h). Never 0.
uint64_t dataset_fingerprint(const struct dataset *dataset);
void dataset_free(struct dataset **dataset); // accepts NULL, writes NULL

// The names of all samples that have a file in <folder>/<feature>, sorted. feature: of a source
// without channel and class. The caller frees each and the list.
bool dataset_list(const char *folder, const char *feature, char ***names, int *count);

// The same of sources[which] (source.h) where others lie in one folder with it, as x_mask.png
// ("{}_mask") does with x.png ("{}"): without the files that another source reaches by more of
// their names.
bool dataset_list_own(const char *folder, const char *const *sources, int source_count, int which,
                      char ***names, int *count);
