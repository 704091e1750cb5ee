// SPDX-License-Identifier: MIT
#include "vkgrid/grid/growth.h"

#include "grid/growth_part.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/grid/axis.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

struct growth {
    struct grid *grid, *old;
    struct growth_part *axes;  // [axis of the grid]
    struct growth_part **gone; // of keys that are no axes
    int gone_count;
    bool *taken; // [combination]
    int combinations;
    int *places, *streams;
    bool *outside;
    cJSON **values; // of those outside
    size_t room;
    struct growth_result result;
};

// --- Its keys -----------------------------------------------------------------------------------

static bool read_axes(struct growth *growth)
{
    struct cell old;
    cJSON *first = grid_first_values(growth->old);
    const bool made = grid_cell_of(growth->old, 0, first, &old);
    cJSON_Delete(first);
    if (!made)
        return false;
    bool read = true;
    growth->axes = mem_zalloc((size_t)growth->grid->axis_count + 1, sizeof(*growth->axes));
    for (int i = 0; read && i < growth->grid->axis_count; i++)
        read = growth_part_axis(&growth->axes[i], growth->grid, growth->old, i, &old);
    cell_free(&old);
    return read;
}

static bool find_gone(struct growth *growth, const char *key, struct growth_part **part)
{
    for (int i = 0; i < growth->gone_count; i++) {
        *part = growth->gone[i];
        if (strcmp((*part)->key, key) == 0)
            return true;
    }
    *part = mem_zalloc(1, sizeof(**part));
    growth->gone =
        mem_grow(growth->gone, (size_t)growth->gone_count + 1, sizeof(struct growth_part *));
    growth->gone[growth->gone_count++] = *part;
    return growth_part_key(*part, growth->grid, growth->old, key);
}

static bool check_value(struct growth *growth, const cJSON *value, bool outside, bool *inside)
{
    struct growth_part *part;
    if (!find_gone(growth, value->string, &part))
        return false;
    const bool met =
        growth_part_find(part, value) >= 0 && !(outside && growth_part_other(part, value));
    part->met |= met;
    *inside &= met;
    return true;
}

// Whether the cell has of every such key what the grid has for all.
static bool check_gone(struct growth *growth, const cJSON *values, bool outside, bool *inside)
{
    const cJSON *value;
    cJSON_ArrayForEach(value, values)
    {
        if (!grid_axis(growth->grid, value->string) && !check_value(growth, value, outside, inside))
            return false;
    }
    return true;
}

// --- Where a cell is ----------------------------------------------------------------------------

static int combination(const struct growth *growth, const int *entries)
{
    int place = 0, radix = 1;
    for (int i = 0; i < growth->grid->axis_count; i++) {
        const struct growth_part *part = &growth->axes[i];
        place += radix * (part->any ? 0 : part->table.entries[entries[i]].index);
        radix *= part->axis->count;
    }
    return place;
}

// Where an axis has a value twice, cells have the same values: each takes the first that is free.
static int free_combination(const struct growth *growth, int *entries)
{
    for (;;) {
        const int place = combination(growth, entries);
        int axis = 0;
        if (!growth->taken[place])
            return place;
        for (; axis < growth->grid->axis_count; axis++) {
            const struct growth_part *part = &growth->axes[axis];
            const int next = part->any ? -1 : growth_part_next(part, entries[axis]);
            if (next >= 0) {
                entries[axis] = next;
                break;
            }
            while (!part->any && entries[axis] > 0 &&
                   growth_part_next(part, entries[axis] - 1) == entries[axis])
                entries[axis]--;
        }
        if (axis == growth->grid->axis_count)
            return -1;
    }
}

static const cJSON *value_of(const struct growth_part *part, const cJSON *values)
{
    const cJSON *value = json_member(values, part->key);
    return value ? value : part->before;
}

