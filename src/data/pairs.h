// SPDX-License-Identifier: MIT
// Images and labels that lie side by side: x.png and x_mask.png, image_1.png and mask_1.png.
#pragma once

#include "data/tree.h"

#include <stdbool.h>

// What the labels' names say: the path of each without that word.
struct pairs {
    char **bases; // sorted
    int count;
};

// Where the sample's part of a file's name is.
struct pair {
    int from, to;
    bool label;
};

void pairs_open(const struct tree *tree, int parts, struct pairs *pairs);
void pairs_close(struct pairs *pairs);

// False for a file of none.
bool pairs_split(const struct pairs *pairs, const char *path, struct pair *pair);
