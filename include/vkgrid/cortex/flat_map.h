// SPDX-License-Identifier: MIT
// The flat map "occipital pole" of a hemisphere: from vertices to pixels and back.
//
// An orthographic projection of the registered sphere around a point near the occipital pole
// (docs/flatten.md). V1 lies at +x in the left hemisphere and at -x in the right one. An image has
// the left hemisphere in its left half and the right one in its right half; each half is square.
// Source: neuropythy's projection of that name, and visual-autolabel.
#pragma once

#include "vkgrid/cortex/subject.h"

#include <stddef.h>

#define FLAT_RADIUS (3.14159265358979323846 / 2.25) // default angular radius, of training
#define FLAT_RADIUS_MOST (3.14159265358979323846 / 2)
#define FLAT_ROWS 512 // default: an image has 512 x 1024 pixels
#define FLAT_ROWS_LEAST 32
#define FLAT_ROWS_MOST 2048

struct flat_map {
    int side, hemisphere_vertices; // vertices of the whole hemisphere
    int vertex_count, face_count;  // of the map
    int32_t *vertices;             // [vertex_count] which of the hemisphere's they are, ascending
    float (*points)[2];            // [vertex_count] x, y in the unit of the sphere
    int32_t (*faces)[3];           // [face_count] indices into `vertices`
    double low[2], high[2];        // least and largest x, y: the outer pixels' centres
};

// radius: in radians, above 0 and at most FLAT_RADIUS_MOST. Fails when no triangle is within it.
bool flat_map_make(const struct hemisphere *hemisphere, double radius, struct flat_map *map);
void flat_map_free(struct flat_map *map); // leaves an empty map

// Which triangle of a map each pixel is in. side x side pixels.
struct flat_raster {
    int side;
    int32_t *faces;      // [side][side] -1: outside
    float (*weights)[2]; // [side][side] of the first and second vertex; the third's is the rest
};
// Fails when many triangles lie on top of each other, as on no sphere.
bool flat_raster_make(const struct flat_map *map, int side, struct flat_raster *raster);
void flat_raster_free(struct flat_raster *raster); // leaves an empty raster

// Paints values of the hemisphere's vertices into its half of an image [side][2 * side]:
// barycentric, without vertices that are NaN; outside, and where all three are NaN, 0.
void flat_paint(const struct flat_map *map, const struct flat_raster *raster, const float *values,
                float *image);
// The same for a mask (0 or not): 255 where the vertex with the largest weight has it, else 0.
void flat_paint_mask(const struct flat_map *map, const struct flat_raster *raster,
                     const uint8_t *mask, uint8_t *image);

// The way back: values of an image [rows][2 * rows] at the vertices of the map's hemisphere
// (values[hemisphere_vertices]; outside of the map 0). The hemisphere's half is resized to
// side x side pixels (image_resize), of which a vertex takes the nearest.
bool flat_values(const struct flat_map *map, int side, int rows, const float *image, float *values);

// The label of every vertex of the hemisphere, by label_of() (data/label_map.h): 1 for the first; 0
// where there is none, and outside of the map. values: [labels][hemisphere_vertices], each label's
// as flat_values() gives them.
void flat_labels(const struct flat_map *map, int labels, const float *values, int32_t *keys);
