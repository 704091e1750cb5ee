// SPDX-License-Identifier: MIT
// Which tensors of a program are made of 16-bit numbers, and moving those to the host and back.
#pragma once

#include "vkgrid/graph.h"

// [tensor]: whether it is bfloat16 in a program of this precision: every activation but samples'
// targets and logits. The caller frees the list.
bool *reals_find(const struct graph *graph, enum precision precision);

// The count of such a tensor in words of 4 bytes, which is what memory is planned in.
void reals_count_words(struct graph *graph, const bool *is_real);

// bfloat16: rounded to nearest even.
void reals_from_floats(const float *from, size_t count, uint16_t *to);
void reals_to_floats(const uint16_t *from, size_t count, float *to);
