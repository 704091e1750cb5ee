// SPDX-License-Identifier: MIT
#include "formats/annot.h"
#include "formats/gifti.h"
#include "formats/surface_kind.h"
#include "formats/unpack.h"
#include "formats/vertex_array.h"
#include "vkgrid/base/error.h"

#include <stdlib.h>

static bool read_gifti(const uint8_t *bytes, size_t size, struct vertex_labels *labels)
{
    struct gifti gifti;
    struct vertex_array array;
    const bool read = gifti_open(bytes, size, &gifti) && gifti_vertex_array(&gifti, &array) &&
                      vertex_array_keys(&array, labels);
    if (read) {
        labels->entries = gifti.entries;
        labels->entry_count = gifti.entry_count;
        gifti.entries = NULL;
    }
    gifti_close(&gifti);
    return read;
}

static bool read_bytes(uint8_t *bytes, size_t size, struct vertex_labels *labels)
{
    struct vertex_array array;
    const enum surface_kind kind = surface_kind(bytes, size);
    switch (kind) {
    case KIND_ANNOT:
        return annot_read_bytes(bytes, size, labels);
    case KIND_LABEL:
        return label_read_bytes(bytes, size, labels);
    case KIND_GIFTI:
        return read_gifti(bytes, size, labels);
    case KIND_CURV:
        return vertex_array_of_curv(bytes, size, &array) && vertex_array_keys(&array, labels);
    case KIND_MGH:
        return vertex_array_of_mgh(bytes, size, &array) && vertex_array_keys(&array, labels);
    default:
        return error_set("%s: labels are read of .annot, .label, .mgh, .mgz and GIFTI files",
                         surface_kind_name(kind));
    }
}

bool vertex_labels_read(const char *path, struct vertex_labels *labels)
{
    uint8_t *bytes;
    size_t size;
    *labels = (struct vertex_labels){0};
    if (!unpack_file(path, &bytes, &size))
        return false;
    const bool read = read_bytes(bytes, size, labels);
    free(bytes);
    if (read)
        return true;
    vertex_labels_free(labels);
    return error_prefix("%s", path);
}

void vertex_labels_free(struct vertex_labels *labels)
{
    free(labels->keys);
    free(labels->entries);
    *labels = (struct vertex_labels){0};
}
