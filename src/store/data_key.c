// SPDX-License-Identifier: MIT
#include "store/data_key.h"

#include <cjson/cJSON.h>
#include <string.h>

#define RATERS 3 // texts before it
#define FOLDER 4

// Where that text of the key begins, NULL where it has fewer; *end: where it ends.
static const char *find_text(const char *key, int text, const char **end)
{
    *end = key;
    for (int i = 0; *end && **end == ' '; i++) {
        const char *begin = *end + 1;
        cJSON *json = cJSON_ParseWithOpts(begin, end, 0);
        const int good = json != NULL;
        cJSON_Delete(json);
        if (!good)
            return NULL;
        if (i == text)
            return begin;
    }
    return NULL;
}

static void data_key(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *key = (const char *)sqlite3_value_text(values[0]), *end;
    const char *folder = key ? find_text(key, FOLDER, &end) : NULL;
    (void)count;
    if (!folder)
        return;
    char *now = sqlite3_mprintf("%.*s%s", (int)(folder - key) - 1, key, end);
    if (now)
        sqlite3_result_text(context, now, -1, sqlite3_free);
    else
        sqlite3_result_error_nomem(context);
}

static void data_raters(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *key = (const char *)sqlite3_value_text(values[0]), *end;
    const char *raters = key ? find_text(key, RATERS, &end) : NULL;
    (void)count;
    if (raters)
        sqlite3_result_text(context, raters, (int)(end - raters), SQLITE_TRANSIENT);
}

int data_key_functions(sqlite3 *db)
{
    static const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    const int code = sqlite3_create_function(db, "data_key", 1, flags, NULL, data_key, NULL, NULL);
    return code != SQLITE_OK ? code
                             : sqlite3_create_function(db, "data_raters", 1, flags, NULL,
                                                       data_raters, NULL, NULL);
}
