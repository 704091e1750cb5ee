// SPDX-License-Identifier: MIT
#include "merge/match.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/store/grow.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static void start_part(struct matches *matches, int part)
{
    matches->parts = part + 1;
    matches->maps = mem_grow(matches->maps, (size_t)part + 1, sizeof(*matches->maps));
    matches->counts = mem_grow(matches->counts, (size_t)part + 1, sizeof(*matches->counts));
    matches->maps[part] = NULL;
    matches->counts[part] = 0;
}

void matches_plain(struct matches *matches, int parts, int count)
{
    *matches = (struct matches){.count = count};
    for (int part = 0; part < parts; part++) {
        start_part(matches, part);
        matches->counts[part] = count;
        matches->maps[part] = mem_alloc(((size_t)count + 1) * sizeof(int));
        for (int i = 0; i < count; i++)
            matches->maps[part][i] = i;
    }
}

void matches_free(struct matches *matches)
{
    for (int i = 0; matches->cells && i < matches->count; i++) {
        free(matches->cells[i].values);
        free(matches->cells[i].options);
    }
    for (int i = 0; i < matches->parts; i++)
        free(matches->maps[i]);
    free(matches->cells);
    free(matches->maps);
    free(matches->counts);
    *matches = (struct matches){0};
}

// --- The axes -----------------------------------------------------------------------------------

struct keys {
    char **names;
    int count;
    const char *where;
};

static bool parse_values(const struct store_cell *cell, const char *where, cJSON **values)
{
    *values = NULL;
    return json_parse(cell->options, strlen(cell->options), where, values) &&
           json_expect_object(*values, where);
}

static bool add_keys(void *context, const struct store_cell *cell)
{
    struct keys *keys = context;
    cJSON *values;
    const cJSON *item;
    const bool parsed = parse_values(cell, keys->where, &values);
    for (item = parsed ? values->child : NULL; item; item = item->next) {
        bool known = false;
        for (int i = 0; i < keys->count; i++)
            known = known || strcmp(keys->names[i], item->string) == 0;
        if (known)
            continue;
        keys->names = mem_grow(keys->names, (size_t)keys->count + 2, sizeof(*keys->names));
        keys->names[keys->count++] = text_copy(item->string);
        keys->names[keys->count] = NULL;
    }
    cJSON_Delete(values);
    return parsed;
}

bool matches_add_keys(struct store *store, const char *where, char ***names)
{
    struct keys keys = {.names = *names, .where = where};
    while (keys.names && keys.names[keys.count])
        keys.count++;
    const bool added = store_cells(store, add_keys, &keys);
    *names = keys.names;
    return added;
}

// --- Finding ------------------------------------------------------------------------------------

struct entry {
    const char *values;
    int number;
};

struct adding {
    struct matches *matches;
    const struct grid *grid;
    const char *const *keys;
    const char *where;
    struct entry *entries; // of the parts before, by their values
    int entry_count, part;
    bool apart, *begun; // [cell of the part]
    int begun_count;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *one = a, *other = b;
    const int order = strcmp(one->values, other->values);
    return order ? order : (one->number > other->number) - (one->number < other->number);
}

// Of all axes, with what the part has of those that are none of its own.
static void write_values(const struct cell *cell, const char *const *keys,
                         struct matched_cell *matched)
{
    cJSON *options = cJSON_CreateObject();
    struct text values = {0};
    for (; *keys; keys++) {
        const cJSON *value = json_member(cell->options, *keys);
        cJSON *means = strcmp(*keys, "partition") == 0 ? partition_of_training(value)
                                                       : cJSON_Duplicate(value, true);
        char *line = means ? json_print_line(means) : text_copy("");
        text_add(&values, "%s\n", line);
        if (value)
            cJSON_AddItemToObject(options, *keys, cJSON_Duplicate(value, true));
        free(line);
        cJSON_Delete(means);
    }
    matched->values = values.bytes ? values.bytes : text_copy("");
    matched->options = json_print_line(options);
    cJSON_Delete(options);
}

