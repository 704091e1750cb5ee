// SPDX-License-Identifier: MIT
// How much of a surface belongs to each of its vertices.
#pragma once

#include "vkgrid/formats/surface.h"

// A third of the areas of the triangles around each vertex, as FreeSurfer has it, mm2. The caller
// frees it.
float *vertex_areas(const struct surface *surface);
