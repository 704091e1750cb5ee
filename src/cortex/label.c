// SPDX-License-Identifier: MIT
// A label of the vertices becomes an image.
#include "vkgrid/cortex/flatten.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/nearest.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

// The name of an entry, or a number.
static bool find_key(const struct vertex_labels *labels, const char *path, const char *text,
                     int *key)
{
    char *end;
    for (int i = 0; i < labels->entry_count; i++) {
        if (strcmp(labels->entries[i].name, text) == 0) {
            *key = labels->entries[i].key;
            return true;
        }
    }
    errno = 0;
    const long number = strtol(text, &end, 10);
    if (end > text && !*end && !errno && number >= INT_MIN && number <= INT_MAX) {
        *key = (int)number;
        return true;
    }
    const char **names = mem_zalloc((size_t)labels->entry_count + 1, sizeof(*names));
    for (int i = 0; i < labels->entry_count; i++)
        names[i] = labels->entries[i].name;
    const char *meant = nearest_name(text, names);
    error_set("%s: has no label \"%s\"%s%s%s", path, text,
              meant                     ? ": did you mean \""
              : labels->entry_count > 0 ? ""
                                        : ": it has no names, a number is needed",
              meant ? meant : "", meant ? "\"?" : "");
    free(names);
    return false;
}

// A .label file lists vertices and does not say how many there are.
static bool is_list(const char *path)
{
    const char *end = strrchr(path, '.');
    return end && strcmp(end, ".label") == 0;
}

// mask: a byte per vertex of the hemisphere, 0 before.
static bool read_mask(const struct flat_subject *flat, const struct flat_source *source, int side,
                      const char *path, uint8_t *mask)
{
    struct vertex_labels labels = {0};
    const int expected = flat->hemispheres[side].vertex_count;
    int key = 0;
    CHECK(vertex_labels_read(path, &labels));
    if (labels.count != expected && !(is_list(path) && labels.count < expected))
        FAIL(
            "%s: has labels of %d vertices, but %s.white has %d: all files of a hemisphere must "
            "have the same",
            path, labels.count, hemisphere_names[side], expected);
    if (source->key)
        CHECK(find_key(&labels, path, source->key, &key));
    for (int i = 0; i < labels.count; i++)
        mask[i] = source->key ? labels.keys[i] == key : labels.keys[i] > 0;
    vertex_labels_free(&labels);
    return true;
error:
    vertex_labels_free(&labels);
    return false;
}

bool flat_label_read(struct flat_subject *flat, const struct flat_source *source,
                     uint8_t *masks[HEMISPHERES])
{
    bool good = true;
    masks[LEFT] = masks[RIGHT] = NULL;
    for (int side = LEFT; side < HEMISPHERES && good; side++) {
        char *path = NULL;
        masks[side] = mem_zalloc((size_t)flat->hemispheres[side].vertex_count, 1);
        good = subject_path(&flat->subject, source->pattern, side, &path) &&
               read_mask(flat, source, side, path, masks[side]);
        free(path);
    }
    for (int side = LEFT; side < HEMISPHERES && !good; side++) {
        free(masks[side]);
        masks[side] = NULL;
    }
    return good;
}
