// SPDX-License-Identifier: MIT
// Sulcal depth, by which spheres are registered: of a registered subject it is like fsaverage's.
#pragma once

#include "vkgrid/cortex/subject.h"

// The hemisphere's sulc [count], which the caller frees; NULL where there is none that can be read
// and has a number for each of so many vertices.
float *sulc_read(const struct subject *subject, int side, int count);

// The correlation of two maps [count], without vertices where one is not finite; NAN where there
// is none.
double sulc_correlation(int count, const float *a, const float *b);
