// SPDX-License-Identifier: MIT
// The projection.
#include "vkgrid/cortex/flat_map.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// On fsaverage's sphere (radius 100): the middle of the map, and a point that lies to its right.
static const double centers[HEMISPHERES][3] = {{-8.19, -83.55, -54.34}, {-19.10, -77.49, -60.25}};
static const double rights[HEMISPHERES][3] = {{36.55, -75.07, -55.03}, {28.41, -75.75, -58.78}};

struct frame {
    double x[3], y[3], z[3]; // unit vectors: right, up, towards the viewer
};

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void normalise(double a[3])
{
    const double norm = sqrt(dot(a, a));
    for (int k = 0; k < 3; k++)
        a[k] /= norm;
}

static struct frame frame_of(int side)
{
    struct frame frame;
    memcpy(frame.z, centers[side], sizeof(frame.z));
    normalise(frame.z);
    const double along = dot(rights[side], frame.z);
    for (int k = 0; k < 3; k++)
        frame.x[k] = rights[side][k] - along * frame.z[k];
    normalise(frame.x);
    for (int k = 0; k < 3; k++)
        frame.y[k] = frame.z[(k + 1) % 3] * frame.x[(k + 2) % 3] -
                     frame.z[(k + 2) % 3] * frame.x[(k + 1) % 3];
    return frame;
}

static double mean_norm(const struct surface *sphere)
{
    double sum = 0;
    for (int i = 0; i < sphere->vertex_count; i++) {
        const float *p = sphere->points[i];
        sum += sqrt((double)p[0] * p[0] + (double)p[1] * p[1] + (double)p[2] * p[2]);
    }
    return sphere->vertex_count > 0 ? sum / sphere->vertex_count : 0;
}

// index[vertex of the hemisphere]: which of the map it is; -1: none.
static void keep_vertices(const struct surface *sphere, double radius, struct flat_map *map,
                          int32_t *index)
{
    const struct frame frame = frame_of(map->side);
    const double scale = mean_norm(sphere);
    map->vertices = mem_zalloc((size_t)sphere->vertex_count + 1, sizeof(*map->vertices));
    map->points = mem_zalloc((size_t)sphere->vertex_count + 1, sizeof(*map->points));
    for (int i = 0; i < sphere->vertex_count; i++) {
        const float *p = sphere->points[i];
        const double point[3] = {p[0], p[1], p[2]};
        const double cosine = dot(point, frame.z) / scale;
        index[i] = -1;
        if (acos(fmin(1, fmax(-1, cosine))) < radius) {
            index[i] = map->vertex_count;
            map->vertices[map->vertex_count] = i;
            map->points[map->vertex_count][0] = (float)dot(point, frame.x);
            map->points[map->vertex_count][1] = (float)dot(point, frame.y);
            map->vertex_count++;
        }
    }
}

static void keep_faces(const struct surface *sphere, const int32_t *index, struct flat_map *map)
{
    map->faces = mem_zalloc((size_t)sphere->face_count + 1, sizeof(*map->faces));
    for (int i = 0; i < sphere->face_count; i++) {
        const int32_t *face = sphere->faces[i];
        if (index[face[0]] < 0 || index[face[1]] < 0 || index[face[2]] < 0)
            continue;
        for (int k = 0; k < 3; k++)
            map->faces[map->face_count][k] = index[face[k]];
        map->face_count++;
    }
}

static void find_bounds(struct flat_map *map)
{
    for (int k = 0; k < 2; k++) {
        map->low[k] = INFINITY;
        map->high[k] = -INFINITY;
        for (int i = 0; i < map->vertex_count; i++) {
            map->low[k] = fmin(map->low[k], map->points[i][k]);
            map->high[k] = fmax(map->high[k], map->points[i][k]);
        }
    }
}

bool flat_map_make(const struct hemisphere *hemisphere, double radius, struct flat_map *map)
{
    const struct surface *sphere = &hemisphere->sphere;
    *map = (struct flat_map){.side = hemisphere->side,
                             .hemisphere_vertices = hemisphere->vertex_count};
    if (!(radius > 0 && radius <= FLAT_RADIUS_MOST))
        return error_set("flat map: a radius of %g: above 0 and at most pi/2 = %.4f is allowed",
                         radius, FLAT_RADIUS_MOST);
    int32_t *index = mem_zalloc((size_t)sphere->vertex_count + 1, sizeof(*index));
    keep_vertices(sphere, radius, map, index);
    keep_faces(sphere, index, map);
    free(index);
    find_bounds(map);
    // The room of what was left out goes back.
    map->vertices = mem_grow(map->vertices, (size_t)map->vertex_count + 1, sizeof(*map->vertices));
    map->points = mem_grow(map->points, (size_t)map->vertex_count + 1, sizeof(*map->points));
    map->faces = mem_grow(map->faces, (size_t)map->face_count + 1, sizeof(*map->faces));
    if (map->face_count > 0 && map->high[0] > map->low[0] && map->high[1] > map->low[1])
        return true;
    flat_map_free(map);
    return error_set("flat map: %s: no triangle of the sphere lies within %g of the occipital pole",
                     hemisphere_names[hemisphere->side], radius);
}

void flat_map_free(struct flat_map *map)
{
    free(map->vertices);
    free(map->points);
    free(map->faces);
    *map = (struct flat_map){0};
}