// Finds the values of a cell on the axes. entries: [axis] places in the tables.
static bool find_entries(struct growth *growth, const cJSON *values, bool outside, int *entries)
{
    bool inside = true;
    for (int i = 0; i < growth->grid->axis_count; i++) {
        struct growth_part *part = &growth->axes[i];
        entries[i] = growth_part_find(part, value_of(part, values));
        part->met |= entries[i] >= 0;
        inside &= entries[i] >= 0 &&
                  !(outside && growth_part_other(part, json_member(values, part->key)));
    }
    return inside;
}

// --- Whether it is the same cell ----------------------------------------------------------------

// Whether the cell has a value of which none was compared yet.
static bool is_news(const struct growth *growth, const int *entries)
{
    bool news = growth->result.inside == 0;
    for (int i = 0; i < growth->grid->axis_count; i++) {
        const struct growth_part *part = &growth->axes[i];
        const int index = part->table.count ? part->table.entries[entries[i]].index : 0;
        news |= !part->seen[index];
        part->seen[index] = true;
    }
    return news;
}

// Whether the cell has the old grid's value of a key that is another one now.
static bool has_left(const struct growth *growth, const cJSON *values)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, growth->result.left)
    {
        if (!json_member(values, item->string))
            return true;
    }
    return false;
}

static bool compare(struct growth *growth, int number, const cJSON *values, const cJSON *now_values)
{
    struct cell now, before;
    if (!grid_cell_of(growth->grid, number, now_values, &now))
        return false;
    const bool made = grid_cell_of(growth->old, number, values, &before);
    if (made)
        cell_compare(&now, &before, &growth->result.changes);
    if (made && growth->grid->sampler == SAMPLER_CELL && now.stream != before.stream)
        cell_add_difference(&growth->result.changes.others, "cell",
                            json_member(now.options, "cell"), json_member(before.options, "cell"));
    cell_free(&before);
    cell_free(&now);
    return made;
}

// --- Beginning ----------------------------------------------------------------------------------

static cJSON *hyper_of(const struct grid *grid)
{
    return json_member(grid->json, "hyper");
}

// Each cell of a random search is drawn by the order of the axes: that of the study stays.
static void order_axes(struct growth *growth)
{
    struct grid *grid = growth->grid;
    const cJSON *theirs;
    cJSON *mine = hyper_of(grid), *ordered = cJSON_CreateObject();
    cJSON_ArrayForEach(theirs, hyper_of(growth->old))
    {
        const cJSON *value = json_member(mine, theirs->string);
        if (!value || !cJSON_Compare(value, theirs, true))
            cell_add_difference(&growth->result.changes.others, theirs->string, value, theirs);
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, mine)
    {
        if (!json_member(hyper_of(growth->old), item->string))
            cell_add_difference(&growth->result.changes.others, item->string, item, NULL);
    }
    if (growth->result.changes.others.bytes) {
        cJSON_Delete(ordered);
        return;
    }
    struct axis *axes = mem_zalloc((size_t)grid->axis_count + 1, sizeof(*axes));
    int count = 0;
    cJSON_ArrayForEach(theirs, hyper_of(growth->old))
    {
        axes[count++] = *grid_axis(grid, theirs->string);
    }
    memcpy(grid->axes, axes, sizeof(*axes) * (size_t)count);
    free(axes);
    for (int i = 0; i < count; i++)
        cJSON_AddItemToObject(ordered, grid->axes[i].key,
                              cJSON_DetachItemFromObjectCaseSensitive(mine, grid->axes[i].key));
    for (int i = 0; i < count; i++) // names move with their items
        grid->axes[i].key = cJSON_GetArrayItem(ordered, i)->string;
    cJSON_ReplaceItemInObjectCaseSensitive(grid->json, "hyper", ordered);
}

// As the file alone has it.
static void forget_numbers(struct grid *grid)
{
    for (int i = 0; grid->added && i < grid->cell_count; i++)
        cJSON_Delete(grid->added[i]);
    free(grid->added);
    free(grid->places);
    free(grid->streams);
    free(grid->outside);
    grid->added = NULL;
    grid->places = grid->streams = NULL;
    grid->outside = NULL;
    if (grid->sampler == SAMPLER_OPTUNA)
        grid->cell_count = 0;
    if (grid->sampler != SAMPLER_GRID)
        return;
    grid->cell_count = 1;
    for (int i = 0; i < grid->axis_count; i++)
        grid->cell_count *= grid->axes[i].count;
}

