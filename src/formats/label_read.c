// SPDX-License-Identifier: MIT
// Format: FreeSurfer's "Label": a line of text, the number of vertices, then a line for each,
// "vertex x y z value".
#include "formats/annot.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST_LINE = 2 }; // bytes: a digit and a line feed

// A whole number at the beginning of a line; *at moves behind it.
static bool leading_number(const char **at, long long *number)
{
    char *end;
    *number = strtoll(*at, &end, 10);
    const bool good = end != *at && strchr(" \t\r\n", *end); // strchr finds the final NUL, too
    *at = end;
    return good;
}

// bytes end with a NUL.
bool label_read_bytes(const uint8_t *bytes, size_t size, struct vertex_labels *labels)
{
    const char *at = (const char *)bytes, *end = at + size;
    long long count, vertex;
    if (strlen(at) != size)
        return error_set("bytes that are no text: damaged, or no .label file");
    at = strchr(at, '\n');
    if (!at || !leading_number(&at, &count))
        return error_set(
            "its second line is not a number of vertices: truncated, or no .label "
            "file");
    if (count < 1 || count > SURFACE_VERTICES || count > (end - at) / LEAST_LINE + 1)
        return error_set("%lld vertices: truncated, or not 1 to %d", count, SURFACE_VERTICES);
    int32_t *list = mem_alloc((size_t)count * sizeof(int32_t)), largest = 0;
    for (int i = 0; i < count; i++) {
        at = strchr(at, '\n');
        if (!at || !leading_number(&at, &vertex))
            FAIL("%d of its %lld vertices are there: truncated or damaged", i, count);
        if (vertex < 0 || vertex >= SURFACE_VERTICES)
            FAIL("vertex %lld: 0 to %d are allowed", vertex, SURFACE_VERTICES - 1);
        list[i] = (int32_t)vertex;
        largest = list[i] > largest ? list[i] : largest;
    }
    labels->count = largest + 1;
    labels->keys = mem_zalloc((size_t)labels->count, sizeof(int32_t));
    for (int i = 0; i < count; i++)
        labels->keys[list[i]] = 1;
    free(list);
    return true;
error:
    free(list);
    return false;
}
