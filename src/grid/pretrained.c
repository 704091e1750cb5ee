// SPDX-License-Identifier: MIT
// The key "pretrained": one file of encoder weights, or one for each base model.
#include "grid/cell_keys.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static bool names_base_model(const char *text)
{
    enum base_model base_model;
    return base_model_parse(text, &base_model);
}

bool pretrained_check(const cJSON *value, const char *where)
{
    const cJSON *file;
    if (cJSON_IsBool(value) || (cJSON_IsString(value) && value->valuestring[0]))
        return true;
    if (!cJSON_IsObject(value) || !value->child)
        return error_set(
            "%s: true, false, the name of a torchvision weights file or a file for "
            "each base model ({\"resnet18\": FILE, ...}) is allowed",
            where);
    cJSON_ArrayForEach(file, value)
    {
        if (!names_base_model(file->string))
            return error_set("%s: has a file for \"%.100s\": resnet18 and resnet34 are allowed",
                             where, file->string);
        if (json_member(value, file->string) != file)
            return error_set("%s.%s: stands there twice", where, file->string);
        if (!cJSON_IsString(file) || !file->valuestring[0])
            return error_set("%s.%s: the name of a torchvision weights file is allowed", where,
                             file->string);
    }
    return true;
}

// "resnet18=FILE", a part of a list; the name ends where `=` was.
static char *split_pair(char *part)
{
    char *equals = strchr(part, '=');
    if (!equals)
        return NULL;
    *equals = 0;
    return names_base_model(part) ? equals + 1 : NULL;
}

bool pretrained_parse(const char *text, cJSON **value)
{
    char *copy = text_copy(text), *rest = copy, *part;
    if (!split_pair(copy)) { // a file, whatever its name is
        free(copy);
        *value = text[0] ? cJSON_CreateString(text) : NULL;
        return *value || error_set("--pretrained: the name of a file is missing");
    }
    strcpy(copy, text);
    *value = cJSON_CreateObject();
    while ((part = strsep(&rest, ","))) {
        const char *file = split_pair(part);
        if (!file) {
            error_set("--pretrained %s: a file, or resnet18=FILE,resnet34=FILE is allowed", text);
            break;
        }
        cJSON_AddStringToObject(*value, part, file);
    }
    const bool parsed = !part && pretrained_check(*value, "--pretrained");
    free(copy);
    if (parsed)
        return true;
    cJSON_Delete(*value);
    *value = NULL;
    return false;
}

bool pretrained_resolve(struct cell *cell, const char *where)
{
    const cJSON *value = json_member(cell->options, "pretrained");
    if (cJSON_IsTrue(value))
        return error_set(
            "%s: pretrained: is true: the torchvision weights file must be named, by --pretrained "
            "FILE or in the place of true",
            where);
    if (cJSON_IsObject(value)) {
        const cJSON *file = json_member(value, base_model_name(cell->base_model));
        if (!file)
            return error_set("%s: pretrained: has no file for %s", where,
                             base_model_name(cell->base_model));
        cJSON_ReplaceItemInObjectCaseSensitive(cell->options, "pretrained",
                                               cJSON_CreateString(file->valuestring));
        value = json_member(cell->options, "pretrained");
    }
    cell->pretrained = cJSON_IsString(value) ? value->valuestring : NULL;
    return true;
}
