// SPDX-License-Identifier: MIT
// GIFTI 1.0: XML with arrays of numbers and a table of labels.
#pragma once

#include "formats/elements.h"
#include "formats/vertex_array.h"

enum gifti_intent { GIFTI_POINTSET, GIFTI_TRIANGLE, GIFTI_OTHER };

struct gifti_array {
    enum gifti_intent intent;
    enum element element; // of `data`: float64 or int64 where the file has text
    int rank;
    int64_t dims[6];
    size_t count;
    bool column_major;
    uint8_t *data; // little-endian
};

struct gifti {
    struct gifti_array *arrays;
    int count;
    size_t room;
    struct label_entry *entries;
    int entry_count;
    size_t entry_room;
};

// gifti_close() ends it, also when it fails.
bool gifti_open(const uint8_t *bytes, size_t size, struct gifti *gifti);
void gifti_close(struct gifti *gifti); // leaves an empty one

// The one array that is neither points nor triangles.
bool gifti_vertex_array(const struct gifti *gifti, struct vertex_array *array);
