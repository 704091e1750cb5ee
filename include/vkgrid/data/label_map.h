// SPDX-License-Identifier: MIT
// Label maps: one class for each pixel or vertex out of a value for each label, of predictions as
// of label images; and the colours in which classes are shown, wherever that is.
//
// Labels that exclude each other are a **group**, and a group has one map: class 0 is none of its
// labels, class k its k-th label. A label set is one group, but for the built-in set `sect`, which
// joins two: a point of the cortex lies in an area and in a ring.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LABEL_CLASSES 256 // most classes of a group, with 0
#define LABEL_GROUPS 2    // most groups of a set

struct label_group {
    const char *name;         // of the built-in set that it is, else of the whole set
    const char *const *names; // of its labels, [count]
    int first, count;         // which of the set's labels they are
};

// The groups of a label set, in the order of its labels, of which there is at least one. They point
// into `set` and `labels`. Returns their number.
int label_groups(const char *set, const char *const *labels, int count,
                 struct label_group groups[LABEL_GROUPS]);

// The class of one pixel, whose value for label k of a group is values[k * stride]: 1 + the label
// with the largest value (of equal ones the first), where that exceeds 1 - (sum of all), which is
// what is left for none; else 0, also where a value is NaN. Of a single label: 1 above 0.5. At most
// 255 labels.
uint8_t label_of(const float *values, int labels, size_t stride);

// The colour of a class, red, green, blue: white for 0, then those of Okabe and Ito (2008), which
// colour-blind people tell apart; from the ninth label on darker shades of them. All differ. (A
// format that names classes by their colours can rely on that.)
void label_colour(int class, uint8_t colour[3]);
