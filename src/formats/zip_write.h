// SPDX-License-Identifier: MIT
// A zip file of stored members as torch.save writes it: no dates, so that equal contents give equal
// bytes. Source: PKWARE APPNOTE.TXT, section 4.3.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct zip_part {
    const char *name;
    const void *bytes;
    size_t size;
};

// The bytes of each part begin at a multiple of `align` (a power of two, at most 4096). Refuses
// what needs zip64: 4 GiB, or 65535 parts. Written atomically.
bool zip_write(const char *path, const struct zip_part *parts, size_t count, size_t align);
