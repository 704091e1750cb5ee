// SPDX-License-Identifier: MIT
#include "vkgrid/study/weights_note.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"
#include "vkgrid/formats/tensors.h"
#include "vkgrid/grid/statistics_json.h"
#include "vkgrid/model/weights.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cJSON *weights_description(const struct cell *cell)
{
    // Weights are passed on: whom they were trained on, and where the data lies, stays with the
    // study. How many runs the cell has may change while these stay.
    static const char *const private[] = {"partition",  "raters",       "data_cache_path",
                                          "pretrained", "init_weights", "until"};
    cJSON *description = cJSON_Duplicate(cell->options, true);
    for (size_t i = 0; i < sizeof(private) / sizeof(*private); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(description, private[i]);
    return description;
}

// What stands under a key of the metadata; *json: NULL where nothing does.
static bool read_note(const char *path, const char *key, cJSON **json)
{
    char *text = NULL;
    *json = NULL;
    if (!safetensors_metadata(path, key, &text))
        return false;
    if (!text)
        return true;
    char *where = text_format("%s: %s", path, key);
    const bool read = json_parse(text, strlen(text), where, json);
    free(where);
    free(text);
    return read;
}

bool weights_describe(const char *path, struct cJSON **description)
{
    return read_note(path, "options", description) && weights_add_statistics(path, *description);
}

bool weights_write_noting(const char *path, const struct tensors *weights,
                          const struct weights_notes *notes)
{
    const char *const pairs[][2] = {{"format", "pt"},
                                    {"vkgrid", notes->options ? vkgrid_version() : NULL},
                                    {"options", notes->options},
                                    {"statistics", notes->statistics},
                                    {"flatten", notes->flatten},
                                    {"fold", notes->fold}};
    enum { PAIRS = sizeof(pairs) / sizeof(pairs[0]) };
    const char *metadata[2 * PAIRS + 1] = {NULL};
    for (int i = 0, count = 0; i < PAIRS; i++) {
        if (!pairs[i][1])
            continue;
        metadata[count++] = pairs[i][0];
        metadata[count++] = pairs[i][1];
    }
    return weights_write(path, weights, metadata);
}

// Of the features over those samples. The caller frees it.
static struct value_statistics *join_samples(const struct dataset *dataset, const uint32_t *samples,
                                             int count)
{
    const size_t features = (size_t)dataset->features;
    struct value_statistics *joined = mem_zalloc(features, sizeof(*joined)),
                            *items = mem_zalloc((size_t)count + 1, sizeof(*items));
    for (size_t feature = 0; feature < features; feature++) {
        for (int i = 0; i < count; i++)
            items[i] = dataset->statistics[samples[i] * features + feature];
        joined[feature] = statistics_join(items, count, 1);
    }
    free(items);
    return joined;
}

char *weights_statistics_note(const struct cell *cell, const struct dataset *dataset,
                              const uint32_t *samples, int count)
{
    if (!dataset->trained)
        return NULL;
    struct value_statistics *joined = samples ? join_samples(dataset, samples, count) : NULL;
    cJSON *json = statistics_to_json(cell, joined ? joined : dataset->trained);
    char *text = json_print_line(json);
    cJSON_Delete(json);
    free(joined);
    return text;
}

static bool read_beside(const char *path, const char *key, cJSON **json)
{
    char *beside = weights_options_beside(path);
    cJSON *options = NULL;
    const bool read = !beside || json_read(beside, &options);
    *json = cJSON_DetachItemFromObjectCaseSensitive(options, key);
    cJSON_Delete(options);
    free(beside);
    return read;
}

bool weights_add_statistics(const char *path, struct cJSON *options)
{
    cJSON *json;
    if (!cJSON_IsObject(options) || json_member(options, "statistics"))
        return true;
    if (!read_note(path, "statistics", &json) || (!json && !read_beside(path, "statistics", &json)))
        return false;
    if (json)
        cJSON_AddItemToObject(options, "statistics", json);
    return true;
}

bool weights_read_statistics(const char *path, struct cell *cell)
{
    cJSON *options = cJSON_CreateObject();
    const bool read = weights_add_statistics(path, options) &&
                      cell_take_statistics(cell, json_member(options, "statistics"), path);
    cJSON_Delete(options);
    return read;
}

bool weights_fold(const char *path, int *fold)
{
    cJSON *json;
    *fold = -1;
    if (!read_note(path, "fold", &json) || (!json && !read_beside(path, "fold", &json)))
        return false;
    char *where = text_format("%s: fold", path);
    const bool good = !json || json_get_int(json, where, 0, FOLDS_MOST - 1, fold);
    cJSON_Delete(json);
    free(where);
    return good;
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

bool weights_add_flatten(const char *path, struct cJSON *options)
{
    cJSON *json;
    if (!read_note(path, "flatten", &json))
        return false;
    if (json)
        cJSON_AddItemToObject(options, "flatten", json);
    return true;
}

bool weights_flat_settings(const char *path, struct flat_settings *settings, bool *found)
{
    cJSON *json;
    *found = false;
    if (!read_note(path, "flatten", &json))
        return false;
    char *where = text_format("%s: flatten", path);
    *found = json && read_settings(json, where, settings);
    const bool good = *found || !json;
    cJSON_Delete(json);
    free(where);
    return good;
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
