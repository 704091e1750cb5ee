// SPDX-License-Identifier: MIT
// Surfaces and what belongs to their vertices: the format is told by the content, so every file
// goes through all of their readers, gzip-compressed too.
#include "tests/fuzz/fuzz.h"
#include "vkgrid/formats/surface.h"

#include <stdlib.h>
#include <string.h>

static void read_surface(const char *path)
{
    struct surface surface;
    if (!fuzz_judge(surface_read(path, &surface), path))
        return;
    fuzz_use(surface.points, (size_t)surface.vertex_count * sizeof(*surface.points));
    for (int i = 0; i < surface.face_count; i++)
        for (int k = 0; k < 3; k++)
            if (surface.faces[i][k] < 0 || surface.faces[i][k] >= surface.vertex_count)
                abort();
    surface_free(&surface);
}

static void read_values(const char *path)
{
    struct vertex_values values;
    if (!fuzz_judge(vertex_values_read(path, &values), path))
        return;
    fuzz_use(values.values, (size_t)values.count * sizeof(*values.values));
    vertex_values_free(&values);
}

static void read_labels(const char *path)
{
    struct vertex_labels labels;
    if (!fuzz_judge(vertex_labels_read(path, &labels), path))
        return;
    fuzz_use(labels.keys, (size_t)labels.count * sizeof(*labels.keys));
    for (int i = 0; i < labels.entry_count; i++)
        fuzz_use(labels.entries[i].name, strlen(labels.entries[i].name));
    vertex_labels_free(&labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(FUZZ_FILE, bytes, size);
    read_surface(path);
    read_values(path);
    read_labels(path);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    return fuzz_mutate_packed(bytes, size, most, seed);
}
