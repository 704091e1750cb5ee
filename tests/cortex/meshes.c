// SPDX-License-Identifier: MIT
#include "tests/cortex/meshes.h"

#include "tests/formats/scratch.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_point(float point[3], double x, double y, double z, double radius)
{
    const double norm = sqrt(x * x + y * y + z * z);
    point[0] = (float)(x / norm * radius);
    point[1] = (float)(y / norm * radius);
    point[2] = (float)(z / norm * radius);
}

static struct surface icosahedron(float radius)
{
    static const int8_t faces[20][3] = {
        {0, 11, 5},  {0, 5, 1},  {0, 1, 7},  {0, 7, 10}, {0, 10, 11}, {1, 5, 9}, {5, 11, 4},
        {11, 10, 2}, {10, 7, 6}, {7, 1, 8},  {3, 9, 4},  {3, 4, 2},   {3, 2, 6}, {3, 6, 8},
        {3, 8, 9},   {4, 9, 5},  {2, 4, 11}, {6, 2, 10}, {8, 6, 7},   {9, 8, 1}};
    const double t = (1 + sqrt(5)) / 2;
    const double points[12][3] = {{-1, t, 0}, {1, t, 0}, {-1, -t, 0}, {1, -t, 0},
                                  {0, -1, t}, {0, 1, t}, {0, -1, -t}, {0, 1, -t},
                                  {t, 0, -1}, {t, 0, 1}, {-t, 0, -1}, {-t, 0, 1}};
    struct surface surface = {.vertex_count = 12, .face_count = 20};
    surface.points = mem_zalloc(12, sizeof(*surface.points));
    surface.faces = mem_zalloc(20, sizeof(*surface.faces));
    for (int i = 0; i < 12; i++)
        put_point(surface.points[i], points[i][0], points[i][1], points[i][2], radius);
    for (int i = 0; i < 20; i++)
        for (int k = 0; k < 3; k++)
            surface.faces[i][k] = faces[i][k];
    return surface;
}

// The vertex in the middle of an edge: made once for the two triangles that share it. `made` holds
// for each vertex up to six (other end, middle).
static int32_t middle(struct surface *surface, int32_t (*made)[6][2], int32_t a, int32_t b,
                      float radius)
{
    const int32_t low = a < b ? a : b, high = a < b ? b : a;
    int slot = 0;
    for (; slot < 6 && made[low][slot][1]; slot++)
        if (made[low][slot][0] == high)
            return made[low][slot][1];
    assert_true(slot < 6);
    const float *p = surface->points[a], *q = surface->points[b];
    const int32_t vertex = surface->vertex_count++;
    put_point(surface->points[vertex], p[0] + q[0], p[1] + q[1], p[2] + q[2], radius);
    made[low][slot][0] = high;
    made[low][slot][1] = vertex;
    return vertex;
}

void mesh_divide(struct surface *surface, float radius, int32_t *parents)
{
    const int faces = surface->face_count, old = surface->vertex_count;
    int32_t(*divided)[3] = mem_zalloc((size_t)faces * 4, sizeof(*divided));
    int32_t(*made)[6][2] = mem_zalloc((size_t)surface->vertex_count, sizeof(*made));
    surface->points =
        mem_grow(surface->points, (size_t)surface->vertex_count + 3 * (size_t)faces / 2,
                 sizeof(*surface->points));
    for (int i = 0; i < faces; i++) {
        const int32_t a = surface->faces[i][0], b = surface->faces[i][1], c = surface->faces[i][2];
        const int32_t ab = middle(surface, made, a, b, radius);
        const int32_t bc = middle(surface, made, b, c, radius);
        const int32_t ca = middle(surface, made, c, a, radius);
        const int32_t parts[4][3] = {{a, ab, ca}, {b, bc, ab}, {c, ca, bc}, {ab, bc, ca}};
        memcpy(divided[4 * i], parts, sizeof(parts));
    }
    for (int i = 0; parents && i < old; i++)
        for (int slot = 0; slot < 6 && made[i][slot][1]; slot++)
            parents[made[i][slot][1] - old] = i;
    free(made);
    free(surface->faces);
    surface->faces = divided;
    surface->face_count = 4 * faces;
}

