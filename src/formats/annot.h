// SPDX-License-Identifier: MIT
// FreeSurfer's annotations and labels.
#pragma once

#include "vkgrid/formats/surface.h"

#include <stddef.h>
#include <stdint.h>

// Of the bytes of an .annot and of a .label file. What they leave in *labels when they fail is
// freed by the caller.
bool annot_read_bytes(const uint8_t *bytes, size_t size, struct vertex_labels *labels);
bool label_read_bytes(const uint8_t *bytes, size_t size, struct vertex_labels *labels);
