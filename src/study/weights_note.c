// SPDX-License-Identifier: MIT
#include "vkgrid/study/weights_note.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/tensors.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cJSON *weights_description(const struct cell *cell)
{
    // Weights are passed on: whom they were trained on, and where the data lies, stays with the
    // study.
    static const char *const private[] = {"partition", "raters", "data_cache_path", "pretrained",
                                          "init_weights"};
    cJSON *description = cJSON_Duplicate(cell->options, true);
    for (size_t i = 0; i < sizeof(private) / sizeof(*private); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(description, private[i]);
    return description;
}

bool weights_describe(const char *path, struct cJSON **description)
{
    char *options;
    *description = NULL;
    if (!safetensors_metadata(path, "options", &options))
        return false;
    if (!options)
        return true;
    char *where = text_format("%s: options", path);
    const bool read = json_parse(options, strlen(options), where, description);
    free(where);
    free(options);
    return read;
}

char *weights_flat_note(const struct cell *cell)
{
    struct flat_settings settings;
    bool found = false;
    if (cell->data && !flat_record_read(cell->data, &settings, &found))
        fprintf(stderr, "vkgrid: %s: the weights will not say how to flatten\n", error_text());
    if (!found)
        return NULL;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "radius", settings.radius);
    cJSON_AddNumberToObject(json, "rows", settings.rows);
    char *text = json_print_line(json);
    cJSON_Delete(json);
    return text;
}

static bool read_settings(const cJSON *json, const char *where, struct flat_settings *settings)
{
    char *radius = text_format("%s: radius", where), *rows = text_format("%s: rows", where);
    const bool read = json_expect_object(json, where) &&
                      json_get_positive(json_member(json, "radius"), radius, FLAT_RADIUS_MOST,
                                        &settings->radius) &&
                      json_get_int(json_member(json, "rows"), rows, FLAT_ROWS_LEAST, FLAT_ROWS_MOST,
                                   &settings->rows);
    free(radius);
    free(rows);
    return read;
}

bool weights_flat_settings(const char *path, struct flat_settings *settings, bool *found)
{
    char *text;
    cJSON *json = NULL;
    *found = false;
    if (!safetensors_metadata(path, "flatten", &text))
        return false;
    if (!text)
        return true;
    char *where = text_format("%s: flatten", path);
    *found = json_parse(text, strlen(text), where, &json) && read_settings(json, where, settings);
    cJSON_Delete(json);
    free(where);
    free(text);
    return *found;
}

bool options_flat_settings(const char *path, struct flat_settings *settings, bool *found)
{
    cJSON *json = NULL;
    *found = false;
    if (!json_read(path, &json))
        return false;
    const cJSON *note = json_member(json, "flatten");
    char *where = text_format("%s: flatten", path);
    *found = note && read_settings(note, where, settings);
    const bool good = *found || !note;
    cJSON_Delete(json);
    free(where);
    return good;
}

char *weights_options_beside(const char *path)
{
    const char *slash = strrchr(path, '/'), *end = strrchr(slash ? slash + 1 : path, '.');
    if (!end)
        return NULL;
    char *beside = text_format("%.*s.options.json", (int)(end - path), path);
    if (file_exists(beside))
        return beside;
    free(beside);
    return NULL;
}
