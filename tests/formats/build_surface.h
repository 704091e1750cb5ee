// SPDX-License-Identifier: MIT
// Files of surfaces and of what belongs to vertices, made byte by byte.
#pragma once

#include "tests/formats/build.h"

#include <stdbool.h>

void bytes_big(struct bytes *bytes, uint32_t number);                   // big-endian
void bytes_floats(struct bytes *bytes, int count, const float *values); // big-endian

// A triangle file of a tetrahedron.
void build_tetrahedron(struct bytes *file);
// "new curv".
void build_curv(struct bytes *file, int count, const float *values);
// A header for one frame of width x 1 x 1, and data as it is.
void build_mgh(struct bytes *file, int width, int type, const void *data, size_t size);
// .annot of 4 vertices with the values of entries 1, 2, no, 1, and a table of that version (1, 2)
// with the entries "unknown" (black), "V1" (255 0 0) and "V2" (0 1 2).
void build_annot(struct bytes *file, int version);
// An array of GIFTI: attributes but Dimensionality, and the text of its data.
struct gifti_text {
    const char *intent, *type, *encoding, *endian, *order, *dims, *data;
};
// labels: the text of the label table's elements.
void build_gifti(struct bytes *file, const char *labels, const struct gifti_text *arrays,
                 int count);
// The bytes as base64, of zlib when `zipped`. The caller frees it.
char *build_base64(const void *data, size_t size, bool zipped);
// Packs the file in place, as gzip does.
void build_gzip(struct bytes *file);
