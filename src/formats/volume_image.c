// SPDX-License-Identifier: MIT
// Two-dimensional images in files of volumes: FreeSurfer's .mgh and .mgz, and NIfTI (one file, of
// version 1 or 2), packed or not. Rows are the first axis, i, and columns the second, as nibabel
// gives the array. Format of NIfTI: its headers nifti1.h and nifti2.h.
#include "vkgrid/formats/image.h"

#include "formats/axes.h"
#include "formats/bytes.h"
#include "formats/mgh.h"
#include "formats/surface_kind.h"
#include "formats/unpack.h"
#include "vkgrid/base/error.h"

#include <math.h>
#include <stdlib.h>

enum { NIFTI1 = 348, NIFTI2 = 540 };

struct nifti {
    struct axes axes;
    enum element element;
    uint64_t offset; // of the data
    double slope, intercept;
};

static double load_double(const uint8_t *at)
{
    const uint64_t bits = load_u64(at);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static bool find_element(unsigned code, enum element *element)
{
    static const struct {
        unsigned code;
        enum element element;
    } types[] = {{2, ELEMENT_U8},    {4, ELEMENT_I16},   {8, ELEMENT_I32},
                 {16, ELEMENT_F32},  {64, ELEMENT_F64},  {256, ELEMENT_I8},
                 {512, ELEMENT_U16}, {768, ELEMENT_U32}, {1024, ELEMENT_I64}};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (types[i].code == code) {
            *element = types[i].element;
            return true;
        }
    return error_set(
        "NIfTI data type %u: whole numbers of 8 to 64 bits and fractions of 32 and 64 are "
        "read",
        code);
}

static bool read_nifti1(const uint8_t *bytes, struct nifti *nifti)
{
    nifti->axes.rank = (int16_t)load_u16(bytes + 40);
    for (int i = 0; i < 7; i++)
        nifti->axes.dims[i] = (int16_t)load_u16(bytes + 42 + 2 * i);
    const float offset = element_to_float(ELEMENT_F32, bytes + 108);
    nifti->offset = offset >= NIFTI1 && offset < 0x1p40f ? (uint64_t)offset : 0;
    nifti->slope = (double)element_to_float(ELEMENT_F32, bytes + 112);
    nifti->intercept = (double)element_to_float(ELEMENT_F32, bytes + 116);
    return memcmp(bytes + 344, "n+1", 4) == 0 ||
           error_set("a NIfTI header whose data are elsewhere");
}

static bool read_nifti2(const uint8_t *bytes, struct nifti *nifti)
{
    const int64_t rank = (int64_t)load_u64(bytes + 16);
    nifti->axes.rank = rank > 0 && rank < 8 ? (int)rank : 0;
    for (int i = 0; i < 7; i++)
        nifti->axes.dims[i] = (int64_t)load_u64(bytes + 24 + 8 * i);
    nifti->offset = load_u64(bytes + 168);
    nifti->slope = load_double(bytes + 176);
    nifti->intercept = load_double(bytes + 184);
    return memcmp(bytes + 4, "n+2", 4) == 0 || error_set("a NIfTI header whose data are elsewhere");
}

static bool open_nifti(const uint8_t *bytes, size_t size, struct nifti *nifti)
{
    const bool second = load_u32(bytes) == NIFTI2;
    size_t count;
    if (size < (second ? NIFTI2 : NIFTI1))
        return error_set("truncated in its header");
    if (!(second ? read_nifti2(bytes, nifti) : read_nifti1(bytes, nifti)) ||
        !find_element(load_u16(bytes + (second ? 12 : 70)), &nifti->element))
        return false;
    if (nifti->axes.rank < 1 || nifti->axes.rank > 7 ||
        !element_count(nifti->axes.rank, nifti->axes.dims, &count) || count == 0)
        return error_set("its dimensions are none: 1 to %zu values are allowed", ELEMENT_LIMIT);
    if (nifti->offset < (second ? NIFTI2 : NIFTI1) || nifti->offset > size ||
        size - nifti->offset < count * element_size(nifti->element))
        return error_set("truncated: its dimensions and type need %zu bytes of data",
                         count * element_size(nifti->element));
    axes_dense(&nifti->axes, true);
    return true;
}

// A slope of 0 means that nothing is scaled. Scaled values have no type's range any more.
static void scale(const struct nifti *nifti, struct image *image)
{
    const double slope = nifti->slope, intercept = nifti->intercept;
    const size_t count = (size_t)image->rows * (size_t)image->cols * (size_t)image->channels;
    if (slope == 0 || !isfinite(slope) || !isfinite(intercept) || (slope == 1 && intercept == 0))
        return;
    image->range = 1;
    for (size_t i = 0; i < count; i++)
        image->values[i] = (float)((double)image->values[i] * slope + intercept);
}

static bool take_nifti(const uint8_t *bytes, size_t size, struct image *image)
{
    struct nifti nifti = {0};
    if (!open_nifti(bytes, size, &nifti) ||
        !axes_image(&nifti.axes, nifti.element, bytes + nifti.offset, image))
        return false;
    scale(&nifti, image);
    return true;
}

static bool take_mgh(uint8_t *bytes, size_t size, struct image *image)
{
    struct mgh mgh;
    if (!mgh_open(bytes, size, &mgh))
        return false;
    struct axes axes = {
        .rank = 4,
        .dims = {mgh.volume.dims[0], mgh.volume.dims[1], mgh.volume.dims[2], mgh.frames}};
    axes_dense(&axes, true);
    return axes_image(&axes, mgh.element, mgh.data, image);
}

static bool read_bytes(uint8_t *bytes, size_t size, struct image *image)
{
    const enum surface_kind kind = surface_kind(bytes, size);
    if (kind == KIND_MGH)
        return take_mgh(bytes, size, image);
    if (kind == KIND_NIFTI)
        return take_nifti(bytes, size, image);
    return error_set("neither .mgz nor NIfTI (little-endian)");
}

bool image_read_volume(const char *path, struct image *image)
{
    uint8_t *bytes;
    size_t size;
    *image = (struct image){0};
    if (!unpack_file(path, &bytes, &size))
        return false;
    const bool read = read_bytes(bytes, size, image);
    free(bytes);
    return read || error_prefix("%s", path);
}
