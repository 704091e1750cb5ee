// SPDX-License-Identifier: MIT
// One channel of a data set: a source, its files, and what has been seen in each of them.
#pragma once

#include "data/folder.h"
#include "data/label_values.h"
#include "vkgrid/data/dataset.h"

struct file_seen {
    struct sample_size size;     // of the file; 0 rows: it has not been read
    float low, high;             // values as the network gets them, before resizing
    bool scaled;                 // they are shares of a picture's range or of its colours
    float reach;                 // of a label: its largest value at the size `resized`
    struct sample_size resized;  // 0 rows: it is not known
    double nans, inside;         // pixels; inside: of 0.5 and more
    struct label_values *values; // of a label
};

struct channel {
    char *key; // data folder, source, and whether it is a label
    bool label;
    struct source source;
    struct folder_files files; // none of "null"
    struct file_seen *seen;    // [file]
};

// What requests have in common (dataset.h).
struct dataset_files {
    struct channel **channels;
    int count;
};

// The channel of a source of that folder: the one that is there, else a new one.
bool channel_of(struct dataset_files *known, const char *folder, const char *text, bool label,
                struct channel **channel);

// The last file that was read, which more than one channel may come from. Begins as zeros.
struct open_image {
    char *path;
    struct image image;
    size_t largest; // bytes that one of the files took, while a channel of it was resized
};
void open_image_close(struct open_image *open);

// Reads one of the channel's files to a plane of values as the network gets them, at its own size,
// and notes what it saw. The caller frees the plane (image_free).
bool channel_read(struct channel *channel, int file, struct open_image *open, struct image *plane);