// Where the grids have another value for all: what the study's cells have of it.
static void leave_key(struct growth *growth, const struct cell *old, const char *key)
{
    const cJSON *before = json_member(json_member(growth->old->json, "static"), key),
                *now = json_member(json_member(growth->grid->json, "static"), key);
    if (!grid_key_trains(key) || strcmp(key, "until") == 0 || grid_axis(growth->grid, key) ||
        grid_axis(growth->old, key) || json_member(growth->result.left, key) ||
        (before && now && cJSON_Compare(before, now, true)))
        return;
    if (!before)
        before = json_member(old->options, key);           // its default
    const bool found = strcmp(key, "raters") == 0 && !now; // by the files, as they were before
    if (before && !found)
        cJSON_AddItemToObject(growth->result.left, key, cJSON_Duplicate(before, true));
}

static bool leave_keys(struct growth *growth)
{
    struct cell old;
    const cJSON *item;
    cJSON *first = grid_first_values(growth->old);
    const bool made = grid_cell_of(growth->old, 0, first, &old);
    cJSON_Delete(first);
    if (!made)
        return false;
    cJSON_ArrayForEach(item, json_member(growth->old->json, "static"))
    {
        leave_key(growth, &old, item->string);
    }
    cJSON_ArrayForEach(item, json_member(growth->grid->json, "static"))
    {
        leave_key(growth, &old, item->string);
    }
    cell_free(&old);
    return true;
}

bool growth_begin(struct grid *grid, const struct cJSON *old, const char *where,
                  struct growth **result)
{
    struct growth *growth = mem_zalloc(1, sizeof(*growth));
    growth->grid = grid;
    forget_numbers(grid);
    growth->combinations = grid->sampler == SAMPLER_GRID ? grid->cell_count : 0;
    growth->taken = mem_zalloc((size_t)growth->combinations + 1, sizeof(*growth->taken));
    growth->result.completed = cJSON_CreateObject();
    growth->result.left = cJSON_CreateObject();
    CHECK(grid_of_study(old, grid, where, &growth->old));
    if (grid->sampler == SAMPLER_RANDOM)
        order_axes(growth);
    CHECK(read_axes(growth));
    CHECK(leave_keys(growth));
    for (int i = 0; i < grid->axis_count; i++)
        if (growth->axes[i].before)
            cJSON_AddItemToObject(growth->result.completed, growth->axes[i].key,
                                  cJSON_Duplicate(growth->axes[i].before, true));
    *result = growth;
    return true;
error:
    growth_abandon(&growth);
    return false;
}

// --- Taking -------------------------------------------------------------------------------------

static void make_room(struct growth *growth)
{
    const size_t count = (size_t)growth->result.cells + 1;
    if (count <= growth->room)
        return;
    growth->room = 2 * count + 64;
    growth->places = mem_grow(growth->places, growth->room, sizeof(*growth->places));
    growth->streams = mem_grow(growth->streams, growth->room, sizeof(*growth->streams));
    growth->outside = mem_grow(growth->outside, growth->room, sizeof(*growth->outside));
    growth->values = mem_grow(growth->values, growth->room, sizeof(cJSON *));
}

static void add_missing(cJSON *values, const cJSON *more)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, more)
    {
        if (!json_member(values, item->string))
            cJSON_AddItemToObject(values, item->string, cJSON_Duplicate(item, true));
    }
}

// What the study has of a cell outside the grid from now on.
static cJSON *complete(const struct growth *growth, const cJSON *values)
{
    cJSON *all = cJSON_Duplicate(values, true);
    add_missing(all, growth->result.completed);
    add_missing(all, growth->result.left);
    return all;
}

