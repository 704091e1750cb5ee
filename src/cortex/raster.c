// SPDX-License-Identifier: MIT
// From the vertices of a flat map to pixels.
#include "vkgrid/cortex/flat_map.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LAYERS 64    // of triangles' boxes over a map, at most; a sphere has some three
#define OUTSIDE 1e-9 // by which a weight may be negative: pixels on an edge are in both triangles

// A map's vertex in pixels: column, row.
static void place(const struct flat_map *map, int side, int vertex, double pixel[2])
{
    const float *point = map->points[vertex];
    pixel[0] = (side - 1) * (point[0] - map->low[0]) / (map->high[0] - map->low[0]);
    pixel[1] = (side - 1) * (point[1] - map->high[1]) / (map->low[1] - map->high[1]);
}

// Pixels further from 0 are outside. visual-autolabel's rule, which takes the middles of the two
// axes the wrong way round; both are close to 0, and its training images are made so.
static double disc_radius(const struct flat_map *map)
{
    const double middle[2] = {(map->low[1] + map->high[1]) / 2, (map->low[0] + map->high[0]) / 2};
    return fmax(map->high[0] - middle[0], map->high[1] - middle[1]);
}

static double cross(const double a[2], const double b[2], double x, double y)
{
    return (a[0] - x) * (b[1] - y) - (a[1] - y) * (b[0] - x);
}

static int clamp(double value, int high)
{
    return value < 0 ? 0 : value > high ? high : (int)value;
}

// Takes the pixels within a triangle that no earlier one has. Returns how many it looked at.
static size_t fill_face(const struct flat_map *map, int face, struct flat_raster *raster)
{
    double corners[3][2];
    for (int i = 0; i < 3; i++)
        place(map, raster->side, map->faces[face][i], corners[i]);
    const double *a = corners[0], *b = corners[1], *c = corners[2];
    const double whole = cross(b, c, a[0], a[1]);
    const int last = raster->side - 1;
    const int first_col = clamp(ceil(fmin(a[0], fmin(b[0], c[0])) - OUTSIDE), last);
    const int last_col = clamp(floor(fmax(a[0], fmax(b[0], c[0])) + OUTSIDE), last);
    const int first_row = clamp(ceil(fmin(a[1], fmin(b[1], c[1])) - OUTSIDE), last);
    const int last_row = clamp(floor(fmax(a[1], fmax(b[1], c[1])) + OUTSIDE), last);
    if (whole == 0)
        return 0;
    for (int row = first_row; row <= last_row; row++) {
        for (int col = first_col; col <= last_col; col++) {
            const size_t pixel = (size_t)row * (size_t)raster->side + (size_t)col;
            const double first = cross(b, c, col, row) / whole;
            const double second = cross(c, a, col, row) / whole;
            if (raster->faces[pixel] >= 0 || first < -OUTSIDE || second < -OUTSIDE ||
                first + second > 1 + OUTSIDE)
                continue;
            raster->faces[pixel] = face;
            raster->weights[pixel][0] = (float)first;
            raster->weights[pixel][1] = (float)second;
        }
    }
    return last_row < first_row || last_col < first_col
               ? 0
               : (size_t)(last_row - first_row + 1) * (size_t)(last_col - first_col + 1);
}

static void clear_outside(const struct flat_map *map, struct flat_raster *raster)
{
    const double radius = disc_radius(map), last = raster->side - 1;
    for (int row = 0; row < raster->side; row++) {
        const double y = map->high[1] + row * (map->low[1] - map->high[1]) / last;
        for (int col = 0; col < raster->side; col++) {
            const double x = map->low[0] + col * (map->high[0] - map->low[0]) / last;
            if (!(sqrt(x * x + y * y) < radius))
                raster->faces[(size_t)row * (size_t)raster->side + (size_t)col] = -1;
        }
    }
}

bool flat_raster_make(const struct flat_map *map, int side, struct flat_raster *raster)
{
    const size_t pixels = (size_t)side * (size_t)side;
    const size_t limit = LAYERS * (pixels + (size_t)map->face_count);
    size_t looked_at = 0;
    raster->side = side;
    raster->faces = mem_alloc(pixels * sizeof(*raster->faces));
    raster->weights = mem_zalloc(pixels, sizeof(*raster->weights));
    memset(raster->faces, 0xff, pixels * sizeof(*raster->faces)); // -1
    for (int face = 0; face < map->face_count && looked_at <= limit; face++)
        looked_at += fill_face(map, face, raster);
    if (looked_at > limit) {
        flat_raster_free(raster);
        return error_set("flat map: %s: triangles of the sphere lie on top of each other",
                         hemisphere_names[map->side]);
    }
    clear_outside(map, raster);
    return true;
}

void flat_raster_free(struct flat_raster *raster)
{
    free(raster->faces);
    free(raster->weights);
    *raster = (struct flat_raster){0};
}

// Where pixel (row, col) of a hemisphere's half is in the image.
static size_t image_place(const struct flat_map *map, int side, int row, int col)
{
    return (size_t)row * 2 * (size_t)side + (size_t)map->side * (size_t)side + (size_t)col;
}

static void weights_of(const struct flat_raster *raster, size_t pixel, float weights[3])
{
    weights[0] = raster->weights[pixel][0];
    weights[1] = raster->weights[pixel][1];
    weights[2] = 1 - weights[0] - weights[1];
}

static float interpolate(const struct flat_map *map, const struct flat_raster *raster, size_t pixel,
                         const float *values)
{
    const int32_t *face = map->faces[raster->faces[pixel]];
    float weights[3];
    double sum = 0, total = 0;
    weights_of(raster, pixel, weights);
    for (int i = 0; i < 3; i++) {
        const float value = values[map->vertices[face[i]]];
        if (isnan(value))
            continue;
        sum += (double)weights[i] * value;
        total += weights[i];
    }
    return total > 1e-6 ? (float)(sum / total) : 0;
}

void flat_paint(const struct flat_map *map, const struct flat_raster *raster, const float *values,
                float *image)
{
    for (int row = 0; row < raster->side; row++)
        for (int col = 0; col < raster->side; col++) {
            const size_t pixel = (size_t)row * (size_t)raster->side + (size_t)col;
            image[image_place(map, raster->side, row, col)] =
                raster->faces[pixel] < 0 ? 0 : interpolate(map, raster, pixel, values);
        }
}

static uint8_t nearest(const struct flat_map *map, const struct flat_raster *raster, size_t pixel,
                       const uint8_t *mask)
{
    const int32_t *face = map->faces[raster->faces[pixel]];
    float weights[3];
    int heaviest = 0;
    weights_of(raster, pixel, weights);
    for (int i = 1; i < 3; i++)
        heaviest = weights[i] > weights[heaviest] ? i : heaviest;
    return mask[map->vertices[face[heaviest]]] ? 255 : 0;
}

void flat_paint_mask(const struct flat_map *map, const struct flat_raster *raster,
                     const uint8_t *mask, uint8_t *image)
{
    for (int row = 0; row < raster->side; row++)
        for (int col = 0; col < raster->side; col++) {
            const size_t pixel = (size_t)row * (size_t)raster->side + (size_t)col;
            image[image_place(map, raster->side, row, col)] =
                raster->faces[pixel] < 0 ? 0 : nearest(map, raster, pixel, mask);
        }
}
