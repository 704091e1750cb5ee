// SPDX-License-Identifier: MIT
#include "vkgrid/base/json.h"

#include "base/json_syntax.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/nearest.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool check_unique_keys(const cJSON *object, const char *where)
{
    const int count = cJSON_GetArraySize(object);
    const char **keys = mem_alloc(sizeof(*keys) * (size_t)(count + 1));
    const cJSON *item;
    int i = 0;
    bool unique = true;
    cJSON_ArrayForEach(item, object) keys[i++] = item->string;
    qsort(keys, (size_t)count, sizeof(*keys), compare_keys);
    for (i = 1; unique && i < count; i++) {
        if (strcmp(keys[i - 1], keys[i]) == 0)
            unique = error_set("%s: the key \"%s\" stands twice in one object", where, keys[i]);
    }
    free(keys);
    return unique;
}

static bool check_values(const cJSON *value, const char *where)
{
    const cJSON *item;
    if (cJSON_IsNumber(value) && !isfinite(value->valuedouble))
        return error_set("%s: a number is larger than a double can hold", where);
    if (cJSON_IsObject(value) && !check_unique_keys(value, where))
        return false;
    cJSON_ArrayForEach(item, value)
    {
        if (!check_values(item, where))
            return false;
    }
    return true;
}

bool json_parse(const char *text, size_t size, const char *where, struct cJSON **json)
{
    if (!json_check_syntax(text, size, where))
        return false;
    cJSON *parsed = cJSON_ParseWithLength(text, size);
    if (!parsed)
        return error_set("%s: not JSON that can be read (text that is not UTF-8?)", where);
    if (!check_values(parsed, where)) {
        cJSON_Delete(parsed);
        return false;
    }
    *json = parsed;
    return true;
}

bool json_read(const char *path, struct cJSON **json)
{
    void *bytes;
    size_t size;
    if (!file_read(path, JSON_LIMIT, &bytes, &size))
        return false;
    const bool parsed = json_parse(bytes, size, path, json);
    free(bytes);
    return parsed;
}

struct cJSON *json_member(const struct cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

// "what is there" for messages.
static char *describe(const cJSON *value)
{
    if (!value)
        return text_copy("is missing");
    char *line = json_print_line(value);
    char *text = strlen(line) > 60 ? text_format("is %.56s ...", line) : text_format("is %s", line);
    free(line);
    return text;
}

static bool refuse(const cJSON *value, const char *where, const char *allowed)
{
    char *found = describe(value);
    error_set("%s: %s: %s is allowed", where, found, allowed);
    free(found);
    return false;
}

static bool get_number(const cJSON *value, const char *where, double low, double high, bool above,
                       bool whole, double *result)
{
    char a[NUMBER_TEXT], b[NUMBER_TEXT], allowed[128];
    const double number = cJSON_IsNumber(value) ? value->valuedouble : NAN;
    if ((above ? number > low : number >= low) && number <= high &&
        (!whole || number == floor(number))) {
        *result = number;
        return true;
    }
    snprintf(allowed, sizeof(allowed), "a %snumber %s %s to %s", whole ? "whole " : "",
             above ? "above" : "from", number_text(low, a), number_text(high, b));
    return refuse(value, where, allowed);
}

bool json_get_number(const struct cJSON *value, const char *where, double low, double high,
                     double *result)
{
    return get_number(value, where, low, high, false, false, result);
}

bool json_get_positive(const struct cJSON *value, const char *where, double high, double *result)
{
    return get_number(value, where, 0, high, true, false, result);
}

bool json_get_integer(const struct cJSON *value, const char *where, double low, double high,
                      double *result)
{
    return get_number(value, where, low, high, false, true, result);
}

bool json_get_int(const struct cJSON *value, const char *where, int low, int high, int *result)
{
    double number;
    if (!get_number(value, where, low, high, false, true, &number))
        return false;
    *result = (int)number;
    return true;
}

bool json_get_bool(const struct cJSON *value, const char *where, bool *result)
{
    if (!cJSON_IsBool(value))
        return refuse(value, where, "true or false");
    *result = cJSON_IsTrue(value);
    return true;
}

bool json_get_text(const struct cJSON *value, const char *where, const char **result)
{
    if (!cJSON_IsString(value) || !value->valuestring[0])
        return refuse(value, where, "a text");
    *result = value->valuestring;
    return true;
}

bool json_expect_list(const struct cJSON *value, const char *where, int least)
{
    if (cJSON_IsArray(value) && cJSON_GetArraySize(value) >= least)
        return true;
    return refuse(value, where, least > 0 ? "a list that is not empty" : "a list");
}

bool json_expect_object(const struct cJSON *value, const char *where)
{
    return cJSON_IsObject(value) || refuse(value, where, "an object {...}");
}

bool json_expect_keys(const struct cJSON *object, const char *where, const char *const *keys)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        bool known = false;
        for (const char *const *key = keys; *key; key++)
            known = known || strcmp(*key, item->string) == 0;
        if (known)
            continue;
        struct text allowed = {0};
        const char *meant = nearest_name(item->string, keys);
        for (const char *const *key = keys; *key; key++)
            text_add(&allowed, "%s%s", key == keys ? "" : " ", *key);
        if (meant)
            error_set("%s: unknown key \"%s\": did you mean \"%s\"? allowed are %s", where,
                      item->string, meant, allowed.bytes);
        else
            error_set("%s: unknown key \"%s\": allowed are %s", where, item->string, allowed.bytes);
        free(allowed.bytes);
        return false;
    }
    return true;
}
