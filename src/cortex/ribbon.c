// SPDX-License-Identifier: MIT
#include "vkgrid/cortex/ribbon.h"

#include "cortex/kd_tree.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/cortex/flatten.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const int grey[HEMISPHERES] = {3, 42}; // of FreeSurfer's colour table

static size_t voxel_count(const struct volume *volume)
{
    return (size_t)volume->dims[0] * (size_t)volume->dims[1] * (size_t)volume->dims[2];
}

// In place of the values: 1 + the hemisphere whose grey matter it is, 0: none's.
static bool mark_grey(struct volume *volume, const char *path)
{
    size_t found[HEMISPHERES] = {0};
    for (size_t i = 0; i < voxel_count(volume); i++) {
        int mark = 0;
        for (int side = 0; side < HEMISPHERES; side++) {
            if (volume->values[i] == grey[side]) {
                mark = 1 + side;
                found[side]++;
            }
        }
        volume->values[i] = mark;
    }
    for (int side = 0; side < HEMISPHERES; side++) {
        if (found[side] == 0)
            return error_set(
                "%s: no voxel is %d, the grey matter of %s: a ribbon of recon-all is "
                "wanted",
                path, grey[side], hemisphere_names[side]);
    }
    return true;
}

// Two volumes with one voxel grid: the second one's marks go into the first.
static bool join(struct volume *volume, const struct volume *other, const char *path)
{
    if (memcmp(volume->dims, other->dims, sizeof(volume->dims)) != 0 ||
        memcmp(volume->voxel_size, other->voxel_size, sizeof(volume->voxel_size)) != 0)
        return error_set(
            "%s: %d x %d x %d voxels, but that of lh has %d x %d x %d: or their sizes "
            "differ",
            path, other->dims[0], other->dims[1], other->dims[2], volume->dims[0], volume->dims[1],
            volume->dims[2]);
    for (size_t i = 0; i < voxel_count(volume); i++) {
        const int left = volume->values[i] != 0;
        volume->values[i] = left ? 1 + LEFT : other->values[i] != 0 ? 1 + RIGHT : 0;
    }
    return true;
}

static bool read_halves(const char *const paths[HEMISPHERES], struct volume *volume)
{
    struct volume other = {0};
    if (!volume_read(paths[LEFT], volume))
        return false;
    const bool read = volume_read(paths[RIGHT], &other) && join(volume, &other, paths[RIGHT]);
    volume_free(&other);
    return read;
}

// Marks of the voxels of whichever file is there.
static bool read_marks(const char *folder, struct volume *volume)
{
    char *both = text_format("%s/mri/ribbon.mgz", folder), *halves[HEMISPHERES];
    bool read = false;
    for (int side = 0; side < HEMISPHERES; side++)
        halves[side] = text_format("%s/mri/%s.ribbon.mgz", folder, hemisphere_names[side]);
    if (file_exists(both))
        read = volume_read(both, volume) && mark_grey(volume, both);
    else if (file_exists(halves[LEFT]) && file_exists(halves[RIGHT]))
        read = read_halves((const char *const *)halves, volume);
    else
        error_set(
            "%s: is not there, nor are %s.ribbon.mgz and %s.ribbon.mgz: one of them is needed "
            "for a volume",
            both, hemisphere_names[LEFT], hemisphere_names[RIGHT]);
    for (int side = 0; side < HEMISPHERES; side++)
        free(halves[side]);
    free(both);
    return read;
}

void ribbon_newest(const struct subject *subject, struct timespec *newest)
{
    static const char *const names[] = {"ribbon.mgz", "lh.ribbon.mgz", "rh.ribbon.mgz"};
    for (int i = 0; i < 3; i++) {
        struct stat info;
        char *path = text_format("%s/mri/%s", subject->folder, names[i]);
        if (stat(path, &info) == 0 && time_is_newer(info.st_mtim, *newest))
            *newest = info.st_mtim;
        free(path);
    }
}

static void find_vertices(struct volume *volume, struct kd_tree *const trees[HEMISPHERES])
{
    double matrix[3][4];
    int32_t *value = volume->values;
    volume_surface_matrix(volume, matrix);
    for (int k = 0; k < volume->dims[2]; k++) {
        for (int j = 0; j < volume->dims[1]; j++) {
            for (int i = 0; i < volume->dims[0]; i++, value++) {
                double point[3];
                if (*value == 0)
                    continue;
                for (int axis = 0; axis < 3; axis++)
                    point[axis] = matrix[axis][0] * i + matrix[axis][1] * j + matrix[axis][2] * k +
                                  matrix[axis][3];
                const int side = *value - 1, vertex = kd_tree_nearest(trees[side], point);
                *value = side == LEFT ? 1 + vertex : -1 - vertex;
            }
        }
    }
}

bool ribbon_read(const struct subject *subject, const struct hemisphere *hemispheres,
                 struct ribbon *ribbon)
{
    struct kd_tree *trees[HEMISPHERES] = {0};
    *ribbon = (struct ribbon){0};
    if (!read_marks(subject->folder, &ribbon->volume)) {
        ribbon_free(ribbon);
        return false;
    }
    for (int side = 0; side < HEMISPHERES; side++) {
        const struct surface *midgray = &hemispheres[side].midgray;
        trees[side] = kd_tree_make(midgray->vertex_count, (const float(*)[3])midgray->points);
    }
    find_vertices(&ribbon->volume, trees);
    for (int side = 0; side < HEMISPHERES; side++)
        kd_tree_free(&trees[side]);
    return true;
}

void ribbon_free(struct ribbon *ribbon)
{
    volume_free(&ribbon->volume);
}

bool ribbon_write(const char *path, const struct ribbon *ribbon,
                  const int32_t *const keys[HEMISPHERES])
{
    struct volume volume = ribbon->volume;
    const size_t count = voxel_count(&volume);
    volume.values = mem_zalloc(count, sizeof(*volume.values));
    for (size_t i = 0; i < count; i++) {
        const int32_t vertex = ribbon->volume.values[i];
        if (vertex != 0)
            volume.values[i] = vertex > 0 ? keys[LEFT][vertex - 1] : keys[RIGHT][-1 - vertex];
    }
    const bool written = volume_write(path, &volume, true);
    free(volume.values);
    return written;
}
