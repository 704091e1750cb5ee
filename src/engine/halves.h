// SPDX-License-Identifier: MIT
// Which tensors of a program are made of 16-bit numbers, and moving those to the host and back.
#pragma once

#include "vkgrid/graph/graph.h"

// [tensor]: whether it is made of 16-bit numbers in a program of this precision: every activation
// but samples' targets and logits. The caller frees the list.
bool *halves_find(const struct graph *graph, enum precision precision);

// Rounded to nearest even.
void halves_from_floats(enum half half, const float *from, size_t count, uint16_t *to);
void halves_to_floats(enum half half, const uint16_t *from, size_t count, float *to);
