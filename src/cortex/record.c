// SPDX-License-Identifier: MIT
// flatten.json of a data set: how its images were made.
#include "vkgrid/cortex/flatten.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define PROJECTION "occipital_pole"

bool flat_record_read(const char *data, struct flat_settings *settings, bool *found)
{
    char *path = text_format("%s/flatten.json", data), *where = NULL;
    cJSON *json = NULL;
    double radius;
    int rows;
    *found = file_exists(path);
    bool read = !*found || json_read(path, &json);
    if (read && *found) {
        where = text_format("%s: radius", path);
        read = json_expect_object(json, path) &&
               json_get_positive(json_member(json, "radius"), where, FLAT_RADIUS_MOST, &radius);
        free(where);
        where = text_format("%s: rows", path);
        read = read && json_get_int(json_member(json, "rows"), where, FLAT_ROWS_LEAST,
                                    FLAT_ROWS_MOST, &rows);
        if (read)
            *settings = (struct flat_settings){.radius = radius, .rows = rows};
        free(where);
    }
    cJSON_Delete(json);
    free(path);
    return read;
}

// As it stands behind "NAME=" of an option; NULL: of the features that need none. The caller frees
// it.
static char *source_text(const struct flat_source *source)
{
    if (!source->pattern)
        return NULL;
    return source->key ? text_format("%s:%s", source->pattern, source->key)
                       : text_copy(source->pattern);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

// "with --label V1=varea.mgz:1", "without --feature convexity"
static char *made_with(const char *option, const char *name, const char *text)
{
    return text ? text_format("with %s %s=%s", option, name, text)
                : text_format("without %s %s", option, name);
}

// The text of a member, which may be null or missing: NULL. *good becomes false for all else.
static const char *member_text(const cJSON *object, const char *key, bool *good)
{
    const cJSON *member = json_member(object, key);
    if (!member || cJSON_IsNull(member) || cJSON_IsString(member))
        return member ? member->valuestring : NULL;
    *good = error_set("flatten.json: %s: a text or null is allowed", key);
    return NULL;
}

struct comparison {
    enum flat_likeness likeness;
    char *what; // of the first difference of the worst kind
};

static void differ(struct comparison *comparison, enum flat_likeness likeness, char *what)
{
    if (likeness <= comparison->likeness) {
        free(what);
        return;
    }
    free(comparison->what);
    *comparison = (struct comparison){likeness, what};
}

static const struct flat_source *find_source(const struct flat_source *sources, int count,
                                             const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(sources[i].name, name) == 0)
            return &sources[i];
    return NULL;
}

// What is there of a source that is not named any more; where its folder is gone too, nothing.
static void compare_left_out(const char *data, const cJSON *before, const char *option,
                             struct comparison *comparison)
{
    char *folder = text_format("%s/%s", data, before->string);
    if (!strchr(before->string, '/') && folder_exists(folder))
        differ(comparison, FLAT_LACKS,
               before->valuestring
                   ? text_format("%s %s=%s", option, before->string, before->valuestring)
                   : text_copy(before->string));
    free(folder);
}

static bool compare_sources(const char *data, const cJSON *before, const char *option,
                            const struct flat_source *sources, int count,
                            struct comparison *comparison)
{
    const cJSON *member;
    bool good = true;
    for (int i = 0; i < count && good; i++) {
        char *text = source_text(&sources[i]);
        const char *old = member_text(before, sources[i].name, &good);
        if (!json_member(before, sources[i].name))
            differ(comparison, FLAT_ADDS,
                   text_format("%s %s=%s", option, sources[i].name, text ? text : ""));
        else if (good && !same_text(text, old))
            differ(comparison, FLAT_DIFFERS, made_with(option, sources[i].name, old));
        free(text);
    }
    cJSON_ArrayForEach(member, before) if (!find_source(sources, count, member->string))
        compare_left_out(data, member, option, comparison);
    return good;
}

static bool compare_files(const cJSON *before, const struct subject_patterns *patterns,
                          struct comparison *comparison)
{
    bool good = true;
    for (int i = 0; i < SUBJECT_FILES && good; i++) {
        const char *old = member_text(before, subject_file_names[i], &good);
        if (good && !same_text(patterns->files[i], old))
            differ(comparison, FLAT_DIFFERS, made_with("--file", subject_file_names[i], old));
    }
    return good;
}

static bool compare_fsaverage(const cJSON *json, const char *fsaverage,
                              struct comparison *comparison)
{
    bool good = true;
    const char *old = member_text(json, "fsaverage", &good);
    if (good && !same_text(old, fsaverage))
        differ(comparison, FLAT_DIFFERS, text_copy("with another --fsaverage"));
    return good;
}

bool flat_record_compare(const struct flat_request *request, enum flat_likeness *likeness,
                         char **what)
{
    char *path = text_format("%s/flatten.json", request->data);
    struct comparison comparison = {FLAT_SAME, NULL};
    cJSON *json = NULL;
    bool good = json_read(path, &json);
    const cJSON *features = json_member(json, "features"), *labels = json_member(json, "labels"),
                *files = json_member(json, "files");
    if (good && cJSON_IsObject(features) && cJSON_IsObject(labels) && cJSON_IsObject(files))
        good = compare_sources(request->data, features, "--feature", request->features,
                               request->feature_count, &comparison) &&
               compare_sources(request->data, labels, "--label", request->labels,
                               request->label_count, &comparison) &&
               compare_files(files, &request->patterns, &comparison) &&
               compare_fsaverage(json, request->fsaverage, &comparison);
    else if (good)
        differ(&comparison, FLAT_DIFFERS, text_copy("what flatten.json does not say"));
    *likeness = comparison.likeness;
    *what = comparison.what;
    cJSON_Delete(json);
    free(path);
    return good;
}

static void add_sources(cJSON *json, const char *key, const struct flat_source *sources, int count)
{
    cJSON *object = cJSON_AddObjectToObject(json, key);
    for (int i = 0; i < count; i++) {
        char *text = source_text(&sources[i]);
        cJSON_AddItemToObject(object, sources[i].name,
                              text ? cJSON_CreateString(text) : cJSON_CreateNull());
        free(text);
    }
}

bool flat_record_write(const struct flat_request *request)
{
    char *path = text_format("%s/flatten.json", request->data);
    cJSON *json = cJSON_CreateObject(), *files;
    cJSON_AddStringToObject(json, "projection", PROJECTION);
    cJSON_AddNumberToObject(json, "radius", request->settings.radius);
    cJSON_AddNumberToObject(json, "rows", request->settings.rows);
    add_sources(json, "features", request->features, request->feature_count);
    add_sources(json, "labels", request->labels, request->label_count);
    files = cJSON_AddObjectToObject(json, "files");
    for (int i = 0; i < SUBJECT_FILES; i++)
        if (request->patterns.files[i])
            cJSON_AddStringToObject(files, subject_file_names[i], request->patterns.files[i]);
    if (request->fsaverage)
        cJSON_AddStringToObject(json, "fsaverage", request->fsaverage);
    cJSON_AddStringToObject(json, "vkgrid", vkgrid_version());
    const bool written = json_write(path, json);
    cJSON_Delete(json);
    free(path);
    return written;
}
