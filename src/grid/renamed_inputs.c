// SPDX-License-Identifier: MIT
#include "vkgrid/grid/renamed_inputs.h"

#include "grid/feature_sets.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

// Of a list of names, or an object of names and sources.
static cJSON *names_of(const cJSON *set)
{
    cJSON *names = cJSON_CreateArray();
    const cJSON *item;
    cJSON_ArrayForEach(item, set)
    {
        const char *name = cJSON_IsObject(set) ? item->string : item->valuestring;
        cJSON_AddItemToArray(names, cJSON_CreateString(name ? name : ""));
    }
    return names;
}

struct cJSON *options_input_names(const struct cJSON *options)
{
    const cJSON *inputs = json_member(options, "inputs");
    const cJSON *sets = json_member(json_member(options, "features"), "inputs");
    if (cJSON_IsArray(inputs) || cJSON_IsObject(inputs)) // or {set: names}
        return names_of(cJSON_IsObject(inputs) && inputs->child ? inputs->child : inputs);
    if (!cJSON_IsString(inputs))
        return NULL;
    const cJSON *own = json_member(sets, inputs->valuestring);
    const struct named_set *set = named_set_find(feature_sets, inputs->valuestring);
    if (own)
        return names_of(own);
    if (!set)
        return NULL;
    cJSON *names = cJSON_CreateArray();
    for (const char *const *member = set->members; *member; member++)
        cJSON_AddItemToArray(names, cJSON_CreateString(*member));
    return names;
}

static void rename_members(cJSON *options, const char *key, const cJSON *from, const cJSON *to)
{
    cJSON *given = json_member(options, key), *renamed;
    if (!cJSON_IsObject(given))
        return;
    renamed = cJSON_CreateObject();
    for (; from && to; from = from->next, to = to->next) {
        const cJSON *value = json_member(given, from->valuestring);
        if (value)
            cJSON_AddItemToObject(renamed, to->valuestring, cJSON_Duplicate(value, true));
    }
    cJSON_ReplaceItemInObjectCaseSensitive(options, key, renamed);
}

static char *listed(const cJSON *names)
{
    struct text text = {0};
    const cJSON *name;
    cJSON_ArrayForEach(name, names)
        text_add(&text, "%s%.100s", text.size ? ", " : "", name->valuestring);
    return text.bytes ? text.bytes : text_copy("");
}

bool options_inputs_renamed(struct cJSON *options, const struct cJSON *trained, const char *where)
{
    cJSON *names = options_input_names(options);
    const int count = cJSON_GetArraySize(names), wanted = cJSON_GetArraySize(trained);
    const bool known = names && trained, good = !known || count == wanted;
    if (!good) {
        char *list = listed(trained);
        error_set(
            "--inputs: names %d feature%s: %s has %d (%s): as many, in this order, are allowed",
            count, count == 1 ? "" : "s", where, wanted, list);
        free(list);
    } else if (known) {
        rename_members(options, "normalize", trained->child, names->child);
        rename_members(options, "statistics", trained->child, names->child);
    }
    cJSON_Delete(names);
    return good;
}