struct surface icosphere(int level, float radius)
{
    struct surface surface = icosahedron(radius);
    for (int i = 0; i < level; i++)
        mesh_divide(&surface, radius, NULL);
    return surface;
}

struct surface lump(const struct surface *sphere, float size, float x, float y, float z)
{
    struct surface surface = {.vertex_count = sphere->vertex_count,
                              .face_count = sphere->face_count};
    const float shift[3] = {x, y, z};
    surface.points = mem_zalloc((size_t)surface.vertex_count, sizeof(*surface.points));
    surface.faces = mem_zalloc((size_t)surface.face_count, sizeof(*surface.faces));
    memcpy(surface.faces, sphere->faces, (size_t)surface.face_count * sizeof(*surface.faces));
    for (int i = 0; i < surface.vertex_count; i++) {
        const float *p = sphere->points[i];
        const float out = size * (1 + 0.1f * sinf(p[0] / 20) + 0.2f * cosf(p[1] / 30 + 1)) / 100;
        for (int k = 0; k < 3; k++)
            surface.points[i][k] = p[k] * out + shift[k];
    }
    return surface;
}

// A file as it is written.
struct bytes {
    uint8_t *data;
    size_t size;
};

static void put(struct bytes *bytes, const void *data, size_t size)
{
    bytes->data = mem_grow(bytes->data, bytes->size + size, 1);
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void put_words(struct bytes *bytes, size_t count, const void *words)
{
    uint32_t *swapped = mem_alloc((count + 1) * 4);
    memcpy(swapped, words, count * 4);
    for (size_t i = 0; i < count; i++)
        swapped[i] = htonl(swapped[i]);
    put(bytes, swapped, count * 4);
    free(swapped);
}

static const char *write_bytes(const char *path, struct bytes *bytes)
{
    scratch_write(path, bytes->data, bytes->size);
    free(bytes->data);
    return path;
}

const char *surface_write(const char *path, const struct surface *surface)
{
    struct bytes bytes = {0};
    const int32_t counts[2] = {surface->vertex_count, surface->face_count};
    put(&bytes,
        "\xff\xff\xfe"
        "made by a test\n\n",
        19);
    put_words(&bytes, 2, counts);
    put_words(&bytes, 3 * (size_t)surface->vertex_count, surface->points);
    put_words(&bytes, 3 * (size_t)surface->face_count, surface->faces);
    return write_bytes(path, &bytes);
}

const char *values_write(const char *path, int count, const float *values)
{
    struct bytes bytes = {0};
    const int32_t counts[3] = {count, 2 * count - 4, 1};
    put(&bytes, "\xff\xff\xff", 3);
    put_words(&bytes, 3, counts);
    put_words(&bytes, (size_t)count, values);
    return write_bytes(path, &bytes);
}

static void write_hemisphere(const char *folder, const char *hemi, const char *sphere_name,
                             int level, float size, float x)
{
    struct surface sphere = icosphere(level, 100);
    struct surface white = lump(&sphere, size, x, 1, 2), pial = lump(&sphere, size + 3, x, 1, 2);
    const int count = sphere.vertex_count;
    float *values = mem_zalloc((size_t)count, sizeof(*values));
    surface_write(scratch_path("%s/surf/%s.white", folder, hemi), &white);
    surface_write(scratch_path("%s/surf/%s.pial", folder, hemi), &pial);
    surface_write(scratch_path("%s/surf/%s.%s", folder, hemi, sphere_name), &sphere);
    for (int i = 0; i < count; i++)
        values[i] = (float)i / 1000;
    values_write(scratch_path("%s/surf/%s.curv", folder, hemi), count, values);
    for (int i = 0; i < count; i++)
        values[i] += 10;
    values_write(scratch_path("%s/surf/%s.sulc", folder, hemi), count, values);
    for (int i = 0; i < count; i++)
        values[i] = 2;
    values_write(scratch_path("%s/surf/%s.thickness", folder, hemi), count, values);
    free(values);
    surface_free(&sphere);
    surface_free(&white);
    surface_free(&pial);
}

void subject_write(const char *folder, const char *sphere, int level, float size)
{
    must(folder_make(scratch_path("%s/surf", folder)));
    write_hemisphere(folder, "lh", sphere, level, size, -35);
    write_hemisphere(folder, "rh", sphere, level, size, 35);
}
