// SPDX-License-Identifier: MIT
// What the command line of `vkgrid train` asks for.
#pragma once

#include "cli/options.h"

struct grid;

struct train_args {
    struct options options;
    struct grid *grid; // of the one cell
    char *out;
};

// Fills in the rest by the options, which have been parsed: reads options and plan. The caller
// frees it, also after an error.
bool train_args_read(struct train_args *args);
void train_args_free(struct train_args *args);
