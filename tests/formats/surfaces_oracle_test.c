// SPDX-License-Identifier: MIT
// What vkgrid reads of surfaces, and of values and labels of their vertices, is what nibabel reads:
// of real files and of files made for each way that the formats have. Files that vkgrid writes are
// judged by nibabel and connectome-workbench. Real files lie in the folder in the environment's
// VKGRID_SHARED, else beside the source tree.
#include "tests/formats/oracle.h"
#include "tests/formats/scratch.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/image.h"
#include "vkgrid/formats/surface.h"
#include "vkgrid/formats/volume.h"

#include <limits.h>
#include <stdlib.h>

static const char script[] = "surfaces_oracle.py";

// Whole numbers below 2^24 as floats.
static void dump_keys(int number, const char *part, int rank, const int *dims, const int32_t *keys)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    float *values = mem_alloc(count * sizeof(float));
    for (size_t i = 0; i < count; i++)
        values[i] = (float)keys[i];
    must(npy_write(scratch_path("%d.%s.npy", number, part), rank, dims, values));
    free(values);
}

static void dump_surface(int number, const char *path)
{
    struct surface surface;
    must(surface_read(path, &surface));
    const int points[] = {surface.vertex_count, 3}, faces[] = {surface.face_count, 3};
    must(npy_write(scratch_path("%d.points.npy", number), 2, points, surface.points[0]));
    dump_keys(number, "faces", 2, faces, surface.faces[0]);
    surface_free(&surface);
}

static void dump_values(int number, const char *path)
{
    struct vertex_values values;
    must(vertex_values_read(path, &values));
    must(npy_write(scratch_path("%d.values.npy", number), 1, &values.count, values.values));
    vertex_values_free(&values);
}

static void dump_labels(int number, const char *path)
{
    struct vertex_labels labels;
    struct text lines = {0};
    must(vertex_labels_read(path, &labels));
    dump_keys(number, "keys", 1, &labels.count, labels.keys);
    for (int i = 0; i < labels.entry_count; i++) {
        const struct label_entry *entry = &labels.entries[i];
        text_add(&lines, "%d\t%s\t%d\t%d\t%d\t%d\n", entry->key, entry->name, entry->color[0],
                 entry->color[1], entry->color[2], entry->color[3]);
    }
    must(file_write(scratch_path("%d.entries", number), lines.bytes, lines.size));
    free(lines.bytes);
    vertex_labels_free(&labels);
}

static void dump_volume(int number, const char *path)
{
    struct volume volume;
    double matrices[2][3][4];
    float dumped[24];
    must(volume_read(path, &volume));
    const int dims[] = {volume.dims[2], volume.dims[1], volume.dims[0]};
    dump_keys(number, "values", 3, dims, volume.values);
    volume_surface_matrix(&volume, matrices[0]);
    volume_scanner_matrix(&volume, matrices[1]);
    for (int i = 0; i < 24; i++)
        dumped[i] = (float)matrices[i / 12][i / 4 % 3][i % 4];
    must(npy_write(scratch_path("%d.matrices.npy", number), 3, (const int[]){2, 3, 4}, dumped));
    volume_free(&volume);
}

static void reads_as_nibabel(void **state)
{
    static const struct {
        const char *kind;
        void (*dump)(int number, const char *path);
    } kinds[] = {{"surface ", dump_surface},
                 {"values ", dump_values},
                 {"labels ", dump_labels},
                 {"volume ", dump_volume}};
    void *list;
    size_t size;
    int number = 0;
    (void)state;
    must(file_read(scratch_path("list"), 1 << 20, &list, &size));
    for (char *line = strtok(list, "\n"); line; line = strtok(NULL, "\n"), number++)
        for (int i = 0; i < 4; i++)
            if (strncmp(line, kinds[i].kind, strlen(kinds[i].kind)) == 0)
                kinds[i].dump(number, line + strlen(kinds[i].kind));
    free(list);
    assert_true(oracle_run_script(script, "read", scratch_path("."), ""));
}

static void writes_for_others(void **state)
{
    static struct label_entry entries[] = {{3, "prim\xc3\xa4r", {1, 2, 3, 0}},
                                           {1, "V1", {255, 0, 0, 255}},
                                           {2, "V2 <&>", {0, 255, 0, 128}}};
    static const int32_t kinds[] = {0, 1, 2, 3, -1, 4};
    float values[70];
    int32_t keys[35];
    struct vertex_labels labels = {35, keys, entries, 3};
    struct volume volume;
    (void)state;
    for (int i = 0; i < 35; i++) {
        keys[i] = kinds[i * 7 % 32 % 6];
        values[i] = values[69 - i] = (float)(i * 7 % 32 - 16) / 3.0f;
    }
    must(mgz_write_values(scratch_path("values.mgz"), 35, 2, values));
    must(mgz_write_labels(scratch_path("labels.mgz"), 35, keys));
    must(mgz_write_labels(scratch_path("labels.mgh"), 35, keys));
    must(annot_write(scratch_path("labels.annot"), &labels));
    // In the order of their keys, as a table is read.
    const struct label_entry third = entries[0];
    memmove(entries, entries + 1, 2 * sizeof(third));
    entries[2] = third;
    must(gifti_write_labels(scratch_path("left.label.gii"), &labels, true));
    must(gifti_write_labels(scratch_path("right.label.gii.gz"), &labels, false));
    must(volume_read(scratch_path("u1.volume.mgz"), &volume));
    must(volume_write(scratch_path("small.volume.mgz"), &volume, true));
    must(volume_write(scratch_path("volume.mgz"), &volume, false));
    volume_free(&volume);
    assert_true(oracle_run_script(script, "written", scratch_path("."), ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_nibabel),
        cmocka_unit_test(writes_for_others),
    };
    const char *shared = getenv("VKGRID_SHARED"), *source = getenv("VKGRID_SOURCE");
    if (!oracle_run_script(script, "probe", "", "")) {
        printf("skipped: no judge without nibabel\n");
        return SKIPPED;
    }
    char *data = shared ? text_format("%s/data", shared)
                        : text_format("%s/../shared/data", source ? source : ".");
    if (!folder_exists(data))
        printf("skipped: no real files in %s\n", data);
    int failed = 1;
    if (oracle_run_script(script, "make", scratch_path("."), data))
        failed = cmocka_run_group_tests_name("surfaces against nibabel", tests, NULL, NULL);
    scratch_remove();
    free(data);
    return failed;
}
