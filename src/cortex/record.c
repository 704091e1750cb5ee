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

bool flat_record_write(const char *data, const struct flat_settings *settings)
{
    char *path = text_format("%s/flatten.json", data);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "projection", PROJECTION);
    cJSON_AddNumberToObject(json, "radius", settings->radius);
    cJSON_AddNumberToObject(json, "rows", settings->rows);
    cJSON_AddStringToObject(json, "vkgrid", vkgrid_version());
    const bool written = json_write(path, json);
    cJSON_Delete(json);
    free(path);
    return written;
}
