// SPDX-License-Identifier: MIT
#include "vkgrid/study/identity.h"

#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/study/weight_files.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

// Studies of format 2 do not say their numerics; since there is a setting `matrix` they are 2.
static int read_numerics(const cJSON *value, const cJSON *settings)
{
    if (cJSON_IsNumber(value))
        return value->valueint;
    return json_member(settings, "matrix") ? 2 : 1;
}

// Studies of formats before 5 do not say whom they found by the files, but the keys of their data
// do.
static bool read_raters(struct store *store, const cJSON *grid)
{
    cJSON *values = json_member(grid, "static"), *raters = NULL;
    if (json_member(values, "raters") || json_member(json_member(grid, "hyper"), "raters"))
        return true;
    const bool read = store_get_raters(store, &raters);
    if (raters && cJSON_IsObject(values))
        cJSON_AddItemToObject(values, "raters", raters);
    else
        cJSON_Delete(raters);
    return read;
}

bool identity_read(struct store *store, struct identity *identity)
{
    cJSON *numerics = NULL;
    *identity = (struct identity){0};
    const bool read =
        store_get(store, "numerics", &numerics) && store_get(store, "grid", &identity->grid) &&
        store_get(store, "settings", &identity->settings) && read_raters(store, identity->grid);
    identity->numerics = read_numerics(numerics, identity->settings);
    cJSON_Delete(numerics);
    return read;
}

void identity_free(struct identity *identity)
{
    cJSON_Delete(identity->grid);
    cJSON_Delete(identity->settings);
    *identity = (struct identity){0};
}

bool identity_write(struct store *store, const struct identity *identity)
{
    cJSON *numerics = cJSON_CreateNumber(identity->numerics),
          *version = cJSON_CreateString(vkgrid_version()); // for people
    const bool written = store_put(store, "numerics", numerics) &&
                         store_put(store, "version", version) &&
                         store_put(store, "grid", identity->grid) &&
                         store_put(store, "settings", identity->settings);
    cJSON_Delete(numerics);
    cJSON_Delete(version);
    return written;
}

// At most so much of a value is shown.
#define SHOWN 60

static void add_value(struct text *list, const cJSON *value)
{
    char *line = value ? json_print_line(value) : text_copy("nothing");
    text_add(list, "%.*s%s", SHOWN, line, strlen(line) > SHOWN ? "..." : "");
    free(line);
}

static void add_difference(struct text *list, const char *prefix, const char *key,
                           const cJSON *mine, const cJSON *theirs)
{
    text_add(list, "; %s%s: ", prefix, key);
    add_value(list, mine);
    text_add(list, " instead of ");
    add_value(list, theirs);
}

// Whether values of a key of static are the same. Raters that are not known yet may be any.
static bool same_value(const char *key, const cJSON *mine, const cJSON *theirs)
{
    if (strcmp(key, "raters") == 0 && (!mine || !theirs))
        return true;
    return mine && theirs && cJSON_Compare(mine, theirs, true);
}

// The order of the keys, too: that of hyper numbers the cells.
static bool same_order(const cJSON *a, const cJSON *b)
{
    const cJSON *left = a ? a->child : NULL, *right = b ? b->child : NULL;
    for (; left && right && strcmp(left->string, right->string) == 0; left = left->next)
        right = right->next;
    return !left && !right;
}

static void add_differences(struct text *list, const char *prefix, const cJSON *mine,
                            const cJSON *theirs)
{
    const cJSON *item;
    const size_t before = list->size;
    cJSON_ArrayForEach(item, mine)
    {
        const cJSON *other = json_member(theirs, item->string);
        if (!same_value(item->string, item, other))
            add_difference(list, prefix, item->string, item, other);
    }
    cJSON_ArrayForEach(item, theirs)
    {
        if (!json_member(mine, item->string) && !same_value(item->string, NULL, item))
            add_difference(list, prefix, item->string, NULL, item);
    }
    if (list->size == before && strcmp(prefix, "hyper.") == 0 && !same_order(mine, theirs))
        text_add(list, "; the order of the keys of hyper");
}

// Of what is static in a grid all that trains: not the test subjects, nor names and paths. The
// caller deletes it.
static cJSON *what_trains(const cJSON *part)
{
    cJSON *copy = cJSON_Duplicate(part, true), *partition = json_member(copy, "partition"), *next;
    if (cJSON_IsArray(partition))
        cJSON_ReplaceItemInObjectCaseSensitive(copy, "partition", partition_of_training(partition));
    for (cJSON *item = copy ? copy->child : NULL; item; item = next) {
        next = item->next;
        if (!grid_key_trains(item->string))
            cJSON_Delete(cJSON_DetachItemViaPointer(copy, item));
    }
    return copy;
}

// Those that change numbers or files.
static void compare_settings(struct text *list, const cJSON *mine, const cJSON *theirs)
{
    static const char *const binding[] = {"sampler", "log_steps", "prune", "matrix"};
    for (size_t i = 0; i < sizeof(binding) / sizeof(*binding); i++) {
        const cJSON *here = json_member(mine, binding[i]), *there = json_member(theirs, binding[i]);
        if ((here || there) && !(here && there && cJSON_Compare(here, there, true)))
            add_difference(list, "", binding[i], here, there);
    }
}

// What says nothing of what is trained is as it is in `mine`.
static void match_names(const cJSON *mine, cJSON *theirs)
{
    const cJSON *item;
    cJSON *next;
    for (cJSON *own = theirs ? theirs->child : NULL; own; own = next) {
        next = own->next;
        if (!grid_key_trains(own->string))
            cJSON_Delete(cJSON_DetachItemViaPointer(theirs, own));
    }
    cJSON_ArrayForEach(item, mine)
    {
        if (!grid_key_trains(item->string))
            cJSON_AddItemToObject(theirs, item->string, cJSON_Duplicate(item, true));
    }
}

void identity_match(const struct identity *mine, struct identity *theirs)
{
    cJSON *values = json_member(theirs->grid, "static");
    if (cJSON_IsObject(values))
        match_names(json_member(mine->grid, "static"), values);
    weight_files_match(mine, theirs);
}

void identity_compare(struct text *list, const struct identity *a, const struct identity *b)
{
    if (a->numerics != b->numerics)
        text_add(list,
                 "; numerics %d instead of %d (versions of vkgrid whose results differ: the one "
                 "that began it can finish it)",
                 a->numerics, b->numerics);
    compare_settings(list, a->settings, b->settings);
    weight_files_compare(list, a, b);
}

void identity_compare_grids(struct text *list, const struct identity *a, const struct identity *b)
{
    cJSON *mine = what_trains(json_member(a->grid, "static")),
          *theirs = what_trains(json_member(b->grid, "static"));
    add_differences(list, "static.", mine, theirs);
    add_differences(list, "hyper.", json_member(a->grid, "hyper"), json_member(b->grid, "hyper"));
    cJSON_Delete(mine);
    cJSON_Delete(theirs);
}