// The values of a cell on the grid's own axes, in their order.
static cJSON *on_axes(const struct growth *growth, const cJSON *values, const int *entries)
{
    cJSON *own = cJSON_CreateObject();
    for (int i = 0; i < growth->grid->axis_count; i++) {
        const struct growth_part *part = &growth->axes[i];
        const cJSON *value =
            part->axis->list
                ? part->axis->items[part->any ? 0 : part->table.entries[entries[i]].index]
                : value_of(part, values);
        cJSON_AddItemToObject(own, part->key, cJSON_Duplicate(value, true));
    }
    return own;
}

// A cell that comes back is looked at whole: what it was trained with may be another grid's.
static bool check_return(struct growth *growth, int number, const cJSON *values, const int *entries,
                         bool *inside)
{
    struct cell now = {0}, before = {0};
    struct cell_changes changes = {0};
    cJSON *own = on_axes(growth, values, entries);
    const bool made = grid_cell_of(growth->grid, number, own, &now) &&
                      grid_cell_of(growth->old, number, values, &before);
    if (made)
        cell_compare(&now, &before, &changes);
    *inside = !changes.others.bytes;
    free(changes.others.bytes);
    cell_free(&now);
    cell_free(&before);
    cJSON_Delete(own);
    return made;
}

// A cell whose values the grid has.
static bool take_inside(struct growth *growth, int number, const cJSON *values, int *entries)
{
    bool taken = true;
    const bool news = is_news(growth, entries) || has_left(growth, values);
    if (growth->grid->sampler == SAMPLER_GRID) {
        growth->places[number] = free_combination(growth, entries);
        growth->outside[number] = growth->places[number] < 0;
        if (growth->outside[number])
            return true;
        growth->taken[growth->places[number]] = true;
    }
    growth->result.inside++;
    if (!news && growth->grid->sampler != SAMPLER_OPTUNA)
        return true;
    cJSON *now = growth->grid->sampler == SAMPLER_RANDOM ? grid_values(growth->grid, number)
                                                         : on_axes(growth, values, entries);
    if (news)
        taken = compare(growth, number, values, now);
    if (growth->grid->sampler == SAMPLER_OPTUNA)
        growth->values[number] = now;
    else
        cJSON_Delete(now);
    return taken;
}

bool growth_take(struct growth *growth, const struct cJSON *values, int stream, bool outside)
{
    const int number = growth->result.cells;
    int *entries = mem_zalloc((size_t)growth->grid->axis_count + 1, sizeof(*entries));
    bool inside = find_entries(growth, values, outside, entries);
    make_room(growth);
    growth->values[number] = NULL;
    growth->places[number] = -1;
    growth->streams[number] = stream < 0 ? number : stream;
    bool taken = check_gone(growth, values, outside, &inside);
    if (taken && inside && outside)
        taken = check_return(growth, number, values, entries, &inside);
    growth->outside[number] = !inside;
    if (taken && inside)
        taken = take_inside(growth, number, values, entries);
    if (growth->outside[number])
        growth->values[number] = complete(growth, values);
    growth->result.returned += outside && !growth->outside[number];
    growth->result.renumbered |=
        growth->outside[number] || growth->streams[number] != number ||
        (growth->grid->sampler == SAMPLER_OPTUNA && growth->gone_count > 0) ||
        (growth->grid->sampler == SAMPLER_GRID && growth->places[number] != number);
    growth->result.cells++;
    free(entries);
    return taken;
}

// --- The end ------------------------------------------------------------------------------------

// Nothing is in common: the axes on which no cell is.
static void add_apart(struct growth *growth)
{
    struct text *list = &growth->result.changes.others;
    for (int i = 0; i < growth->grid->axis_count; i++) {
        const struct growth_part *part = &growth->axes[i];
        const struct axis *before = grid_axis(growth->old, part->key);
        if (!part->met)
            cell_add_difference(list, part->key, json_member(hyper_of(growth->grid), part->key),
                                before ? json_member(hyper_of(growth->old), part->key)
                                       : part->before);
    }
    for (int i = 0; i < growth->gone_count; i++)
        if (!growth->gone[i]->met)
            cell_add_difference(
                list, growth->gone[i]->key,
                json_member(json_member(growth->grid->json, "static"), growth->gone[i]->key),
                json_member(hyper_of(growth->old), growth->gone[i]->key));
    if (!list->bytes)
        text_add(list, "; none of its cells is in the grid");
}