// The first of the entries with those values; NULL: there is none.
static const struct entry *find_values(const struct adding *adding, const char *values)
{
    int low = 0, high = adding->entry_count;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (strcmp(adding->entries[middle].values, values) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    const struct entry *entry = &adding->entries[low];
    return low < adding->entry_count && strcmp(entry->values, values) == 0 ? entry : NULL;
}

// The number that the cell gets, or -1 where another one stands for it.
static int place(struct adding *adding, const struct matched_cell *cell)
{
    const struct entry *first = find_values(adding, cell->values),
                       *end = adding->entries + adding->entry_count;
    struct matched_cell *cells = adding->matches->cells;
    for (const struct entry *entry = first; entry && entry < end; entry++) {
        if (strcmp(entry->values, cell->values) != 0)
            break;
        if (cells[entry->number].stream == cell->stream)
            return entry->number;
    }
    if (!first || adding->apart)
        return adding->matches->count;
    if (!cell->begun)
        return -1;
    for (const struct entry *entry = first; entry < end; entry++) {
        struct matched_cell *other = &cells[entry->number];
        if (strcmp(entry->values, cell->values) != 0)
            break;
        if (other->begun)
            continue;
        other->stream = cell->stream; // of which nothing was drawn yet
        other->begun = true;
        return entry->number;
    }
    return adding->matches->count;
}

static bool add_cell(void *context, const struct store_cell *row)
{
    struct adding *adding = context;
    struct matches *matches = adding->matches;
    int *count = &matches->counts[adding->part];
    struct matched_cell matched = {.outside = row->outside,
                                   .stream = row->stream < 0 ? row->cell : row->stream,
                                   .part = adding->part,
                                   .cell = row->cell};
    struct cell cell;
    cJSON *values = NULL;
    if (row->cell != *count)
        return error_set("%s: has a cell %d, where cell %d was to come", adding->where, row->cell,
                         *count);
    const bool good = parse_values(row, adding->where, &values) &&
                      grid_cell_of(adding->grid, row->cell, values, &cell);
    cJSON_Delete(values);
    if (!good)
        return false;
    matched.begun = row->cell < adding->begun_count && adding->begun[row->cell];
    write_values(&cell, adding->keys, &matched);
    cell_free(&cell);
    const int number = place(adding, &matched);
    matches->maps[adding->part] =
        mem_grow(matches->maps[adding->part], (size_t)*count + 1, sizeof(int));
    matches->maps[adding->part][(*count)++] = number;
    if (number < matches->count) {
        free(matched.values);
        free(matched.options);
        if (number >= 0)
            matches->cells[number].begun |= matched.begun;
        return true;
    }
    matches->cells = mem_reserve(matches->cells, &matches->room, (size_t)matches->count + 1,
                                 sizeof(*matches->cells));
    matches->cells[matches->count++] = matched;
    return true;
}

static bool note_begun(void *context, const struct store_length *run)
{
    struct adding *adding = context;
    if (run->cell < 0 || run->cell >= GRID_CELLS)
        return true;
    if (run->cell >= adding->begun_count) {
        adding->begun = mem_grow(adding->begun, (size_t)run->cell + 1, sizeof(bool));
        while (adding->begun_count <= run->cell)
            adding->begun[adding->begun_count++] = false;
    }
    adding->begun[run->cell] = true;
    return true;
}

bool matches_add(struct matches *matches, int part, const struct grid *grid, struct store *store,
                 const char *const *keys, bool apart, const char *where)
{
    struct adding adding = {.matches = matches,
                            .grid = grid,
                            .keys = keys,
                            .where = where,
                            .part = part,
                            .apart = apart,
                            .entry_count = matches->count};
    start_part(matches, part);
    adding.entries = mem_alloc(((size_t)matches->count + 1) * sizeof(*adding.entries));
    for (int i = 0; i < matches->count; i++)
        adding.entries[i] = (struct entry){matches->cells[i].values, i};
    qsort(adding.entries, (size_t)matches->count, sizeof(*adding.entries), compare_entries);
    const bool added =
        store_lengths(store, note_begun, &adding) && store_cells(store, add_cell, &adding);
    free(adding.entries);
    free(adding.begun);
    return added;
}
