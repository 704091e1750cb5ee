// SPDX-License-Identifier: MIT
#include "formats/gifti.h"
#include "formats/surface_kind.h"
#include "formats/unpack.h"
#include "formats/vertex_array.h"
#include "vkgrid/base/error.h"

#include <stdlib.h>

static bool read_bytes(uint8_t *bytes, size_t size, struct vertex_values *values)
{
    struct vertex_array array;
    struct gifti gifti = {0};
    bool opened;
    const enum surface_kind kind = surface_kind(bytes, size);
    if (kind == KIND_CURV)
        opened = vertex_array_of_curv(bytes, size, &array);
    else if (kind == KIND_MGH)
        opened = vertex_array_of_mgh(bytes, size, &array);
    else if (kind == KIND_GIFTI)
        opened = gifti_open(bytes, size, &gifti) && gifti_vertex_array(&gifti, &array);
    else
        return error_set("%s: values are read of curv, .mgh, .mgz and GIFTI files",
                         surface_kind_name(kind));
    if (opened)
        vertex_array_values(&array, values);
    gifti_close(&gifti);
    return opened;
}

bool vertex_values_read(const char *path, struct vertex_values *values)
{
    uint8_t *bytes;
    size_t size;
    *values = (struct vertex_values){0};
    if (!unpack_file(path, &bytes, &size))
        return false;
    const bool read = read_bytes(bytes, size, values);
    free(bytes);
    return read || error_prefix("%s", path);
}

void vertex_values_free(struct vertex_values *values)
{
    free(values->values);
    *values = (struct vertex_values){0};
}
