// SPDX-License-Identifier: MIT
// XXH3 (Collet; 64 bits, through libxxhash): tells damage and difference, not malice.
#pragma once

#include <stddef.h>
#include <stdint.h>

// `seed` is the hash of what came before, 0 at first.
uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed);
uint64_t hash_text(const char *text, uint64_t seed); // with its NUL, so that texts in a row differ

// 16 hexadecimal digits.
#define HASH_TEXT 17
const char *hash_print(uint64_t hash, char text[static HASH_TEXT]);
