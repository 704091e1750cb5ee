// SPDX-License-Identifier: MIT
#include "vkgrid/formats/volume.h"

#include "formats/mgh.h"
#include "formats/surface_kind.h"
#include "formats/unpack.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

static bool read_bytes(uint8_t *bytes, size_t size, struct volume *volume)
{
    struct mgh mgh;
    const enum surface_kind kind = surface_kind(bytes, size);
    if (kind != KIND_MGH)
        return error_set("%s: volumes are read of .mgh and .mgz files", surface_kind_name(kind));
    if (!mgh_open(bytes, size, &mgh))
        return false;
    if (mgh.frames != 1)
        return error_set("%d frames: one is wanted", mgh.frames);
    if (mgh.count > VOLUME_VOXELS)
        return error_set("%zu voxels: at most %d are allowed", mgh.count, VOLUME_VOXELS);
    *volume = mgh.volume;
    volume->values = mem_alloc(mgh.count * sizeof(int32_t));
    const size_t step = element_size(mgh.element);
    for (size_t i = 0; i < mgh.count; i++)
        if (!element_to_key(mgh.element, mgh.data + i * step, &volume->values[i]))
            return error_set("voxel %zu has the value %g: whole numbers are wanted", i,
                             (double)element_to_float(mgh.element, mgh.data + i * step));
    return true;
}

bool volume_read(const char *path, struct volume *volume)
{
    uint8_t *bytes;
    size_t size;
    *volume = (struct volume){0};
    if (!unpack_file(path, &bytes, &size))
        return false;
    const bool read = read_bytes(bytes, size, volume);
    free(bytes);
    if (read)
        return true;
    volume_free(volume);
    return error_prefix("%s", path);
}

void volume_free(struct volume *volume)
{
    free(volume->values);
    *volume = (struct volume){0};
}

bool volume_write(const char *path, const struct volume *volume, bool small)
{
    if (!small)
        return mgh_write(path, volume, 1, ELEMENT_I32, volume->values);
    const size_t count =
        (size_t)volume->dims[0] * (size_t)volume->dims[1] * (size_t)volume->dims[2];
    uint8_t *bytes = mem_alloc(count);
    for (size_t i = 0; i < count; i++) {
        bytes[i] = (uint8_t)volume->values[i];
        if (bytes[i] != volume->values[i]) {
            free(bytes);
            return error_set("%s: voxel %zu has the value %d, which no byte holds", path, i,
                             volume->values[i]);
        }
    }
    const bool written = mgh_write(path, volume, 1, ELEMENT_U8, bytes);
    free(bytes);
    return written;
}

// Column by column: what a voxel along i, j, k adds; then the place of voxel (0, 0, 0), which is
// dims / 2 voxels from the centre.
static void fill(const struct volume *volume, const struct volume *axes, double matrix[3][4])
{
    for (int row = 0; row < 3; row++) {
        matrix[row][3] = (double)axes->center[row];
        for (int col = 0; col < 3; col++) {
            matrix[row][col] = (double)axes->directions[col][row] * (double)volume->voxel_size[col];
            matrix[row][3] -= matrix[row][col] * volume->dims[col] / 2.0;
        }
    }
}

void volume_surface_matrix(const struct volume *volume, double matrix[3][4])
{
    struct volume coronal;
    mgh_default_geometry(&coronal);
    fill(volume, &coronal, matrix);
}

void volume_scanner_matrix(const struct volume *volume, double matrix[3][4])
{
    fill(volume, volume, matrix);
}
