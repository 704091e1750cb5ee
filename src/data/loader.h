// SPDX-License-Identifier: MIT
// Reads the files of a data set, sample by sample.
#pragma once

#include "data/folder.h"
#include "data/label_values.h"
#include "vkgrid/data/dataset.h"

// A label's file of 0 and 1, which may have to be read again by its type's range.
struct again {
    char *path;
    int sample, channel;
};

struct loader {
    const struct dataset_request *request;
    struct dataset *dataset;
    bool training;                // which half is being read
    int channels;                 // features, then labels
    struct source *sources;       // [channel]
    struct folder_files *folders; // [channel]; none of "null"
    struct label_values *values;  // [label]
    struct image image;           // the last file, which more than one channel may come from
    char *image_path;
    struct again *again;
    int again_count;
    size_t again_room;
};

// request and dataset are set.
bool loader_open(struct loader *loader);
void loader_close(struct loader *loader);

// Reads the files of a sample to the place after the last one of the data set. *found: it has
// files.
bool loader_read(struct loader *loader, const char *sample, bool *found);

// Once all samples are read: what labels mean.
bool loader_decide(struct loader *loader);
