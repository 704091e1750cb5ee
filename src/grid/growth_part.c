// SPDX-License-Identifier: MIT
#include "grid/growth_part.h"

#include "grid/meaning.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/cell_compare.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

const struct axis *grid_axis(const struct grid *grid, const char *key)
{
    for (int i = 0; i < grid->axis_count; i++)
        if (strcmp(grid->axes[i].key, key) == 0)
            return &grid->axes[i];
    return NULL;
}

static bool one_for_all(const struct grid *grid, const char *key)
{
    const struct axis *axis = grid_axis(grid, key);
    return !axis || (axis->list && axis->count == 1);
}

// More runs or epochs for all are more of the same cells; as values of an axis they tell cells
// apart.
static bool is_amount(const struct grid *now, const struct grid *old, const char *key)
{
    return (strcmp(key, "until") == 0 || strcmp(key, "num_epochs") == 0) && one_for_all(now, key) &&
           one_for_all(old, key);
}

static void add_value(struct growth_part *part, const cJSON *value, int index)
{
    cJSON *means = value_meaning(part->key, value);
    value_table_add(&part->table, means, index);
    cJSON_Delete(means);
}

// Place in the table of the first of equal values; -1: it is none of them.
int growth_part_find(const struct growth_part *part, const cJSON *value)
{
    if (part->any)
        return 0;
    if (!value)
        return -1;
    if (part->axis && !part->axis->list)
        return cJSON_IsNumber(value) && value->valuedouble >= part->axis->low &&
                       value->valuedouble <= part->axis->high
                   ? 0
                   : -1;
    if (cJSON_IsNumber(value) && strcmp(part->key, "image_size") != 0)
        return value_table_find(&part->table, value);
    cJSON *means = value_meaning(part->key, value);
    const int found = value_table_find(&part->table, means);
    cJSON_Delete(means);
    return found;
}

// The cell with that value of a key (NULL: as the grid has it), and the first of all other axes.
static bool cell_with(const struct grid *grid, const char *key, const cJSON *value,
                      struct cell *cell)
{
    cJSON *values = grid_first_values(grid);
    if (value) {
        cJSON_DeleteItemFromObjectCaseSensitive(values, key);
        cJSON_AddItemToObject(values, key, cJSON_Duplicate(value, true));
    }
    const bool made = grid_cell_of(grid, 0, values, cell);
    cJSON_Delete(values);
    return made;
}

// The value of the axis that means what the old grid has without it.
static bool find_before(struct growth_part *part, const struct grid *now, const struct grid *old,
                        const struct cell *old_cell)
{
    const cJSON *given = json_member(json_member(old->json, "static"), part->key), *value;
    if (!given)
        given = json_member(old_cell->options, part->key);
    part->before = cJSON_Duplicate(given, true);
    if (!part->axis->list || (given && growth_part_find(part, given) >= 0))
        return true;
    cJSON_ArrayForEach(value, part->axis->list)
    {
        struct cell cell;
        if (!cell_with(now, part->key, value, &cell))
            return false;
        const bool same = cell_same_key(&cell, old_cell, part->key);
        cell_free(&cell);
        if (same) {
            cJSON_Delete(part->before);
            part->before = cJSON_Duplicate(value, true);
            break;
        }
    }
    return true;
}

// Of a cell outside the grid its own amount tells it apart.
bool growth_part_other(const struct growth_part *part, const cJSON *value)
{
    return part->any && value && part->amount && !cJSON_Compare(value, part->amount, true);
}

static bool read_amount(struct growth_part *part, const struct grid *old)
{
    struct cell cell;
    if (!part->any)
        return true;
    if (!cell_with(old, "", NULL, &cell))
        return false;
    part->amount = cJSON_Duplicate(json_member(cell.options, part->key), true);
    cell_free(&cell);
    return true;
}

bool growth_part_axis(struct growth_part *part, const struct grid *now, const struct grid *old,
                      int axis, const struct cell *old_cell)
{
    const cJSON *value;
    int i = 0;
    part->axis = &now->axes[axis];
    part->key = text_copy(part->axis->key);
    part->any = is_amount(now, old, part->key);
    part->seen = mem_zalloc((size_t)part->axis->count + 1, sizeof(*part->seen));
    cJSON_ArrayForEach(value, part->axis->list) add_value(part, value, i++);
    value_table_sort(&part->table);
    return read_amount(part, old) &&
           (grid_axis(old, part->key) || find_before(part, now, old, old_cell));
}

// The values that the old grid's cells have of the key and that mean what the grid has now.
bool growth_part_key(struct growth_part *part, const struct grid *now, const struct grid *old,
                     const char *key)
{
    part->key = text_copy(key);
    part->any = is_amount(now, old, key);
    const struct axis *before = grid_axis(old, part->key);
    const cJSON *given = json_member(json_member(now->json, "static"), part->key), *value;
    struct cell cell_now;
    if (given)
        add_value(part, given, 0);
    if (!read_amount(part, old) || !cell_with(now, "", NULL, &cell_now))
        return false;
    if (json_member(cell_now.options, part->key))
        add_value(part, json_member(cell_now.options, part->key), 0);
    bool read = true;
    const cJSON *list = before ? before->list : NULL;
    cJSON_ArrayForEach(value, list)
    {
        struct cell cell;
        read = read && cell_with(old, part->key, value, &cell);
        if (!read)
            break;
        if (cell_same_key(&cell_now, &cell, part->key))
            add_value(part, value, 0);
        cell_free(&cell);
    }
    cell_free(&cell_now);
    value_table_sort(&part->table);
    return read;
}

// The next of equal entries, or -1.
int growth_part_next(const struct growth_part *part, int entry)
{
    const struct value_entry *one = &part->table.entries[entry], *other = one + 1;
    return entry + 1 < part->table.count && one->number == other->number &&
                   (one->text ? other->text && strcmp(one->text, other->text) == 0 : !other->text)
               ? entry + 1
               : -1;
}

void growth_part_free(struct growth_part *part)
{
    value_table_free(&part->table);
    cJSON_Delete(part->before);
    cJSON_Delete(part->amount);
    free(part->seen);
    free(part->key);
}
