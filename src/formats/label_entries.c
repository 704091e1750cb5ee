// SPDX-License-Identifier: MIT
#include "formats/label_entries.h"

#include "formats/bytes.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/utf8.h"

#include <stdlib.h>

bool label_entry_name(struct label_entry *entry, const char *name, size_t size)
{
    if (size >= sizeof(entry->name))
        return error_set("label %d has a name of %zu bytes: at most %zu are allowed", entry->key,
                         size, sizeof(entry->name) - 1);
    memset(entry->name, 0, sizeof(entry->name));
    memcpy(entry->name, name, size);
    bool good = is_printable((const uint8_t *)name, size);
    for (const char *at = entry->name; good && *at; at += utf8_length(at))
        good = utf8_length(at) > 0;
    return good || error_set("label %d has a name with bytes that are no text", entry->key);
}

static int by_value(const void *left, const void *right)
{
    const int a = *(const int *)left, b = *(const int *)right;
    return (a > b) - (a < b);
}

bool label_entries_check(const struct label_entry *entries, int count)
{
    if (count == 0)
        return true;
    int *keys = mem_alloc((size_t)count * sizeof(int)), twice = -1;
    for (int i = 0; i < count; i++)
        keys[i] = entries[i].key;
    qsort(keys, (size_t)count, sizeof(int), by_value);
    for (int i = 1; i < count && twice < 0; i++)
        twice = keys[i] == keys[i - 1] ? i : -1;
    const int key = twice < 0 ? 0 : keys[twice];
    free(keys);
    return twice < 0 || error_set("its table has label %d twice", key);
}
