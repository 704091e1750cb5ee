// SPDX-License-Identifier: MIT
// Files of surfaces and of what belongs to their vertices, told by their first bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum surface_kind {
    KIND_TRIANGLES, // FreeSurfer's surfaces
    KIND_CURV,      // "new curv"
    KIND_MGH,
    KIND_ANNOT,
    KIND_LABEL,
    KIND_GIFTI, // or other XML
    KIND_QUADS, // not read
    KIND_NIFTI, // not read
    KIND_EMPTY, // no byte
    KIND_OTHER,
};

enum surface_kind surface_kind(const uint8_t *bytes, size_t size);
const char *surface_kind_name(enum surface_kind kind); // "an .annot file"
