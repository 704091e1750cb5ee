// SPDX-License-Identifier: MIT
// Formats: FreeSurfer's triangle file, GIFTI.
#include "vkgrid/formats/surface.h"

#include "formats/bytes.h"
#include "formats/gifti.h"
#include "formats/surface_kind.h"
#include "formats/unpack.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>

// Vertices and faces as the file counts them.
static bool take_counts(int64_t vertices, int64_t faces, struct surface *surface)
{
    if (vertices < 3 || vertices > SURFACE_VERTICES || faces < 1 || faces > 2 * SURFACE_VERTICES)
        return error_set("%lld vertices and %lld triangles: 3 to %d and 1 to %d are allowed",
                         (long long)vertices, (long long)faces, SURFACE_VERTICES,
                         2 * SURFACE_VERTICES);
    surface->vertex_count = (int)vertices;
    surface->face_count = (int)faces;
    return true;
}

// Magic, a text that two line feeds end (one, by some writers), counts, points, triangles, and tags
// that are not read. No count begins with a line feed: it would be too large.
static bool read_triangles(uint8_t *bytes, size_t size, struct surface *surface)
{
    const uint8_t *end = bytes + size, *line = memchr(bytes + 3, '\n', size - 3);
    if (!line)
        return error_set("no line of text after its first three bytes: truncated or damaged");
    const uint8_t *at = line + 1;
    if (at < end && *at == '\n')
        at++;
    if (end - at < 8)
        return error_set("truncated in its header");
    if (!take_counts((int32_t)load_be32(at), (int32_t)load_be32(at + 4), surface))
        return false;
    at += 8;
    const size_t numbers = 3 * ((size_t)surface->vertex_count + (size_t)surface->face_count),
                 have = (size_t)(end - at);
    if (have < 4 * numbers)
        return error_set("truncated: %zu bytes of data, but %d vertices and %d triangles need %zu",
                         have, surface->vertex_count, surface->face_count, 4 * numbers);
    const size_t points = 12 * (size_t)surface->vertex_count,
                 faces = 12 * (size_t)surface->face_count;
    swap_elements(bytes + (at - bytes), numbers, 4);
    surface->points = mem_alloc(points);
    surface->faces = mem_alloc(faces);
    memcpy(surface->points, at, points);
    memcpy(surface->faces, at + points, faces);
    return true;
}

// An array of triples, by rows or by columns.
static bool is_triples(const struct gifti_array *array)
{
    return array->rank == 2 && array->dims[1] == 3;
}

static size_t triple_place(const struct gifti_array *array, int64_t row, int col)
{
    return (size_t)(array->column_major ? col * array->dims[0] + row : 3 * row + col);
}

static void take_points(const struct gifti_array *array, struct surface *surface)
{
    const size_t step = element_size(array->element);
    for (int row = 0; row < surface->vertex_count; row++)
        for (int col = 0; col < 3; col++)
            surface->points[row][col] = element_to_float(
                array->element, array->data + step * triple_place(array, row, col));
}

// A vertex out of range becomes -1, which check() finds.
static void take_faces(const struct gifti_array *array, struct surface *surface)
{
    const size_t step = element_size(array->element);
    for (int row = 0; row < surface->face_count; row++)
        for (int col = 0; col < 3; col++) {
            const uint8_t *at = array->data + step * triple_place(array, row, col);
            const int64_t vertex = element_to_int(array->element, at);
            surface->faces[row][col] =
                vertex >= 0 && vertex < surface->vertex_count ? (int32_t)vertex : -1;
        }
}

static bool read_gifti(const struct gifti *gifti, struct surface *surface)
{
    const struct gifti_array *points = NULL, *faces = NULL;
    for (int i = 0; i < gifti->count; i++) {
        const struct gifti_array *array = &gifti->arrays[i];
        const struct gifti_array **which = array->intent == GIFTI_POINTSET   ? &points
                                           : array->intent == GIFTI_TRIANGLE ? &faces
                                                                             : NULL;
        if (which && *which)
            return error_set("several %s: one is wanted",
                             which == &points ? "pointsets" : "arrays of triangles");
        if (which)
            *which = array;
    }
    if (!points || !faces)
        return error_set(
            "no %s among its %d arrays: a surface has NIFTI_INTENT_POINTSET and "
            "NIFTI_INTENT_TRIANGLE",
            points ? "triangles" : "points", gifti->count);
    if (!is_triples(points) || !is_triples(faces))
        return error_set("its %s are not N x 3 numbers",
                         is_triples(points) ? "triangles" : "points");
    if (element_is_float(faces->element))
        return error_set("its triangles are not whole numbers");
    if (!take_counts(points->dims[0], faces->dims[0], surface))
        return false;
    surface->points = mem_alloc(12 * (size_t)surface->vertex_count);
    surface->faces = mem_alloc(12 * (size_t)surface->face_count);
    take_points(points, surface);
    take_faces(faces, surface);
    return true;
}

static bool check(const struct surface *surface)
{
    for (int i = 0; i < surface->vertex_count; i++)
        for (int k = 0; k < 3; k++)
            if (!isfinite(surface->points[i][k]))
                return error_set("vertex %d is at %g, %g, %g: coordinates must be finite", i,
                                 (double)surface->points[i][0], (double)surface->points[i][1],
                                 (double)surface->points[i][2]);
    for (int i = 0; i < surface->face_count; i++)
        for (int k = 0; k < 3; k++)
            if (surface->faces[i][k] < 0 || surface->faces[i][k] >= surface->vertex_count)
                return error_set("triangle %d has a vertex that is not one of the %d", i,
                                 surface->vertex_count);
    return true;
}

static bool read_bytes(uint8_t *bytes, size_t size, struct surface *surface)
{
    struct gifti gifti = {0};
    const enum surface_kind kind = surface_kind(bytes, size);
    bool read;
    if (kind == KIND_TRIANGLES)
        read = read_triangles(bytes, size, surface);
    else if (kind == KIND_GIFTI)
        read = gifti_open(bytes, size, &gifti) && read_gifti(&gifti, surface);
    else
        return error_set("%s: surfaces are read of FreeSurfer's triangle files and of GIFTI",
                         surface_kind_name(kind));
    gifti_close(&gifti);
    return read && check(surface);
}

bool surface_read(const char *path, struct surface *surface)
{
    uint8_t *bytes;
    size_t size;
    *surface = (struct surface){0};
    if (!unpack_file(path, &bytes, &size))
        return false;
    const bool read = read_bytes(bytes, size, surface);
    free(bytes);
    if (read)
        return true;
    surface_free(surface);
    return error_prefix("%s", path);
}

void surface_free(struct surface *surface)
{
    free(surface->points);
    free(surface->faces);
    *surface = (struct surface){0};
}
