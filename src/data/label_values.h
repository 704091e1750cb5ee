// SPDX-License-Identifier: MIT
// What the values of a label's files mean (spec.md section 5), decided over all files of its
// source.
//
// Masks of 0 and 1, of 0 and 255 (8 bits) and of 0 and 65535 (16 bits) are 0 and 1; greys between
// them are probabilities; other small whole numbers are a map of classes, of which the source has
// to name one. A file that has nothing but 0 and 1 is a mask, any other is read by its type's
// range; files of both kinds together are refused.
#pragma once

#include "vkgrid/data/source.h"
#include "vkgrid/formats/image.h"

#include <stdbool.h>

#define LABEL_SEEN 16 // values that are remembered

struct label_values {
    float seen[LABEL_SEEN]; // values of whole numbers, as stored, rising
    int count;
    bool many;         // there were more
    bool small;        // of files that reach above 1: there are small values from 1 on
    bool between;      // ... and values that are neither small nor the largest of the type
    char *ones;        // a file of integers that has ones and nothing above; NULL: none
    char *full;        // one that reaches above
    float most, range; // the largest share of a type's range, and that; 0: there are no integers
};

// Makes 0 to 1 of one file's channel.
bool label_values_take(struct label_values *all, const char *path, const struct source *source,
                       struct image *plane);

// Adds what was taken of one file to what was taken of those before it.
void label_values_merge(struct label_values *all, const struct label_values *file);

// Once all files have been taken: whether they mean one thing.
bool label_values_decide(const struct label_values *all, const char *folder, const char *source);

// Whether they may be numbers of objects, which are no shares of a range: more whole numbers than
// are remembered, and none of them the largest of the type.
bool label_values_many(const struct label_values *all);

// Adds one of the values of whole numbers.
void label_values_note(struct label_values *all, float value);

// "0, 1, 2, ..."; the caller frees it.
char *label_values_text(const struct label_values *all);
void label_values_free(struct label_values *all);
