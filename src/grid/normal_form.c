// SPDX-License-Identifier: MIT
#include "grid/normal_form.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"

#include <cjson/cJSON.h>
#include <stddef.h>

// Keys that the original's None leaves to their default.
static const char *const nullable[] = {
    "until",           "inputs",           "prediction", "partition",    "dataset_cache_path",
    "data_cache_path", "model_cache_path", "model_key",  "init_weights", "pretrained",
    "multiproc",       "device",           "nthreads",   "nice",         NULL};

static void drop_nulls(cJSON *values)
{
    for (const char *const *key = nullable; *key; key++)
        if (cJSON_IsNull(json_member(values, *key)))
            cJSON_DeleteItemFromObjectCaseSensitive(values, *key);
}

// Nobody, as in the original. No raters at all is another thing: then the files tell.
static void no_raters(cJSON *values)
{
    if (cJSON_IsNull(json_member(values, "raters")))
        cJSON_ReplaceItemInObjectCaseSensitive(values, "raters", cJSON_CreateArray());
}

static bool rename_data(cJSON *values, const char *where)
{
    cJSON *given = json_member(values, "dataset_cache_path");
    if (!given)
        return true;
    if (!cJSON_IsString(given))
        return error_set("%s: dataset_cache_path: a text is allowed", where);
    if (json_member(values, "data_cache_path"))
        return error_set(
            "%s: dataset_cache_path: is the same as data_cache_path, which stands "
            "there too: one of them is allowed",
            where);
    cJSON_AddItemToObject(values, "data_cache_path",
                          cJSON_DetachItemFromObjectCaseSensitive(values, "dataset_cache_path"));
    return true;
}

// The object under a key, made if it is not there; NULL if it is something else.
static cJSON *object_in(cJSON *values, const char *key)
{
    cJSON *object = json_member(values, key);
    if (!object)
        return cJSON_AddObjectToObject(values, key);
    return cJSON_IsObject(object) ? object : NULL;
}

// A list becomes a set of the key's name, as in the original; an object with one list names it.
static bool name_set(cJSON *values, const char *where, const char *key)
{
    const cJSON *given = json_member(values, key), *list = given;
    const char *name = key;
    if (cJSON_IsObject(given)) {
        if (cJSON_GetArraySize(given) != 1)
            return error_set("%s: %s: is an object of %d sets: one is allowed", where, key,
                             cJSON_GetArraySize(given));
        list = given->child;
        name = list->string;
    }
    if (!cJSON_IsArray(list) && !(cJSON_IsObject(given) && cJSON_IsObject(list)))
        return true; // a name, or refused where it is read
    cJSON *features = object_in(values, "features"),
          *sets = features ? object_in(features, key) : NULL;
    if (!sets)
        return error_set("%s: features%s%s: an object is allowed", where, features ? "." : "",
                         features ? key : "");
    if (json_member(sets, name))
        return error_set(
            "%s: %s: is a list, and features.%s.%s is there too: \"%s\" or the list "
            "alone is allowed",
            where, key, key, name, name);
    cJSON_AddItemToObject(sets, name, cJSON_Duplicate(list, true));
    cJSON *text = cJSON_CreateString(name);
    return cJSON_ReplaceItemInObjectCaseSensitive(values, key, text);
}

// {"trn", "val"}, as the original has it, or with "test".
static void list_subjects(cJSON *values)
{
    static const char *const names[] = {"trn", "val", "test"};
    cJSON *partition = json_member(values, "partition");
    const int count = cJSON_IsObject(partition) ? cJSON_GetArraySize(partition) : 0;
    if (count < 2 || count > 3)
        return;
    for (int i = 0; i < count; i++)
        if (!json_member(partition, names[i]))
            return;
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_DetachItemFromObjectCaseSensitive(partition, names[i]));
    cJSON_ReplaceItemInObjectCaseSensitive(values, "partition", list);
}

bool normal_form(struct cJSON *values, const char *where)
{
    drop_nulls(values);
    no_raters(values);
    list_subjects(values);
    return rename_data(values, where) && name_set(values, where, "inputs") &&
           name_set(values, where, "prediction");
}
