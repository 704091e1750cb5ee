// SPDX-License-Identifier: MIT
#include "grid/cell_keys.h"

#include "grid/feature_sets.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/nearest.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static bool read_one(const cJSON *value, const char *where, enum normalize *normalize)
{
    if (!cJSON_IsString(value))
        return error_set(
            "%s: " NORMALIZE_ALLOWED ", or an object {feature: one of these}, is allowed", where);
    return normalize_parse(value->valuestring, normalize) || error_prefix("%s", where);
}

bool normalize_check(const struct cJSON *value, const char *where)
{
    enum normalize ignored;
    const cJSON *item;
    if (!cJSON_IsObject(value))
        return read_one(value, where, &ignored);
    cJSON_ArrayForEach(item, value)
    {
        char *at = text_format("%s.%.100s", where, item->string);
        const bool good = cJSON_IsString(item)
                              ? read_one(item, at, &ignored)
                              : error_set("%s: " NORMALIZE_ALLOWED " is allowed", at);
        free(at);
        if (!good)
            return false;
    }
    return true;
}

struct names {
    const char **items; // ends with NULL
    size_t count, room;
};

static void add_name(struct names *names, const char *name)
{
    names->items = mem_reserve(names->items, &names->room, names->count + 2, sizeof(name));
    names->items[names->count++] = name;
    names->items[names->count] = NULL;
}

// Those of all sets that a cell of the grid may have.
static struct names all_names(const struct cell *cell, const cJSON *sets)
{
    struct names names = {0};
    const cJSON *set, *item;
    for (int i = 0; i < cell->features.count; i++)
        add_name(&names, cell->features.names[i]);
    cJSON_ArrayForEach(set, sets)
    {
        cJSON_ArrayForEach(item, set)
            add_name(&names, cJSON_IsObject(set) ? item->string : item->valuestring);
    }
    for (const struct named_set *built_in = feature_sets; built_in->name; built_in++)
        for (const char *const *member = built_in->members; *member; member++)
            add_name(&names, *member);
    return names;
}

static bool check_names(const struct cell *cell, const cJSON *given, const cJSON *sets,
                        const char *where)
{
    struct names names = all_names(cell, sets);
    const cJSON *item;
    bool good = true;
    cJSON_ArrayForEach(item, given)
    {
        size_t i = 0;
        while (names.items[i] && strcmp(names.items[i], item->string) != 0)
            i++;
        if (names.items[i])
            continue;
        const char *meant = nearest_name(item->string, names.items);
        good = error_set("%s: normalize: \"%.100s\" is no feature of any set%s%s%s", where,
                         item->string, meant ? ": did you mean \"" : "", meant ? meant : "",
                         meant ? "\"?" : "");
        break;
    }
    free(names.items);
    return good;
}

// A text where all features have the same, else an object of those that have any.
static cJSON *shortest(const struct cell *cell)
{
    int equal = 1;
    while (equal < cell->features.count && cell->normalize[equal] == cell->normalize[0])
        equal++;
    if (equal == cell->features.count)
        return cJSON_CreateString(normalize_name(cell->normalize[0]));
    cJSON *object = cJSON_CreateObject();
    for (int i = 0; i < cell->features.count; i++)
        if (cell->normalize[i] != NORMALIZE_NONE)
            cJSON_AddStringToObject(object, cell->features.names[i],
                                    normalize_name(cell->normalize[i]));
    return object;
}

bool normalize_resolve(struct cell *cell, const struct cJSON *sets, const char *where)
{
    const cJSON *given = json_member(cell->options, "normalize");
    cell->normalize = mem_zalloc((size_t)cell->features.count, sizeof(cell->normalize[0]));
    if (!given)
        return true;
    if (cJSON_IsObject(given) && !check_names(cell, given, sets, where))
        return false;
    for (int i = 0; i < cell->features.count; i++) {
        const cJSON *own =
            cJSON_IsObject(given) ? json_member(given, cell->features.names[i]) : given;
        if (own && !normalize_parse(own->valuestring, &cell->normalize[i]))
            return false; // normalize_check() has seen to it
    }
    return cJSON_ReplaceItemInObjectCaseSensitive(cell->options, "normalize", shortest(cell));
}

bool cell_normalizes(const struct cell *cell)
{
    for (int i = 0; i < cell->features.count; i++)
        if (cell->normalize[i] != NORMALIZE_NONE)
            return true;
    return false;
}

static bool same_statistics(const struct value_statistics *one,
                            const struct value_statistics *other)
{
    return one->mean == other->mean && one->sd == other->sd;
}

bool cells_prepare_alike(const struct cell *one, const struct cell *other)
{
    for (int i = 0; i < one->features.count; i++)
        if (one->normalize[i] != other->normalize[i] ||
            (one->normalize[i] == NORMALIZE_DATASET &&
             !same_statistics(&one->trained[i], &other->trained[i])))
            return false;
    return true;
}
