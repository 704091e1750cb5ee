// SPDX-License-Identifier: MIT
// The grey matter of a subject's volume, and which vertex of the cortex each of its voxels is
// nearest to.
#pragma once

#include "vkgrid/cortex/subject.h"
#include "vkgrid/formats/volume.h"

#include <time.h>

struct ribbon {
    struct volume volume; // of its values: 1 + the vertex of the left hemisphere, -1 - that of the
                          // right one, 0 where there is no grey matter
};

// Reads mri/ribbon.mgz (3 is the left hemisphere's grey matter, 42 the right one's), else
// mri/lh.ribbon.mgz and mri/rh.ribbon.mgz (all that is not 0 is), and finds the vertices: the
// nearest of the midgray surface in the surfaces' coordinates; of equally near ones the first.
// `hemispheres`: both.
bool ribbon_read(const struct subject *subject, const struct hemisphere *hemispheres,
                 struct ribbon *ribbon);
// *newest becomes the time of the newest of those files that is newer than it.
void ribbon_newest(const struct subject *subject, struct timespec *newest);
void ribbon_free(struct ribbon *ribbon); // leaves an empty one

// Writes the volume in which a voxel has its vertex' key (0 to 255), and 0 elsewhere.
bool ribbon_write(const char *path, const struct ribbon *ribbon,
                  const int32_t *const keys[HEMISPHERES]);
