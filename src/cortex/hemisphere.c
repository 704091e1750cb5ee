// SPDX-License-Identifier: MIT
// The shape of one hemisphere.
#include "vkgrid/cortex/subject.h"

#include "vkgrid/base/error.h"

#include <math.h>
#include <stdlib.h>

#define SPHERE_SPREAD 0.1 // by which the distances of a sphere's points from 0 may differ

static bool read_surface(const struct subject *subject, enum subject_file file, int side,
                         struct surface *surface)
{
    char *path;
    if (!subject_file_path(subject, file, side, &path))
        return false;
    const bool read = surface_read(path, surface);
    free(path);
    return read;
}

static bool same_count(const struct subject *subject, int side, enum subject_file file, int count,
                       int expected)
{
    return count == expected ||
           error_set(
               "%s: %s.%s has %d vertices, but %s.white %d: all files of a hemisphere "
               "must have the same",
               subject->folder, hemisphere_names[side], subject_file_names[file], count,
               hemisphere_names[side], expected);
}

// Whether all points are about as far from 0.
static bool check_sphere(const struct subject *subject, int side, const struct surface *sphere)
{
    double low = INFINITY, high = 0;
    for (int i = 0; i < sphere->vertex_count; i++) {
        const float *p = sphere->points[i];
        const double norm = sqrt((double)p[0] * p[0] + (double)p[1] * p[1] + (double)p[2] * p[2]);
        low = norm < low ? norm : low;
        high = norm > high ? norm : high;
    }
    return (low > 0 && high <= (1 + SPHERE_SPREAD) * low) ||
           error_set("%s: %s.sphere is no sphere around 0: its vertices are %g to %g away from it",
                     subject->folder, hemisphere_names[side], low, high);
}

bool hemisphere_read(const struct subject *subject, int side, struct hemisphere *hemisphere)
{
    struct surface pial = {0};
    *hemisphere = (struct hemisphere){.side = side};
    CHECK(read_surface(subject, FILE_WHITE, side, &hemisphere->midgray));
    CHECK(read_surface(subject, FILE_PIAL, side, &pial));
    CHECK(read_surface(subject, FILE_SPHERE, side, &hemisphere->sphere));
    const int count = hemisphere->vertex_count = hemisphere->midgray.vertex_count;
    CHECK(same_count(subject, side, FILE_PIAL, pial.vertex_count, count));
    CHECK(same_count(subject, side, FILE_SPHERE, hemisphere->sphere.vertex_count, count));
    CHECK(check_sphere(subject, side, &hemisphere->sphere));
    for (int i = 0; i < count; i++)
        for (int k = 0; k < 3; k++)
            hemisphere->midgray.points[i][k] =
                0.5f * (hemisphere->midgray.points[i][k] + pial.points[i][k]);
    surface_free(&pial);
    return true;
error:
    surface_free(&pial);
    hemisphere_free(hemisphere);
    return false;
}

static double mean_x(const struct hemisphere *hemisphere)
{
    double sum = 0;
    for (int i = 0; i < hemisphere->vertex_count; i++)
        sum += hemisphere->midgray.points[i][0];
    return sum / hemisphere->vertex_count;
}

bool hemispheres_read(const struct subject *subject, struct hemisphere hemispheres[HEMISPHERES])
{
    hemispheres[RIGHT] = (struct hemisphere){.side = RIGHT};
    if (!hemisphere_read(subject, LEFT, &hemispheres[LEFT]) ||
        !hemisphere_read(subject, RIGHT, &hemispheres[RIGHT]))
        return false;
    const double left = mean_x(&hemispheres[LEFT]), right = mean_x(&hemispheres[RIGHT]);
    return left <= right ||
           error_set(
               "%s: lh.white lies to the right of rh.white (mean x of %.0f and %.0f mm): are the "
               "files of the hemispheres swapped?",
               subject->folder, left, right);
}

void hemisphere_free(struct hemisphere *hemisphere)
{
    surface_free(&hemisphere->midgray);
    surface_free(&hemisphere->sphere);
    *hemisphere = (struct hemisphere){0};
}
