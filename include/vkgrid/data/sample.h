// SPDX-License-Identifier: MIT
// The phantom cortex: a data set to try things with. Nobody's brain; drawn from a seed.
//
// Every subject is a folded sheet with the features of the set "anat" (x y z curvature convexity
// thickness surface_area) and the labels V1 V2 V3 and E0 ... E4. The labels follow the subject's
// calcarine sulcus, so that they can be learnt from the features, up to a displacement that no
// feature shows.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Writes <folder>/<feature>/subNN.npy (float32) and <folder>/<label>/subNN.png (0 or 255) for NN
// from 01. The folder is made when it is missing, files of those names are replaced. A seed and a
// size give the same files always. Allowed: 1 to 999 subjects, 32 to 4096 rows and cols.
bool sample_write(const char *folder, int subjects, int rows, int cols, uint64_t seed);
