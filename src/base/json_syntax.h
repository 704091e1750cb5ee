// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stddef.h>

// Checks that the text is one JSON value by RFC 8259, at most JSON_DEPTH levels deep. cJSON itself
// takes much that is not.
bool json_check_syntax(const char *text, size_t size, const char *where);
