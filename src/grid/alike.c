// SPDX-License-Identifier: MIT
#include "vkgrid/grid/alike.h"

#include "vkgrid/base/hash.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/axis.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

struct named_class {
    char *name; // the values that matter
    int class;
};

struct alike {
    const struct grid *grid;
    enum purpose purpose;
    bool *matters; // [axis]
    int *of_place; // [product of the lists of the axes that matter] class + 1; 0: none so far
    struct named_class *slots; // an open hash table; its size is a power of two
    size_t room;
    int named; // classes in it
    int count; // classes
};

// Values that are allowed whatever the others are, unless there is a plan, whose rounds may take
// their place. (A key that is not known here is taken to matter.)
static const char *const checked_alone[] = {
    "lr", "gamma", "bce_weight", "batch_size", "seed", "shuffle", "num_epochs", "precision", NULL};
// What changes no shape, no data and no number of epochs or runs; but subjects are drawn into folds
// by the seed.
static const char *const not_grouped[] = {"lr", "gamma", "bce_weight", "seed", "shuffle", NULL};

static bool stands_in(const char *const *keys, const char *key)
{
    while (*keys && strcmp(*keys, key) != 0)
        keys++;
    return *keys;
}

static bool has_key(const struct grid *grid, const char *key)
{
    return json_member(json_member(grid->json, "static"), key) ||
           json_member(json_member(grid->json, "hyper"), key);
}

static bool key_matters(const struct grid *grid, enum purpose purpose, const char *key)
{
    if (purpose == PURPOSE_TASK)
        return strcmp(key, "inputs") == 0 || strcmp(key, "prediction") == 0;
    if (purpose == PURPOSE_GROUP)
        return !stands_in(not_grouped, key) || (strcmp(key, "seed") == 0 && has_key(grid, "folds"));
    return has_key(grid, "plan") || !stands_in(checked_alone, key);
}

struct alike *alike_new(const struct grid *grid, enum purpose purpose)
{
    struct alike *alike = mem_zalloc(1, sizeof(*alike));
    size_t places = 1;
    bool lists = true;
    alike->grid = grid;
    alike->purpose = purpose;
    alike->matters = mem_zalloc((size_t)grid->axis_count + 1, sizeof(bool));
    for (int i = 0; i < grid->axis_count; i++) {
        alike->matters[i] = key_matters(grid, purpose, grid->axes[i].key);
        if (!alike->matters[i])
            continue;
        lists = lists && grid->axes[i].list;
        places *= lists && places <= GRID_CELLS ? (size_t)grid->axes[i].count : 1;
    }
    if (lists && places <= GRID_CELLS)
        alike->of_place = mem_zalloc(places, sizeof(*alike->of_place));
    return alike;
}

void alike_free(struct alike **alike)
{
    if (!*alike)
        return;
    for (size_t i = 0; i < (*alike)->room; i++)
        free((*alike)->slots[i].name);
    free((*alike)->slots);
    free((*alike)->of_place);
    free((*alike)->matters);
    free(*alike);
    *alike = NULL;
}

// Which of the products' places the cell has; -1: its values stand in no list.
static long place_of(const struct alike *alike, int number)
{
    long place = 0, size = 1;
    for (int i = 0; alike->of_place && i < alike->grid->axis_count; i++) {
        if (!alike->matters[i])
            continue;
        const int at = grid_place(alike->grid, number, i);
        if (at < 0)
            return -1;
        place += size * at;
        size *= alike->grid->axes[i].count;
    }
    return alike->of_place ? place : -1;
}

// --- By the texts of the values -----------------------------------------------------------------

// A cell that is not of the grid's lists may have values of other keys than its axes.
static char *name_of(const struct alike *alike, int number)
{
    struct text name = {0};
    cJSON *values = grid_values(alike->grid, number), *value;
    const bool plan = json_member(values, "plan");
    cJSON_ArrayForEach(value, values)
    {
        if (!plan && !key_matters(alike->grid, alike->purpose, value->string))
            continue;
        char *line = json_print_line(value);
        text_add(&name, "%s %s ", value->string, line);
        free(line);
    }
    cJSON_Delete(values);
    return name.bytes ? name.bytes : text_copy("");
}

// The slot of a name, or the free one where it belongs.
static struct named_class *find_slot(struct named_class *slots, size_t room, const char *name)
{
    size_t at = (size_t)hash_text(name, 0) & (room - 1);
    while (slots[at].name && strcmp(slots[at].name, name) != 0)
        at = (at + 1) & (room - 1);
    return &slots[at];
}

static void make_room(struct alike *alike)
{
    const size_t room = alike->room ? 2 * alike->room : 64;
    struct named_class *slots = mem_zalloc(room, sizeof(*slots));
    for (size_t i = 0; i < alike->room; i++)
        if (alike->slots[i].name)
            *find_slot(slots, room, alike->slots[i].name) = alike->slots[i];
    free(alike->slots);
    alike->slots = slots;
    alike->room = room;
}

static int class_by_name(struct alike *alike, int number)
{
    if (2 * (size_t)alike->named >= alike->room)
        make_room(alike);
    char *name = name_of(alike, number);
    struct named_class *slot = find_slot(alike->slots, alike->room, name);
    if (slot->name) {
        free(name);
        return slot->class;
    }
    *slot = (struct named_class){name, alike->count};
    alike->named++;
    return alike->count++;
}

int alike_class(struct alike *alike, int number)
{
    const long place = place_of(alike, number);
    if (place < 0)
        return class_by_name(alike, number);
    if (!alike->of_place[place])
        alike->of_place[place] = ++alike->count;
    return alike->of_place[place] - 1;
}
