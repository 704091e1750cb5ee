// SPDX-License-Identifier: MIT
// Format: FreeSurfer's "MGH/MGZ volume format".
#include "formats/mgh.h"

#include "formats/bytes.h"
#include "formats/unpack.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { AT_DIMS = 4, AT_TYPE = 20, AT_DOF = 24, AT_FLAG = 28, AT_GEOMETRY = 30 };

static const struct {
    enum element element;
    uint32_t code;
} types[] = {{ELEMENT_U8, 0}, {ELEMENT_I32, 1}, {ELEMENT_F32, 3}, {ELEMENT_I16, 4}};

void mgh_default_geometry(struct volume *volume)
{
    static const float directions[3][3] = {{-1, 0, 0}, {0, 0, -1}, {0, 1, 0}};
    volume->has_geometry = false;
    memcpy(volume->directions, directions, sizeof(directions));
    for (int i = 0; i < 3; i++) {
        volume->voxel_size[i] = 1;
        volume->center[i] = 0;
    }
}

static float load_be_float(const uint8_t *at)
{
    const uint32_t bits = load_be32(at);
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

// Voxel sizes, directions, centre: fifteen numbers.
static bool read_geometry(const uint8_t *bytes, struct volume *volume)
{
    const uint8_t *at = bytes + AT_GEOMETRY;
    volume->has_geometry = bytes[AT_FLAG] != 0 || bytes[AT_FLAG + 1] != 0;
    if (!volume->has_geometry) {
        mgh_default_geometry(volume);
        return true;
    }
    bool good = true;
    for (int i = 0; i < 15; i++) {
        const float value = load_be_float(at + 4 * i);
        good = good && isfinite(value) && (i >= 3 || value > 0);
        *(i < 3    ? &volume->voxel_size[i]
          : i < 12 ? &volume->directions[i / 3 - 1][i % 3]
                   : &volume->center[i - 12]) = value;
    }
    return good || error_set("its voxel sizes, directions or centre are not numbers of a place");
}

static bool read_type(uint32_t code, enum element *element)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].code == code) {
            *element = types[i].element;
            return true;
        }
    return error_set("data type %u: uint8 (0), int32 (1), float32 (3) and int16 (4) are read",
                     code);
}

bool mgh_open(uint8_t *bytes, size_t size, struct mgh *mgh)
{
    int64_t dims[4];
    *mgh = (struct mgh){0};
    if (size < MGH_HEADER)
        return error_set("truncated in its header of %d bytes", MGH_HEADER);
    if (load_be32(bytes) != 1)
        return error_set("not an .mgh file of version 1");
    for (int i = 0; i < 4; i++)
        dims[i] = (int32_t)load_be32(bytes + AT_DIMS + 4 * i);
    if (dims[0] < 1 || dims[1] < 1 || dims[2] < 1 || dims[3] < 1 ||
        !element_count(4, dims, &mgh->count))
        return error_set("%lld x %lld x %lld values in %lld frames: 1 to %zu values are allowed",
                         (long long)dims[0], (long long)dims[1], (long long)dims[2],
                         (long long)dims[3], ELEMENT_LIMIT);
    for (int i = 0; i < 3; i++)
        mgh->volume.dims[i] = (int)dims[i];
    mgh->frames = (int)dims[3];
    if (!read_type(load_be32(bytes + AT_TYPE), &mgh->element) ||
        !read_geometry(bytes, &mgh->volume))
        return false;
    const size_t step = element_size(mgh->element), have = size - MGH_HEADER;
    if (have < mgh->count * step)
        return error_set("truncated: %zu bytes of data, but its dimensions and type need %zu", have,
                         mgh->count * step);
    swap_elements(bytes + MGH_HEADER, mgh->count, step);
    mgh->data = bytes + MGH_HEADER;
    return true;
}

static void store_be_float(uint8_t *at, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    store_be32(at, bits);
}

static void write_header(uint8_t *bytes, const struct volume *volume, int frames,
                         enum element element)
{
    memset(bytes, 0, MGH_HEADER);
    store_be32(bytes, 1);
    for (int i = 0; i < 3; i++)
        store_be32(bytes + AT_DIMS + 4 * i, (uint32_t)volume->dims[i]);
    store_be32(bytes + AT_DIMS + 12, (uint32_t)frames);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].element == element)
            store_be32(bytes + AT_TYPE, types[i].code);
    bytes[AT_FLAG + 1] = volume->has_geometry;
    for (int i = 0; i < 15; i++)
        store_be_float(bytes + AT_GEOMETRY + 4 * i, i < 3    ? volume->voxel_size[i]
                                                    : i < 12 ? volume->directions[i / 3 - 1][i % 3]
                                                             : volume->center[i - 12]);
}

bool mgh_write(const char *path, const struct volume *volume, int frames, enum element element,
               const void *data)
{
    const size_t step = element_size(element), length = strlen(path),
                 count = (size_t)volume->dims[0] * (size_t)volume->dims[1] *
                         (size_t)volume->dims[2] * (size_t)frames;
    const size_t size = MGH_HEADER + count * step;
    if (count > ELEMENT_LIMIT)
        return error_set("%s: %zu values: at most %zu are written", path, count, ELEMENT_LIMIT);
    uint8_t *bytes = mem_alloc(size);
    write_header(bytes, volume, frames, element);
    memcpy(bytes + MGH_HEADER, data, count * step);
    swap_elements(bytes + MGH_HEADER, count, step);
    const bool plain = length >= 4 && strcmp(path + length - 4, ".mgh") == 0;
    const bool written = plain ? file_write(path, bytes, size) : pack_file(path, bytes, size);
    free(bytes);
    return written;
}
