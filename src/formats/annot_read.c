// SPDX-License-Identifier: MIT
// Format: FreeSurfer's "Annotation". Big-endian int32: the number of vertices, then for each its
// number and a value, R + 256 G + 65536 B, which says the entry of a table that follows.
#include "formats/annot.h"

#include "formats/bytes.h"
#include "formats/label_entries.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

enum { MOST_ENTRIES = 100000, LEAST_ENTRY = 20 }; // bytes of an entry without a name

struct cursor {
    const uint8_t *at, *end;
};

static bool next_int(struct cursor *cursor, int32_t *value)
{
    if (cursor->end - cursor->at < 4)
        return error_set("truncated in its table of labels");
    *value = (int32_t)load_be32(cursor->at);
    cursor->at += 4;
    return true;
}

// A length and so many bytes, the last of them NULs.
static bool next_text(struct cursor *cursor, const char **text, size_t *size)
{
    int32_t length = 0;
    if (!next_int(cursor, &length))
        return false;
    if (length < 0 || length > cursor->end - cursor->at)
        return error_set("a text of %d bytes in its table of labels: truncated or damaged", length);
    *text = (const char *)cursor->at;
    *size = strnlen(*text, (size_t)length);
    cursor->at += length;
    return true;
}

// Name, red, green, blue, 255 - alpha.
static bool next_entry(struct cursor *cursor, struct label_entry *entry)
{
    const char *name = NULL;
    size_t size = 0;
    if (!next_text(cursor, &name, &size) || !label_entry_name(entry, name, size))
        return false;
    for (int i = 0; i < 4; i++) {
        int32_t part = 0;
        if (!next_int(cursor, &part))
            return false;
        if (part < 0 || part > 255)
            return error_set("label %d has a colour of %d: 0 to 255 are allowed", entry->key, part);
        entry->color[i] = (uint8_t)(i == 3 ? 255 - part : part);
    }
    return true;
}

// Version 1: the number of entries, the name of the table's file, entries. Version 2: -2, the
// largest key + 1, the name, the number of entries, entries that begin with their key.
static bool read_table(struct cursor *cursor, struct vertex_labels *labels)
{
    int32_t first = 0, entries, room = 0;
    const char *origin = NULL;
    size_t size = 0;
    if (!next_int(cursor, &first))
        return false;
    if (first <= 0 && first != -2)
        return error_set("a table of labels of version %lld: 1 and 2 are read", -(long long)first);
    const bool numbered = first == -2;
    entries = first;
    if ((numbered && !next_int(cursor, &room)) || !next_text(cursor, &origin, &size) ||
        (numbered && !next_int(cursor, &entries)))
        return false;
    if (entries < 0 || entries > MOST_ENTRIES || entries > (cursor->end - cursor->at) / LEAST_ENTRY)
        return error_set("%d labels: truncated, or more than %d", entries, MOST_ENTRIES);
    labels->entries = mem_zalloc((size_t)entries + 1, sizeof(labels->entries[0]));
    for (; labels->entry_count < entries; labels->entry_count++) {
        struct label_entry *entry = &labels->entries[labels->entry_count];
        entry->key = labels->entry_count;
        if (numbered && !next_int(cursor, &entry->key))
            return false;
        if (entry->key < 0 || (numbered && entry->key >= room))
            return error_set("label %d in a table of labels 0 to %d", entry->key, room - 1);
        if (!next_entry(cursor, entry))
            return false;
    }
    return label_entries_check(labels->entries, labels->entry_count);
}

struct colored {
    uint32_t value;
    int key;
};

static int by_value(const void *left, const void *right)
{
    const struct colored *a = left, *b = right;
    return a->value != b->value ? (a->value > b->value) - (a->value < b->value)
                                : (a->key > b->key) - (a->key < b->key);
}

// The key of the entry of that colour, or -1; 0 is no label, whatever the table says.
static int find_key(const struct colored *table, int count, uint32_t value)
{
    int low = 0, high = count;
    if (value == 0)
        return -1;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (table[middle].value < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && table[low].value == value ? table[low].key : -1;
}

// Values become keys: of two entries of one colour, the first's.
static void fill_keys(struct vertex_labels *labels)
{
    const int count = labels->entry_count;
    struct colored *table = mem_zalloc((size_t)count + 1, sizeof(table[0])), last = {0, -1};
    for (int i = 0; i < count; i++) {
        const uint8_t *color = labels->entries[i].color;
        table[i].value = (uint32_t)color[0] | (uint32_t)color[1] << 8 | (uint32_t)color[2] << 16;
        table[i].key = labels->entries[i].key;
    }
    qsort(table, (size_t)count, sizeof(table[0]), by_value);
    for (int i = 0; i < labels->count; i++) {
        const uint32_t value = (uint32_t)labels->keys[i];
        if (value != last.value) { // neighbours have mostly the same
            last.value = value;
            last.key = find_key(table, count, value);
        }
        labels->keys[i] = last.key;
    }
    free(table);
}

// The pairs may be in any order; a vertex that is missing has no label.
static bool read_pairs(const uint8_t *bytes, struct vertex_labels *labels)
{
    labels->keys = mem_zalloc((size_t)labels->count, sizeof(int32_t));
    for (int i = 0; i < labels->count; i++) {
        const uint8_t *pair = bytes + 8 * (size_t)i;
        const int32_t vertex = (int32_t)load_be32(pair);
        if (vertex < 0 || vertex >= labels->count)
            return error_set("vertex %d, but it has %d vertices: damaged, or no .annot file",
                             vertex, labels->count);
        labels->keys[vertex] = (int32_t)load_be32(pair + 4);
    }
    return true;
}

bool annot_read_bytes(const uint8_t *bytes, size_t size, struct vertex_labels *labels)
{
    const uint32_t count = load_be32(bytes);
    int32_t has_table = 0;
    if (count < 1 || count > SURFACE_VERTICES)
        return error_set("%u vertices: 1 to %d are allowed", count, SURFACE_VERTICES);
    if (size - 4 < 8 * (size_t)count)
        return error_set("truncated, or no .annot file: %zu bytes, but its %u vertices need %zu",
                         size, count, 4 + 8 * (size_t)count);
    labels->count = (int)count;
    if (!read_pairs(bytes + 4, labels))
        return false;
    struct cursor cursor = {bytes + 4 + 8 * (size_t)count, bytes + size};
    if (cursor.at == cursor.end)
        return error_set("it has no table of labels");
    if (!next_int(&cursor, &has_table))
        return false;
    if (has_table != 1)
        return error_set("it has no table of labels");
    if (!read_table(&cursor, labels))
        return false;
    fill_keys(labels);
    return true;
}
