// SPDX-License-Identifier: MIT
// FreeSurfer's MGH format: big-endian, a header of 284 bytes, data, and tags that are not read.
#pragma once

#include "formats/elements.h"
#include "vkgrid/formats/volume.h"

enum { MGH_HEADER = 284 };

struct mgh {
    struct volume volume; // without values
    int frames;
    enum element element;
    size_t count;        // of elements, of all frames
    const uint8_t *data; // little-endian elements in the file's bytes
};

// Turns the bytes of the data to little-endian in place.
bool mgh_open(uint8_t *bytes, size_t size, struct mgh *mgh);

// Header and data. element: ELEMENT_U8, ELEMENT_I32 or ELEMENT_F32; data: little-endian, in host
// memory as those types. Packed unless the path ends in ".mgh".
bool mgh_write(const char *path, const struct volume *volume, int frames, enum element element,
               const void *data);

void mgh_default_geometry(struct volume *volume);
