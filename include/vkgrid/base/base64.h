// SPDX-License-Identifier: MIT
// Bytes as text (RFC 4648, with padding, without line ends).
#pragma once

#include <stddef.h>

// A new string. The caller frees it.
char *base64(const void *bytes, size_t size);
