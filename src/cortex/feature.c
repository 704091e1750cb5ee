// SPDX-License-Identifier: MIT
// A number per vertex becomes an image.
#include "vkgrid/cortex/flatten.h"

#include "cortex/areas.h"
#include "cortex/feature.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// A real person's sulc of FreeSurfer has a root mean square of 4 to 6 (mm), the HCP's, and
// fsaverage's own, of about 0.6.
#define CONVEXITY_LIMIT 2

const char *const flat_features[] = {
    "x", "y", "z", "curvature", "convexity", "thickness", "surface_area", NULL};

enum subject_file feature_file(const char *name)
{
    static const struct {
        const char *name;
        enum subject_file file;
    } files[] = {{"curvature", FILE_CURVATURE},
                 {"convexity", FILE_CONVEXITY},
                 {"thickness", FILE_THICKNESS},
                 {"surface_area", FILE_AREA}};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        if (strcmp(name, files[i].name) == 0)
            return files[i].file;
    return SUBJECT_FILES;
}

// Reads a file with a number for each of the hemisphere's vertices, and frees its path.
static bool read_values(struct flat_subject *flat, int side, char *path, float **values)
{
    struct vertex_values read = {0};
    const int expected = flat->hemispheres[side].vertex_count;
    int nan_count = 0;
    *values = NULL;
    CHECK(vertex_values_read(path, &read));
    if (read.count != expected)
        FAIL(
            "%s: has %d values, but %s.white %d vertices: all files of a hemisphere must have "
            "the same",
            path, read.count, hemisphere_names[side], expected);
    for (int i = 0; i < read.count; i++) {
        if (isinf(read.values[i]))
            FAIL("%s: the value of vertex %d is infinite: a finite number or NaN is allowed", path,
                 i);
        nan_count += isnan(read.values[i]);
    }
    if (nan_count == expected)
        FAIL("%s: all of its values are NaN", path);
    flat->nan_vertices += nan_count;
    *values = read.values;
    free(path);
    return true;
error:
    vertex_values_free(&read);
    free(path);
    return false;
}

static bool read_file(struct flat_subject *flat, enum subject_file file, int side, float **values)
{
    char *path;
    return subject_file_path(&flat->subject, file, side, &path) &&
           read_values(flat, side, path, values);
}

static bool surface_area(struct flat_subject *flat, int side, float **values)
{
    char *path;
    if (!subject_file_path(&flat->subject, FILE_AREA, side, &path))
        return false;
    if (path)
        return read_values(flat, side, path, values);
    *values = vertex_areas(&flat->hemispheres[side].midgray);
    return true;
}

static float *moved_axis(const struct flat_subject *flat, int side, int axis)
{
    const struct hemisphere *hemisphere = &flat->hemispheres[side];
    float *values = mem_zalloc((size_t)hemisphere->vertex_count, sizeof(*values));
    for (int i = 0; i < hemisphere->vertex_count; i++) {
        float moved[1][3];
        rigid_move(&flat->motions[side], 1, (const float(*)[3]) & hemisphere->midgray.points[i],
                   moved);
        values[i] = moved[0][axis];
    }
    return values;
}

static void scale(float *values, int count, float factor)
{
    for (int i = 0; i < count; i++)
        values[i] *= factor;
}

// Looks at both hemispheres, once.
static void find_convexity_scale(struct flat_subject *flat, float *const values[HEMISPHERES])
{
    double sum = 0, count = 0;
    for (int side = LEFT; side < HEMISPHERES; side++)
        for (int i = 0; i < flat->hemispheres[side].vertex_count; i++)
            if (!isnan(values[side][i])) {
                sum += (double)values[side][i] * values[side][i];
                count++;
            }
    flat->convexity_known = true;
    flat->convexity_scale = sqrt(sum / count) > CONVEXITY_LIMIT ? 0.1f : 1;
}

static bool file_feature(struct flat_subject *flat, const struct flat_source *source, int side,
                         float **values)
{
    char *path;
    return subject_path(&flat->subject, source->pattern, side, &path) &&
           read_values(flat, side, path, values);
}

static bool built_in(struct flat_subject *flat, const char *name, int side, float **values)
{
    const int count = flat->hemispheres[side].vertex_count;
    if (name[0] >= 'x' && name[0] <= 'z' && !name[1]) {
        *values = moved_axis(flat, side, name[0] - 'x');
        return true;
    }
    const enum subject_file file = feature_file(name);
    if (file == FILE_AREA)
        return surface_area(flat, side, values);
    if (file != SUBJECT_FILES) {
        if (!read_file(flat, file, side, values))
            return false;
        if (file == FILE_CURVATURE && flat->subject.hcp && !flat->subject.named[file])
            scale(*values, count, -1);
        return true;
    }
    return error_set(
        "%s: no such feature: x, y, z, curvature, convexity, thickness and "
        "surface_area need no --feature %s=FILE",
        name, name);
}

bool flat_feature_read(struct flat_subject *flat, const struct flat_source *source,
                       float *values[HEMISPHERES])
{
    bool good = true;
    values[LEFT] = values[RIGHT] = NULL;
    for (int side = LEFT; side < HEMISPHERES && good; side++)
        good = source->pattern ? file_feature(flat, source, side, &values[side])
                               : built_in(flat, source->name, side, &values[side]);
    if (good && !source->pattern && strcmp(source->name, "convexity") == 0) {
        find_convexity_scale(flat, values);
        for (int side = LEFT; side < HEMISPHERES && flat->convexity_scale != 1; side++)
            scale(values[side], flat->hemispheres[side].vertex_count, flat->convexity_scale);
    }
    for (int side = LEFT; side < HEMISPHERES && !good; side++) {
        free(values[side]);
        values[side] = NULL;
    }
    return good;
}

bool flat_feature(struct flat_subject *flat, const struct flat_source *source, float *image)
{
    float *values[HEMISPHERES];
    const bool good = flat_feature_read(flat, source, values);
    for (int side = LEFT; side < HEMISPHERES && good; side++)
        flat_paint(&flat->maps[side], &flat->rasters[side], values[side], image);
    for (int side = LEFT; side < HEMISPHERES; side++)
        free(values[side]);
    return good;
}
