// SPDX-License-Identifier: MIT
// The text of a GIFTI file's <Data> as numbers.
#pragma once

#include "formats/gifti.h"

enum gifti_encoding { GIFTI_ASCII, GIFTI_BASE64, GIFTI_GZIP_BASE64 };

// Fills array->data. text: NUL-terminated; it is overwritten.
bool gifti_decode(char *text, size_t size, enum gifti_encoding encoding, bool big_endian,
                  struct gifti_array *array);
