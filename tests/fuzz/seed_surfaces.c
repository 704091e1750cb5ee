// SPDX-License-Identifier: MIT
#include "tests/fuzz/seeds.h"

#include "tests/formats/build_surface.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/surface.h"
#include "vkgrid/formats/volume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void seed_freesurfer(void)
{
    struct bytes file = {0};
    build_tetrahedron(&file);
    seed_take("triangles", "lh.white", &file);
    build_tetrahedron(&file);
    build_gzip(&file);
    seed_take("triangles", "lh.white.gz", &file);
    build_curv(&file, 5, (const float[]){1, 2, 3, 4, 5});
    seed_take("curv", "lh.curv", &file);
    for (int version = 1; version < 3; version++) {
        char name[20];
        snprintf(name, sizeof(name), "%d.annot", version);
        build_annot(&file, version);
        seed_take("annot", name, &file);
    }
    seed_text("label", "lh.label", "#!ascii label\n3\n7  0 1.5 2 0\n0 0 0 0 1\n12 1 1 1 0\n");
}

static void seed_written_labels(void)
{
    int32_t keys[4] = {1, 2, 0, 1};
    struct label_entry entries[2] = {{1, "V1", {255, 0, 0, 255}}, {2, "V2", {0, 1, 2, 255}}};
    const struct vertex_labels labels = {4, keys, entries, 2};
    seed_need(annot_write(seed_path("annot", "written.annot"), &labels) &&
                  gifti_write_labels(seed_path("gifti", "written.label.gii"), &labels, true),
              "labels");
}

static void seed_gifti(void)
{
    static const char *const encodings[] = {"ASCII", "Base64Binary", "GZipBase64Binary"};
    static const uint8_t keys[12] = {1, 0, 0, 0, 2, 0, 0, 0, 1};
    static const float points[9] = {0, 0, 0, 1, 0, 0, 0, 2, 0};
    for (int i = 0; i < 3; i++) {
        struct bytes surface = {0}, labels = {0};
        char name[20],
            *at = i ? build_base64(points, 36, i == 2) : text_copy("0 0 0 1e0 0 0 0 2 0"),
            *held = i ? build_base64(keys, 12, i == 2) : text_copy("1 2 1");
        const struct gifti_text arrays[] = {
            {"POINTSET", "FLOAT32", encodings[i], "LittleEndian", "RowMajorOrder",
             "Dimensionality='2' Dim0='3' Dim1='3'", at},
            {"TRIANGLE", "INT32", "ASCII", "LittleEndian", "ColumnMajorOrder",
             "Dimensionality='2' Dim0='1' Dim1='3'", "2 1 0"},
            {"LABEL", "INT32", encodings[i], "LittleEndian", "RowMajorOrder",
             "Dimensionality='1' Dim0='3'", held}};
        build_gifti(&surface, "", arrays, 2);
        snprintf(name, sizeof(name), "%d.surf.gii", i);
        seed_take("gifti", name, &surface);
        build_gifti(&labels, "<Label Key='1' Red='0.5'>a</Label><Label Key='2'>b</Label>",
                    arrays + 2, 1);
        snprintf(name, sizeof(name), "%d.label.gii", i);
        seed_take("gifti", name, &labels);
        free(at);
        free(held);
    }
}

void seed_surfaces(void)
{
    seed_freesurfer();
    seed_written_labels();
    seed_gifti();
}

static void put(uint8_t *bytes, size_t at, unsigned number, size_t size)
{
    memcpy(bytes + at, &number, size);
}

// 3 x 2 voxels of a type (code, bits), one file, version 1 or 2.
static void seed_nifti(int version, unsigned type, unsigned bits)
{
    const size_t header = version == 1 ? 352 : 544;
    uint8_t bytes[544 + 48] = {0};
    char name[40];
    struct bytes packed = {0};
    put(bytes, 0, version == 1 ? 348 : 540, 4);
    if (version == 1) {
        const float offset = 352, slope = 1;
        const uint16_t dims[8] = {2, 3, 2, 1, 1, 1, 1, 1};
        memcpy(bytes + 40, dims, sizeof(dims));
        put(bytes, 70, type, 2);
        put(bytes, 72, bits, 2);
        memcpy(bytes + 108, &offset, 4);
        memcpy(bytes + 112, &slope, 4);
        memcpy(bytes + 344, "n+1", 4);
    } else {
        const int64_t dims[8] = {2, 3, 2, 1, 1, 1, 1, 1}, offset = 544;
        const double slope = 1;
        memcpy(bytes + 4, "n+2\0\r\n\032\n", 8);
        put(bytes, 12, type, 2);
        put(bytes, 14, bits, 2);
        memcpy(bytes + 16, dims, sizeof(dims));
        memcpy(bytes + 168, &offset, 8);
        memcpy(bytes + 176, &slope, 8);
    }
    snprintf(name, sizeof(name), "%d-%u.nii", version, type);
    seed_bytes("nifti", name, bytes, header + 6 * bits / 8);
    bytes_add(&packed, bytes, header + 6 * bits / 8);
    build_gzip(&packed);
    snprintf(name, sizeof(name), "%d-%u.nii.gz", version, type);
    seed_take("nifti", name, &packed);
}

void seed_volumes(void)
{
    static const char voxels[] = "\0\1\0\2\0\3\0\4\0\5\0\6";
    struct bytes file = {0};
    int32_t values[8] = {0, 1, 2, 3};
    const struct volume volume = {.dims = {2, 2, 2}, .values = values};
    for (int packed = 0; packed < 2; packed++) {
        build_mgh(&file, 6, 4, voxels, 12);
        if (packed)
            build_gzip(&file);
        seed_take("mgh", packed ? "built.mgz" : "built.mgh", &file);
    }
    const float vertices[3] = {1, 2, 3};
    seed_need(volume_write(seed_path("mgh", "small.mgh"), &volume, true) &&
                  volume_write(seed_path("mgh", "large.mgh"), &volume, false) &&
                  mgz_write_values(seed_path("mgh", "values.mgh"), 3, 1, vertices),
              "mgh");
    for (int version = 1; version < 3; version++) {
        seed_nifti(version, 2, 8);
        seed_nifti(version, 4, 16);
        seed_nifti(version, 16, 32);
        seed_nifti(version, 64, 64);
    }
}
