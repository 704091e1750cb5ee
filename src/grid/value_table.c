// SPDX-License-Identifier: MIT
#include "grid/value_table.h"

#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static struct value_entry entry_of(const cJSON *value, int index)
{
    return cJSON_IsNumber(value)
               ? (struct value_entry){.number = value->valuedouble, .index = index}
               : (struct value_entry){.text = json_print_line(value), .index = index};
}

static int compare_values(const struct value_entry *a, const struct value_entry *b)
{
    if (a->text && b->text)
        return strcmp(a->text, b->text);
    if (a->text || b->text)
        return a->text ? 1 : -1;
    return (a->number > b->number) - (a->number < b->number);
}

static int compare_entries(const void *left, const void *right)
{
    const struct value_entry *a = left, *b = right;
    const int order = compare_values(a, b);
    return order ? order : (a->index > b->index) - (a->index < b->index);
}

void value_table_add(struct value_table *table, const struct cJSON *value, int index)
{
    table->entries = mem_grow(table->entries, (size_t)table->count + 1, sizeof(*table->entries));
    table->entries[table->count++] = entry_of(value, index);
}

void value_table_sort(struct value_table *table)
{
    if (table->count > 0)
        qsort(table->entries, (size_t)table->count, sizeof(*table->entries), compare_entries);
}

int value_table_find(const struct value_table *table, const struct cJSON *value)
{
    const struct value_entry wanted = entry_of(value, -1);
    int low = 0, high = table->count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (compare_values(&table->entries[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    const bool found = low < table->count && compare_values(&table->entries[low], &wanted) == 0;
    free(wanted.text);
    return found ? low : -1;
}

void value_table_free(struct value_table *table)
{
    for (int i = 0; i < table->count; i++)
        free(table->entries[i].text);
    free(table->entries);
    *table = (struct value_table){0};
}
