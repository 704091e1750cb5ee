// SPDX-License-Identifier: MIT
// Tables of labels.
#pragma once

#include "vkgrid/formats/surface.h"

// A name without control characters, of at most sizeof(entry->name) - 1 bytes of UTF-8.
bool label_entry_name(struct label_entry *entry, const char *name, size_t size);

// Fails when two entries have the same key.
bool label_entries_check(const struct label_entry *entries, int count);
