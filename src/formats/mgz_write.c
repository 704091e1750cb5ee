// SPDX-License-Identifier: MIT
#include "vkgrid/formats/surface.h"

#include "formats/mgh.h"

// A row of voxels, as FreeSurfer writes overlays. No place in space.
static struct volume row_of(int count)
{
    struct volume volume = {.dims = {count, 1, 1}};
    mgh_default_geometry(&volume);
    return volume;
}

bool mgz_write_values(const char *path, int count, int frames, const float *values)
{
    const struct volume volume = row_of(count);
    return mgh_write(path, &volume, frames, ELEMENT_F32, values);
}

bool mgz_write_labels(const char *path, int count, const int32_t *labels)
{
    const struct volume volume = row_of(count);
    return mgh_write(path, &volume, 1, ELEMENT_I32, labels);
}
