// SPDX-License-Identifier: MIT
// The images of a folder and of the folders in it, by their paths.
#pragma once

#include <stdbool.h>

#define TREE_DEPTH 3 // most parts of a path

struct tree {
    char **paths; // below the folder, without extension, sorted
    int *parts;   // [count] of each path
    int count;
};

// Errors: a folder that cannot be read.
bool tree_open(const char *folder, struct tree *tree);
void tree_close(struct tree *tree); // leaves an empty one
