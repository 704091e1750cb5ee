// SPDX-License-Identifier: MIT
// One number per vertex inside of a file's bytes, before it is known what they are wanted for.
#pragma once

#include "formats/elements.h"
#include "vkgrid/formats/surface.h"

struct vertex_array {
    enum element element;
    size_t count;        // 1 to SURFACE_VERTICES
    const uint8_t *data; // little-endian elements
};

// From the bytes of "new curv" and of MGH, whose data is turned to little-endian in place.
bool vertex_array_of_curv(uint8_t *bytes, size_t size, struct vertex_array *array);
bool vertex_array_of_mgh(uint8_t *bytes, size_t size, struct vertex_array *array);

void vertex_array_values(const struct vertex_array *array, struct vertex_values *values);
// Fails when a value is no whole number of 32 bits.
bool vertex_array_keys(const struct vertex_array *array, struct vertex_labels *labels);
