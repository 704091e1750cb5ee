// SPDX-License-Identifier: MIT
// How the files of a folder lie: which sources (source.h) reach them, and what they are called.
//
// Read by the names alone. Ways that are known: a folder for each feature and label, whose files
// may have something before or behind the sample's name; a folder for each case; pairs as x.png
// and x_mask.png; any of these within folders as train/ and val/, or these within those of features
// and labels; what nnU-Net has (src/data/nnunet.h).
#pragma once

#include <stdbool.h>

struct layout_source {
    char *name;        // a word for it
    char *files;       // the source, without channel and class
    bool label, image; // its name says so
};

// A class of a map, with the name that it was given.
struct layout_class {
    char *name;
    int value;
};

struct layout {
    struct layout_source *sources;
    int count;
    // Samples that begin with it belong there; NULL: none do. Where training is set, samples that
    // begin with none of them are of another folder, of which nobody knows what it is for.
    char *training, *validation, *test;
    struct layout_class *classes; // of the only label; NULL: nobody has named them
    int class_count;
    char *region;    // a label that is several classes, as dataset.json has it; NULL: there is none
    int ignored;     // value of a label map that stands for "not known"; -1: none
    char **channels; // names of the channels of the only feature, if it has so many; else NULL
    int channel_count;
    int rank; // the higher, the likelier
};

#define LAYOUTS_MOST 8

// Those that the names allow, the likeliest first. Errors: a folder that cannot be read, no images,
// a dataset.json that vkgrid cannot honour.
bool layouts_find(const char *data, struct layout layouts[LAYOUTS_MOST], int *count);
void layout_free(struct layout *layout); // leaves an empty one

void layout_add(struct layout *layout, char *name, char *files); // takes both over

// Whether a word of the name says that labels, or images, are meant.
bool layout_is_label(const char *name);
bool layout_is_image(const char *name);
