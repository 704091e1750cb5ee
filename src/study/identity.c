// SPDX-License-Identifier: MIT
#include "vkgrid/study/identity.h"

#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"
#include "vkgrid/grid/cell_compare.h"
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

// Those that change numbers or files.
static void compare_settings(struct text *list, const cJSON *mine, const cJSON *theirs)
{
    static const char *const binding[] = {"sampler", "log_steps", "prune", "matrix"};
    for (size_t i = 0; i < sizeof(binding) / sizeof(*binding); i++) {
        const cJSON *here = json_member(mine, binding[i]), *there = json_member(theirs, binding[i]);
        if ((here || there) && !(here && there && cJSON_Compare(here, there, true)))
            cell_add_difference(list, binding[i], here, there);
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
