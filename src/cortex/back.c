// SPDX-License-Identifier: MIT
// From pixels back to vertices.
#include "vkgrid/cortex/flat_map.h"

#include "vkgrid/base/memory.h"
#include "vkgrid/data/label_map.h"
#include "vkgrid/formats/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Of equal distances the even pixel, as NumPy rounds.
static int pixel_of(int side, double place, double first, double last)
{
    const double pixel = rint((side - 1) * (place - first) / (last - first));
    return pixel < 0 ? 0 : pixel > side - 1 ? side - 1 : (int)pixel;
}

bool flat_values(const struct flat_map *map, int side, int rows, const float *image, float *values)
{
    const size_t length = (size_t)rows;
    struct image half = {.rows = rows, .cols = rows};
    half.values = mem_alloc(length * length * sizeof(*half.values));
    for (size_t row = 0; row < length; row++)
        memcpy(half.values + row * length, image + (2 * row + (size_t)map->side) * length,
               length * sizeof(*half.values));
    const bool resized = rows == side || image_resize(&half, side, side);
    memset(values, 0, (size_t)map->hemisphere_vertices * sizeof(*values));
    for (int i = 0; resized && i < map->vertex_count; i++) {
        const int col = pixel_of(side, map->points[i][0], map->low[0], map->high[0]);
        const int row = pixel_of(side, map->points[i][1], map->high[1], map->low[1]);
        values[map->vertices[i]] = half.values[(size_t)row * (size_t)side + (size_t)col];
    }
    image_free(&half);
    return resized;
}

void flat_labels(const struct flat_map *map, int labels, const float *values, int32_t *keys)
{
    const size_t stride = (size_t)map->hemisphere_vertices;
    memset(keys, 0, stride * sizeof(*keys));
    for (int i = 0; i < map->vertex_count; i++) {
        const int32_t vertex = map->vertices[i];
        keys[vertex] = label_of(values + vertex, labels, stride);
    }
}
