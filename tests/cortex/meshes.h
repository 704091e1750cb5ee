// SPDX-License-Identifier: MIT
// Made-up hemispheres, and the files that recon-all would write of them.
#pragma once

#include "vkgrid/formats/surface.h"

// Twenty triangles, each divided into four `level` times: 10 * 4^level + 2 vertices.
struct surface icosphere(int level, float radius);

// Divides every triangle of a sphere into four; a vertex may have six neighbours. Numbers of old
// vertices stay. parents, unless NULL: for each new vertex, which from vertex_count on, one of the
// two that it lies between; three for two triangles.
void mesh_divide(struct surface *surface, float radius, int32_t *parents);

// A brain of sorts around (x, y, z): the sphere's points, each further out or in by what its
// direction says.
struct surface lump(const struct surface *sphere, float size, float x, float y, float z);

// FreeSurfer's formats. Return path.
const char *surface_write(const char *path, const struct surface *surface);
const char *values_write(const char *path, int count, const float *values);

// The folder of a subject with all the files that flatten needs: surf/{lh,rh}.{white,pial,
// SPHERE,curv,sulc,thickness}. sphere: "sphere.reg", or "sphere" for fsaverage. Values of vertex i:
// curv i / 1000, sulc 10 + i / 1000, thickness 2.
void subject_write(const char *folder, const char *sphere, int level, float size);
