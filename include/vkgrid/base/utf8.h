// SPDX-License-Identifier: MIT
// Texts from elsewhere as UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above
// U+10FFFF.
#pragma once

// Bytes of the character at `text`, which ends with a NUL; 0 when what stands there is no UTF-8.
int utf8_length(const char *text);

// A copy in which U+FFFD stands for every byte that belongs to no character. The caller frees it.
char *utf8_copy(const char *text);