static bool number_fresh(struct growth *growth)
{
    struct growth_result *result = &growth->result;
    int number = result->cells;
    for (int i = 0; i < growth->combinations; i++)
        result->fresh += !growth->taken[i];
    if (growth->grid->sampler == SAMPLER_RANDOM && growth->grid->cell_count > number)
        result->fresh = growth->grid->cell_count - number;
    if (result->fresh > GRID_CELLS - result->cells)
        return error_set(
            "%s: %d cells and %d that the study has already: more than the %d cells "
            "that are allowed",
            growth->grid->where, result->fresh, result->cells, GRID_CELLS);
    const size_t count = (size_t)(result->cells + result->fresh) + 1;
    growth->places = mem_grow(growth->places, count, sizeof(*growth->places));
    growth->streams = mem_grow(growth->streams, count, sizeof(*growth->streams));
    growth->outside = mem_grow(growth->outside, count, sizeof(*growth->outside));
    growth->values = mem_grow(growth->values, count, sizeof(cJSON *));
    for (int i = number; i < number + result->fresh; i++) {
        growth->streams[i] = i;
        growth->outside[i] = false;
        growth->values[i] = NULL;
    }
    for (int i = 0; i < growth->combinations; i++) {
        if (growth->taken[i])
            continue;
        result->renumbered |= number != i;
        growth->places[number++] = i;
    }
    return true;
}

// The grid has the study's numbers.
static void hand_over(struct growth *growth)
{
    struct grid *grid = growth->grid;
    const bool optuna = grid->sampler == SAMPLER_OPTUNA;
    if (growth->result.renumbered || optuna) {
        grid->streams = growth->streams;
        grid->outside = growth->outside;
        grid->added = growth->values;
        growth->streams = NULL;
        growth->outside = NULL;
        growth->values = NULL;
    }
    if (growth->result.renumbered && grid->sampler == SAMPLER_GRID) {
        grid->places = growth->places;
        growth->places = NULL;
    }
    if (grid->sampler != SAMPLER_RANDOM && grid->sampler != SAMPLER_CELL)
        grid->cell_count = growth->result.cells + growth->result.fresh;
}

void growth_abandon(struct growth **growth)
{
    struct growth *old = *growth;
    if (!old)
        return;
    for (int i = 0; old->axes && i < old->grid->axis_count; i++)
        growth_part_free(&old->axes[i]);
    for (int i = 0; i < old->gone_count; i++) {
        growth_part_free(old->gone[i]);
        free(old->gone[i]);
    }
    for (int i = 0; old->values && i < old->result.cells; i++)
        cJSON_Delete(old->values[i]);
    free(old->axes);
    free(old->gone);
    free(old->taken);
    free(old->places);
    free(old->streams);
    free(old->outside);
    free(old->values);
    grid_free(&old->old);
    growth_result_free(&old->result);
    free(old);
    *growth = NULL;
}

bool growth_end(struct growth **growth, struct growth_result *result)
{
    struct growth *all = *growth;
    *result = (struct growth_result){0};
    if (all->result.cells > 0 && all->result.inside == 0 && all->grid->sampler != SAMPLER_OPTUNA)
        add_apart(all);
    const bool good = all->result.changes.others.bytes || number_fresh(all);
    if (good && !all->result.changes.others.bytes)
        hand_over(all);
    if (good) {
        *result = all->result;
        all->result = (struct growth_result){.cells = all->result.cells};
    }
    growth_abandon(growth);
    return good;
}

void growth_result_free(struct growth_result *result)
{
    free(result->changes.others.bytes);
    cJSON_Delete(result->completed);
    cJSON_Delete(result->left);
    *result = (struct growth_result){0};
}
