// SPDX-License-Identifier: MIT
// Format: FreeSurfer's "Annotation", with a table of version 2 (annot_read.c).
#include "vkgrid/formats/surface.h"

#include "formats/bytes.h"
#include "formats/label_entries.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

enum { MOST_KEY = 9999 };

struct output {
    uint8_t *bytes;
    size_t size, room;
};

static void put_int(struct output *output, uint32_t value)
{
    output->bytes = mem_reserve(output->bytes, &output->room, output->size + 4, 1);
    store_be32(output->bytes + output->size, value);
    output->size += 4;
}

// A length, the text and its NUL.
static void put_text(struct output *output, const char *text)
{
    const size_t size = strlen(text) + 1;
    put_int(output, (uint32_t)size);
    output->bytes = mem_reserve(output->bytes, &output->room, output->size + size, 1);
    memcpy(output->bytes + output->size, text, size);
    output->size += size;
}

static uint32_t value_of(const struct label_entry *entry)
{
    return (uint32_t)entry->color[0] | (uint32_t)entry->color[1] << 8 |
           (uint32_t)entry->color[2] << 16;
}

static void put_entry(struct output *output, int key, const struct label_entry *entry)
{
    put_int(output, (uint32_t)key);
    put_text(output, entry->name);
    for (int i = 0; i < 4; i++)
        put_int(output, i == 3 ? 255u - entry->color[i] : entry->color[i]);
}

// What FreeSurfer calls vertices without a label, in its colour.
static const struct label_entry unknown = {.name = "unknown", .color = {25, 5, 25, 255}};

static int by_value(const void *left, const void *right)
{
    const struct label_entry *const *a = left, *const *b = right;
    return (value_of(*a) > value_of(*b)) - (value_of(*a) < value_of(*b));
}

// The entries by key, with NULL where there is none but of 0, which is added; fails when a value
// would not tell its entry.
static bool sort_entries(const struct vertex_labels *labels, const struct label_entry **by_key)
{
    const struct label_entry **by_color =
        mem_zalloc((size_t)labels->entry_count + 1, sizeof(*by_color));
    bool good = label_entries_check(labels->entries, labels->entry_count);
    int count = 0;
    for (int i = 0; i < labels->entry_count && good; i++) {
        const struct label_entry *entry = &labels->entries[i];
        good = (entry->key >= 0 && entry->key <= MOST_KEY) ||
               error_set("label %d: .annot files have 0 to %d", entry->key, MOST_KEY);
        good = good && (entry->key == 0 || value_of(entry) != 0 ||
                        error_set("label %d (%s) is black, which means no label in .annot files",
                                  entry->key, entry->name));
        if (good)
            by_key[entry->key] = by_color[count++] = entry;
    }
    if (!by_key[0])
        by_key[0] = by_color[count++] = &unknown;
    qsort(by_color, (size_t)count, sizeof(*by_color), by_value);
    for (int i = 1; i < count && good; i++)
        good = value_of(by_color[i - 1]) != value_of(by_color[i]) ||
               error_set(
                   "labels %d and %d have the same colour, which alone tells them apart in "
                   ".annot files",
                   by_color[i - 1]->key, by_color[i]->key);
    free(by_color);
    return good;
}

static void put_pairs(struct output *output, const struct vertex_labels *labels,
                      const struct label_entry *const *by_key)
{
    // Where entry 0 is a label like any other, only the value 0 is none.
    const uint32_t none = by_key[0] == &unknown ? value_of(&unknown) : 0;
    put_int(output, (uint32_t)labels->count);
    output->bytes =
        mem_reserve(output->bytes, &output->room, output->size + 8 * (size_t)labels->count, 1);
    for (int i = 0; i < labels->count; i++) {
        const int32_t key = labels->keys[i];
        const struct label_entry *entry = key >= 0 && key <= MOST_KEY ? by_key[key] : NULL;
        put_int(output, (uint32_t)i);
        put_int(output, entry ? value_of(entry) : none);
    }
}

static void put_table(struct output *output, const struct label_entry *const *by_key)
{
    int room = 1, count = 0;
    for (int key = 0; key <= MOST_KEY; key++)
        if (by_key[key]) {
            room = key + 1;
            count++;
        }
    put_int(output, 1); // there is a table
    put_int(output, (uint32_t)-2);
    put_int(output, (uint32_t)room);
    put_text(output, "vkgrid");
    put_int(output, (uint32_t)count);
    for (int key = 0; key < room; key++)
        if (by_key[key])
            put_entry(output, key, by_key[key]);
}

bool annot_write(const char *path, const struct vertex_labels *labels)
{
    struct output output = {0};
    const struct label_entry **by_key = mem_zalloc(MOST_KEY + 1, sizeof(*by_key));
    bool written = sort_entries(labels, by_key) || error_prefix("%s", path);
    if (written) {
        put_pairs(&output, labels, by_key);
        put_table(&output, by_key);
        written = file_write(path, output.bytes, output.size);
    }
    free(output.bytes);
    free(by_key);
    return written;
}
