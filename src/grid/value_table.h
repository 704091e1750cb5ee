// SPDX-License-Identifier: MIT
// JSON values, found again by what they are: numbers by their value, all others by their text.
#pragma once

struct cJSON;

struct value_entry {
    char *text; // NULL: a number
    double number;
    int index; // in the order in which they were added
};
struct value_table {
    struct value_entry *entries;
    int count;
};

// Then value_table_sort(), before the first is looked for.
void value_table_add(struct value_table *table, const struct cJSON *value, int index);
void value_table_sort(struct value_table *table);

// Place of the first of equal entries, by their indices, which follow each other; -1: there is
// none.
int value_table_find(const struct value_table *table, const struct cJSON *value);
void value_table_free(struct value_table *table); // leaves an empty one
