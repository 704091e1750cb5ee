// SPDX-License-Identifier: MIT
#include "cli/serve/request.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/utf8.h"
#include "vkgrid/run/service.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"train", "prune", "go", "end", NULL};

const char *item_id(const struct cJSON *item)
{
    return json_member(item, "id")->valuestring;
}

static bool check_id(const cJSON *item, const char *where)
{
    char *at = text_format("%s: id", where);
    const char *id;
    bool good = json_get_text(json_member(item, "id"), at, &id);
    for (const char *c = id; good && *c; c += good ? utf8_length(c) : 1) {
        const bool control = (unsigned char)*c < ' ' || *c == 0x7f;
        good = (!control && utf8_length(c) > 0) ||
               error_set("%s: has %s: none is allowed", at,
                         control ? "a control character" : "what is no UTF-8");
    }
    good = good &&
           (strlen(id) <= SERVICE_ID ||
            error_set("%s: has %zu bytes: at most %d are allowed", at, strlen(id), SERVICE_ID));
    free(at);
    return good;
}

static bool check_item(const cJSON *item, enum request_kind kind, const char *where)
{
    static const char *const keys[][3] = {
        [REQUEST_TRAIN] = {"id", "values", NULL}, [REQUEST_PRUNE] = {"id", NULL}};
    char *at = text_format("%s: values", where);
    const bool good =
        json_expect_object(item, where) && json_expect_keys(item, where, keys[kind]) &&
        check_id(item, where) &&
        (kind != REQUEST_TRAIN || json_expect_object(json_member(item, "values"), at));
    free(at);
    return good;
}

static bool check_items(const cJSON *items, enum request_kind kind, const char *where)
{
    const cJSON *item;
    bool good = json_expect_list(items, where, 1);
    for (item = good ? items->child : NULL; good && item; item = item->next)
        good = check_item(item, kind, where);
    return good;
}

static bool is_blank(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    return true;
}

// The one member of the object.
static bool read_kind(cJSON *json, const char *where, struct request *request)
{
    if (!json_expect_object(json, where) || !json_expect_keys(json, where, kinds))
        return false;
    if (cJSON_GetArraySize(json) != 1)
        return error_set("%s: has %d members: one of train, prune, go, end is allowed", where,
                         cJSON_GetArraySize(json));
    while (strcmp(kinds[request->kind], json->child->string) != 0)
        request->kind++;
    return true;
}

static bool read_items(cJSON *json, const char *where, struct request *request)
{
    char *at = text_format("%s: %s", where, kinds[request->kind]);
    cJSON *value = cJSON_DetachItemViaPointer(json, json->child);
    bool good;
    request->batch = cJSON_IsArray(value);
    if (request->kind == REQUEST_TRAIN || request->kind == REQUEST_PRUNE) {
        request->items = request->batch ? value : cJSON_CreateArray();
        if (!request->batch)
            cJSON_AddItemToArray(request->items, value);
        good = check_items(request->items, request->kind, at);
    } else {
        static const char *const none[] = {NULL};
        good = json_expect_object(value, at) && json_expect_keys(value, at, none);
        cJSON_Delete(value);
    }
    free(at);
    return good;
}

bool request_parse(const char *line, size_t size, const char *where, struct request *request)
{
    cJSON *json = NULL;
    *request = (struct request){.kind = REQUEST_GO};
    if (is_blank(line, size))
        return true;
    request->kind = REQUEST_TRAIN;
    const bool good = json_parse(line, size, where, &json) && read_kind(json, where, request) &&
                      read_items(json, where, request);
    cJSON_Delete(json);
    if (!good) {
        cJSON_Delete(request->items);
        request->items = NULL;
    }
    return good;
}
