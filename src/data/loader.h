// SPDX-License-Identifier: MIT
// Finds and reads the files of a data set.
#pragma once

#include "data/channel.h"

#include <pthread.h>

struct loader {
    const struct dataset_request *request;
    struct dataset *dataset;     // its pixels are NULL where files are only checked
    struct dataset_files *known; // the request's, or its own
    int channel_count;           // features, then labels
    struct channel **channels;   // [channel], of `known`
    int *files;                  // [sample][channel]; -1: none ("null")

    // While files are read.
    pthread_mutex_t lock;
    int done, total; // files
    int failed;      // the first sample that could not be read; INT_MAX: none
    char *why;
    size_t largest; // bytes that the reading of a file took
};

// request and dataset are set, and the data set's lists have room for all samples.
bool loader_open(struct loader *loader);
void loader_close(struct loader *loader);

// Finds the files of a sample for the place after the last one of the data set. *found: it has any.
bool loader_find(struct loader *loader, const char *sample, bool *found);

// Reads what was found, by all processors: the data set is the same however many they are, and so
// is the message, which is that of the first sample with an error.
bool loader_read(struct loader *loader);

// Then: what labels mean, and what was read of each source.
bool loader_decide(struct loader *loader);
