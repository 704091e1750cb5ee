// SPDX-License-Identifier: MIT
#include "vkgrid/base/hash.h"

#define XXH_INLINE_ALL // no library to link, and the compiler's own vector instructions
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, size, seed);
}

uint64_t hash_text(const char *text, uint64_t seed)
{
    return hash_bytes(text, strlen(text) + 1, seed);
}

const char *hash_print(uint64_t hash, char text[static HASH_TEXT])
{
    snprintf(text, HASH_TEXT, "%016" PRIx64, hash);
    return text;
}
