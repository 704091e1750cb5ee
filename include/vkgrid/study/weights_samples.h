// SPDX-License-Identifier: MIT
// Whom the network of a weights file was trained on, which the file itself keeps to itself.
#pragma once

#include "vkgrid/grid/grid.h"

// Of the samples' names what the cell's options say: those of the file `options`, or where it is
// NULL the options.json beside the weights, as a study has it. The test is that of the study where
// it has another one now. *where: the file that says so, which the caller frees; NULL: there is
// none with a partition. Fails on a partition that is no lists of subjects.
bool weights_samples(const char *weights, const char *options, struct sample_names *samples,
                     char **where);
