// SPDX-License-Identifier: MIT
// Volumes, and files of gzip.
#include "tests/formats/build_surface.h"
#include "tests/formats/scratch.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/volume.h"

#include <stdlib.h>

static void assert_refused(const struct bytes *file, const char *error)
{
    struct volume volume;
    assert_false(
        volume_read(scratch_write(scratch_path("ribbon.mgz"), file->at, file->size), &volume));
    assert_error("ribbon.mgz: ");
    assert_error(error);
    assert_null(volume.values);
}

static void written_volume_is_read(void **state)
{
    int32_t values[24];
    const struct volume volume = {
        .dims = {2, 3, 4},
        .has_geometry = true,
        .voxel_size = {1, 0.7f, 2},
        .directions = {{0.36f, -0.8f, 0.48f}, {0.48f, 0.6f, 0.64f}, {-0.8f, 0, 0.6f}},
        .center = {3, -40.5f, 7},
        .values = values,
    };
    (void)state;
    for (int i = 0; i < 24; i++)
        values[i] = i == 5 ? 255 : i;
    for (int i = 0; i < 4; i++) {
        struct volume read;
        const char *path = scratch_path(i < 2 ? "a.mgz" : "a.mgh");
        must(volume_write(path, &volume, i % 2));
        must(volume_read(path, &read));
        assert_memory_equal(read.values, values, sizeof(values));
        assert_true(read.has_geometry);
        assert_memory_equal(read.dims, volume.dims, sizeof(read.dims));
        assert_memory_equal(read.voxel_size, volume.voxel_size, sizeof(read.voxel_size));
        assert_memory_equal(read.directions, volume.directions, sizeof(read.directions));
        assert_memory_equal(read.center, volume.center, sizeof(read.center));
        volume_free(&read);
    }
    values[7] = 256;
    assert_false(volume_write(scratch_path("b.mgz"), &volume, true));
    assert_error("b.mgz: voxel 7 has the value 256, which no byte holds");
}

static void places(void **state)
{
    double matrix[3][4];
    struct volume volume;
    struct bytes file = {0};
    (void)state;
    build_mgh(&file, 4, 0, "\1\2\3\4", 4);
    scratch_write(scratch_path("a.mgh"), file.at, file.size);
    must(volume_read(scratch_path("a.mgh"), &volume));
    assert_false(volume.has_geometry);
    for (int scanner = 0; scanner < 2; scanner++) { // without a place both are the same
        if (scanner)
            volume_scanner_matrix(&volume, matrix);
        else
            volume_surface_matrix(&volume, matrix);
        static const double wanted[12] = {-1, 0, 0, 2, 0, 0, 1, -0.5, 0, -1, 0, 0.5};
        for (int i = 0; i < 12; i++)
            assert_true(matrix[i / 4][i % 4] == wanted[i]);
    }
    volume_free(&volume);
    bytes_free(&file);
}

static void damaged(void **state)
{
    struct bytes file = {0};
    (void)state;
    build_mgh(&file, 2, 3, "\x3f\x80\0\0\x3f\0\0\0", 8);
    assert_refused(&file, "voxel 1 has the value 0.5: whole numbers are wanted");
    file.at[29] = 1; // a place, whose voxels are of no size
    assert_refused(&file, "its voxel sizes, directions or centre are not numbers of a place");
    file.at[29] = 0;
    file.at[19] = 2;
    assert_refused(&file, "truncated: 8 bytes of data, but its dimensions and type need 16");
    bytes_add(&file, "\0\0\0\0\0\0\0\0", 8);
    assert_refused(&file, "2 frames: one is wanted");
    file.at[0] = 0xff;
    assert_refused(&file, "none that is known: volumes are read of .mgh and .mgz files");
    bytes_free(&file);
}

static void damaged_gzip(void **state)
{
    struct bytes file = {0}, packed = {0};
    struct volume volume;
    (void)state;
    build_mgh(&file, 4, 0, "\1\2\3\4", 4);
    bytes_add(&packed, file.at, file.size);
    build_gzip(&packed);
    bytes_add(&packed, "\0\0\0", 3);
    must(volume_read(scratch_write(scratch_path("a"), packed.at, packed.size), &volume));
    volume_free(&volume);
    packed.at[packed.size - 1] = 'x';
    assert_refused(&packed, "other bytes after the gzip data");
    packed.size -= 4;
    assert_refused(&packed, "truncated gzip data");
    packed.size++;
    packed.at[packed.size - 7] ^= 1;
    assert_refused(&packed, "damaged gzip data");
    bytes_free(&packed);
    // Two parts, one after the other.
    struct bytes first = {0}, second = {0};
    bytes_add(&first, file.at, 100);
    bytes_add(&second, file.at + 100, file.size - 100);
    build_gzip(&first);
    build_gzip(&second);
    bytes_add(&first, second.at, second.size);
    must(volume_read(scratch_write(scratch_path("a"), first.at, first.size), &volume));
    assert_int_equal(volume.values[3], 4);
    volume_free(&volume);
    bytes_free(&first);
    bytes_free(&second);
    bytes_free(&file);
}

// 40 parts of 16 MiB of zeros each are 640 KiB.
static void gzip_bomb(void **state)
{
    struct bytes part = {mem_zalloc(1 << 24, 1), 1 << 24}, file = {0};
    (void)state;
    build_gzip(&part);
    for (int i = 0; i < 40; i++)
        bytes_add(&file, part.at, part.size);
    assert_refused(&file, "more than 512 MiB when it is unpacked");
    bytes_free(&part);
    bytes_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_volume_is_read),
        cmocka_unit_test(places),
        cmocka_unit_test(damaged),
        cmocka_unit_test(damaged_gzip),
        cmocka_unit_test(gzip_bomb),
    };
    const int failed = cmocka_run_group_tests_name("volume", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
