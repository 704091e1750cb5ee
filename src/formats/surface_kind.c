// SPDX-License-Identifier: MIT
#include "formats/surface_kind.h"

#include "formats/bytes.h"
#include "vkgrid/formats/surface.h"

enum { NIFTI1_HEADER = 348, NIFTI2_HEADER = 540 };

enum surface_kind surface_kind(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return KIND_EMPTY;
    if (size < 4)
        return KIND_OTHER;
    if (memcmp(bytes, "\xff\xff\xfe", 3) == 0)
        return KIND_TRIANGLES;
    if (memcmp(bytes, "\xff\xff\xff", 3) == 0)
        return KIND_CURV;
    if (memcmp(bytes, "\xff\xff\xfd", 3) == 0)
        return KIND_QUADS;
    if (bytes[0] == '#')
        return KIND_LABEL;
    const size_t mark = memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; // UTF-8's
    if (bytes[mark] == '<')
        return KIND_GIFTI;
    const uint32_t first = load_be32(bytes), reversed = load_u32(bytes);
    if (first == 1)
        return KIND_MGH;
    if (reversed == NIFTI1_HEADER || reversed == NIFTI2_HEADER)
        return KIND_NIFTI;
    return first <= SURFACE_VERTICES ? KIND_ANNOT : KIND_OTHER;
}

const char *surface_kind_name(enum surface_kind kind)
{
    static const char *const names[] = {
        [KIND_TRIANGLES] = "a surface",
        [KIND_CURV] = "a file of values (curv)",
        [KIND_MGH] = "an .mgh file",
        [KIND_ANNOT] = "an .annot file or none that is known",
        [KIND_LABEL] = "a .label file",
        [KIND_GIFTI] = "an XML file",
        [KIND_QUADS] = "an old surface of quadrangles (mris_convert makes triangles)",
        [KIND_NIFTI] = "a NIfTI or CIFTI file (wb_command -cifti-separate makes GIFTI)",
        [KIND_EMPTY] = "an empty file",
        [KIND_OTHER] = "none that is known",
    };
    return names[kind];
}
