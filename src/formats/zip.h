// SPDX-License-Identifier: MIT
// The part of the zip format that torch.save writes: stored (not compressed) members, with or
// without zip64. Source: PKWARE APPNOTE.TXT, sections 4.3 and 4.5.3. Everything points into the
// caller's bytes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zip_member {
    const char *name; // name_size bytes, no NUL
    size_t name_size;
    const uint8_t *bytes;
    size_t size;
};

struct zip {
    struct zip_member *members; // sorted by name
    size_t count;
};

// Reads the directory and checks every member's CRC-32. Errors do not name the file.
bool zip_open(const uint8_t *bytes, size_t size, struct zip *zip);
void zip_close(struct zip *zip); // leaves an empty zip

// The member of that name, or NULL without a message.
const struct zip_member *zip_find(const struct zip *zip, const char *name);
