// SPDX-License-Identifier: MIT
// The element types that array files hold, and their conversion to float and int64_t.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum element {
    ELEMENT_F64,
    ELEMENT_F32,
    ELEMENT_F16,
    ELEMENT_BF16,
    ELEMENT_I64,
    ELEMENT_I32,
    ELEMENT_I16,
    ELEMENT_I8,
    ELEMENT_U32,
    ELEMENT_U16,
    ELEMENT_U8,
    ELEMENT_BOOL,
};

size_t element_size(enum element element); // bytes
bool element_is_float(enum element element);

// One little-endian element at any alignment. Conversion to float rounds to nearest.
float element_to_float(enum element element, const uint8_t *at);
// Not for the floating-point types.
int64_t element_to_int(enum element element, const uint8_t *at);

// Whether an element of any type is a whole number of 32 bits, which *key becomes.
bool element_to_key(enum element element, const uint8_t *at, int32_t *key);

// The number of elements of an array, or false without a message: a negative dimension, or more
// than ELEMENT_LIMIT.
bool element_count(int rank, const int64_t *dims, size_t *count);
