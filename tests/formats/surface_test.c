// SPDX-License-Identifier: MIT
// Surfaces: FreeSurfer's triangle files, and GIFTI's points and triangles.
#include "tests/formats/build_surface.h"
#include "tests/formats/scratch.h"
#include "vkgrid/formats/surface.h"

#include <math.h>
#include <stdlib.h>

static bool read_bytes(const struct bytes *file, struct surface *surface)
{
    return surface_read(scratch_write(scratch_path("lh.white"), file->at, file->size), surface);
}

static void assert_refused(const struct bytes *file, const char *error)
{
    struct surface surface;
    assert_false(read_bytes(file, &surface));
    assert_error("lh.white: ");
    assert_error(error);
    assert_null(surface.points);
    assert_null(surface.faces);
}

static void assert_tetrahedron(const struct bytes *file)
{
    struct surface surface;
    must(read_bytes(file, &surface));
    assert_int_equal(surface.vertex_count, 4);
    assert_int_equal(surface.face_count, 4);
    assert_true(surface.points[1][0] == 1 && surface.points[2][1] == 2);
    assert_true(surface.points[3][2] == -3.5f && surface.points[3][0] == 0);
    assert_memory_equal(surface.faces, ((int32_t[]){0, 1, 2, 0, 2, 3, 0, 3, 1, 3, 2, 1}), 48);
    surface_free(&surface);
}

static void reads_triangles(void **state)
{
    struct bytes file = {0};
    (void)state;
    build_tetrahedron(&file);
    assert_tetrahedron(&file);
    bytes_text(&file, "\0\0\0\24valid = 1");
    assert_tetrahedron(&file);
    build_gzip(&file);
    assert_tetrahedron(&file);
    bytes_free(&file);
}

// Where the counts, points and triangles of the tetrahedron's file begin.
enum { COUNTS = 19, POINTS = COUNTS + 8, FACES = POINTS + 48, END = FACES + 48 };

static void reads_one_line_feed(void **state)
{
    struct bytes file = {0};
    (void)state;
    build_tetrahedron(&file);
    memmove(file.at + COUNTS - 1, file.at + COUNTS, file.size - COUNTS);
    file.size--;
    assert_tetrahedron(&file);
    bytes_free(&file);
}

static void refuses_damaged_triangles(void **state)
{
    static const struct {
        size_t at, size;
        const char *bytes, *error;
    } cases[] = {
        {COUNTS, 4, "\4\0\0\0", "67108864 vertices and 4 triangles: 3 to 10000000"},
        {COUNTS, 4, "\xff\xff\xff\xff", "-1 vertices"},
        {COUNTS + 4, 4, "\0\0\0\0", "4 vertices and 0 triangles"},
        {COUNTS, 4, "\0\0\0\5", "truncated: 96 bytes of data, but 5 vertices and 4 triangles need"},
        {POINTS + 4, 4, "\x7f\xc0\0\0", "vertex 0 is at 0, nan, 0: coordinates must be finite"},
        {POINTS + 12, 4, "\xff\x80\0\0", "vertex 1 is at -inf, 0, 0"},
        {FACES + 8, 4, "\0\0\0\4", "triangle 0 has a vertex that is not one of the 4"},
        {FACES + 44, 4, "\xff\xff\xff\xff", "triangle 3 has a vertex"},
        {0, 4, "\1\0\0\0", "none that is known: surfaces are read of FreeSurfer's triangle files"},
        {0, 3, "\xff\xff\xfd", "an old surface of quadrangles (mris_convert makes triangles)"},
        {0, 3, "\xff\xff\xff", "a file of values (curv): surfaces are read of"},
        {0, 4, "\x5c\1\0\0", "a NIfTI or CIFTI file"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes file = {0};
        build_tetrahedron(&file);
        memcpy(file.at + cases[i].at, cases[i].bytes, cases[i].size);
        assert_refused(&file, cases[i].error);
        bytes_free(&file);
    }
}

static void refuses_truncated_triangles(void **state)
{
    (void)state;
    for (size_t size = 0; size < END; size++) {
        struct bytes file = {0};
        build_tetrahedron(&file);
        file.size = size;
        assert_refused(&file, size == 0           ? "an empty file: surfaces are read of"
                              : size < 4          ? "none that is known"
                              : size < COUNTS - 1 ? "no line of text"
                                                  : "truncated");
        bytes_free(&file);
    }
}

static const char points_text[] = "0 0 0\n1 0 0\n0 2 0\n0 0 -3.5",
                  faces_text[] = "0 1 2 0 2 3 0 3 1 3 2 1";
static const struct gifti_text points = {"POINTSET",      "FLOAT32",
                                         "ASCII",         "LittleEndian",
                                         "RowMajorOrder", "Dimensionality='2' Dim0='4' Dim1='3'",
                                         points_text};
static const struct gifti_text faces = {"TRIANGLE",      "INT32",
                                        "ASCII",         "LittleEndian",
                                        "RowMajorOrder", "Dimensionality='2' Dim0='4' Dim1='3'",
                                        faces_text};

static void reads_gifti(void **state)
{
    struct gifti_text arrays[] = {faces, points};
    struct bytes file = {0};
    (void)state;
    build_gifti(&file, "", arrays, 2);
    assert_tetrahedron(&file);
    bytes_free(&file);
    arrays[0].order = "ColumnMajorOrder";
    arrays[0].data = "0 0 0 3\n1 2 3 2\n2 3 1 1";
    build_gifti(&file, "", arrays, 2);
    build_gzip(&file);
    assert_tetrahedron(&file);
    bytes_free(&file);
}

static void refuses_gifti(void **state)
{
    struct gifti_text flat = points, real = faces, nan = points, far = faces, wide = faces;
    flat.dims = "Dimensionality='2' Dim0='6' Dim1='2'";
    real.type = "FLOAT32";
    nan.data = "0 0 0 1 0 0 0 nan 0 0 0 -3.5";
    far.data = "0 1 2 0 2 3 0 3 1 3 2 4";
    wide.type = "INT64";
    wide.data = "0 1 2 0 2 3 0 3 1 3 2 4294967297";
    const struct {
        struct gifti_text arrays[3];
        int count;
        const char *error;
    } cases[] = {
        {{points}, 1, "no triangles among its 1 arrays"},
        {{faces}, 1, "no points among its 1 arrays"},
        {{points, faces, points}, 3, "several pointsets: one is wanted"},
        {{faces, points, faces}, 3, "several arrays of triangles"},
        {{flat, faces}, 2, "its points are not N x 3 numbers"},
        {{points, real}, 2, "its triangles are not whole numbers"},
        {{nan, faces}, 2, "vertex 2 is at 0, nan, 0"},
        {{points, far}, 2, "triangle 3 has a vertex that is not one of the 4"},
        {{points, wide}, 2, "triangle 3 has a vertex that is not one of the 4"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes file = {0};
        build_gifti(&file, "", cases[i].arrays, cases[i].count);
        assert_refused(&file, cases[i].error);
        bytes_free(&file);
    }
}

static void says_what_is_missing(void **state)
{
    struct surface surface;
    (void)state;
    assert_false(surface_read(scratch_path("not-there"), &surface));
    assert_error("not-there: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_triangles),
        cmocka_unit_test(reads_one_line_feed),
        cmocka_unit_test(refuses_damaged_triangles),
        cmocka_unit_test(refuses_truncated_triangles),
        cmocka_unit_test(reads_gifti),
        cmocka_unit_test(refuses_gifti),
        cmocka_unit_test(says_what_is_missing),
    };
    const int failed = cmocka_run_group_tests_name("surface", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
