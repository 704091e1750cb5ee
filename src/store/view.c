// SPDX-License-Identifier: MIT
#include "store/view.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/utf8.h"
#include "vkgrid/store/store.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_WAIT 10000        // milliseconds for which a search may hold the database
#define VALUE_LIMIT (16 << 20) // bytes of a value, and of a row

// A message about what the file holds: it may quote anything, and goes to a terminal.
static bool failed(const struct store_view *view, const char *message)
{
    char *clean = text_copy(message);
    for (char *c = clean; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    error_set("%s: %.300s", view->path, clean);
    free(clean);
    return false;
}

static bool sqlite_failed(const struct store_view *view)
{
    return failed(view, sqlite3_errmsg(view->handle));
}

static void free_texts(struct store_view *view)
{
    while (view->text_count > 0)
        free(view->texts[--view->text_count]);
}

bool view_each(struct store_view *view, const char *sql,
               bool (*row)(struct store_view *view, sqlite3_stmt *row, void *context),
               void *context)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(view->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return sqlite_failed(view);
    int status;
    bool good = true;
    while (good && (status = sqlite3_step(statement)) == SQLITE_ROW) {
        good = row(view, statement, context);
        free_texts(view);
    }
    if (good && status != SQLITE_DONE)
        good = sqlite_failed(view);
    else if (!good)
        failed(view, error_text());
    sqlite3_finalize(statement);
    return good;
}

int view_int(sqlite3_stmt *row, int column)
{
    const sqlite3_int64 value = sqlite3_column_int64(row, column);
    return value < INT_MIN ? INT_MIN : value > INT_MAX ? INT_MAX : (int)value;
}

double view_number(sqlite3_stmt *row, int column)
{
    const int type = sqlite3_column_type(row, column);
    const double value = sqlite3_column_double(row, column);
    return (type == SQLITE_INTEGER || type == SQLITE_FLOAT) && isfinite(value) ? value
                                                                               : (double)NAN;
}

const char *view_text(struct store_view *view, sqlite3_stmt *row, int column)
{
    if (sqlite3_column_type(row, column) != SQLITE_TEXT)
        return NULL;
    char *text = utf8_copy((const char *)sqlite3_column_text(row, column));
    view->texts[view->text_count++] = text;
    return text;
}

struct json_text view_json(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return (struct json_text){text, text ? (size_t)sqlite3_column_bytes(row, column) : 0};
}

struct cJSON *json_text_parse(const struct json_text *text, const char *where)
{
    cJSON *json = NULL;
    if (!text->bytes) {
        error_set("%s: is empty: JSON is allowed", where);
    } else if (strlen(text->bytes) != text->size) {
        error_set("%s: has a NUL: JSON is allowed", where);
    } else {
        char *clean = utf8_copy(text->bytes); // its strings are told to others
        json_parse(clean, strlen(clean), where, &json);
        free(clean);
    }
    return json;
}

struct cJSON *view_number_json(double number)
{
    return isnan(number) ? cJSON_CreateNull() : cJSON_CreateNumber(number);
}

struct cJSON *view_text_json(const char *text)
{
    return text ? cJSON_CreateString(text) : cJSON_CreateNull();
}

static bool take_int(struct store_view *view, sqlite3_stmt *row, void *context)
{
    (void)view;
    *(int *)context = view_int(row, 0);
    return true;
}

// Real tables only: a view could hide a query without end.
static bool check_tables(struct store_view *view)
{
    int tables = 0;
    if (!view_each(view,
                   "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND "
                   "name IN ('studies', 'trials', 'trial_values', 'trial_user_attributes', "
                   "'vkgrid_study', 'vkgrid_datasets', 'vkgrid_cells', 'vkgrid_runs', "
                   "'vkgrid_epochs')",
                   take_int, &tables))
        return false;
    if (tables != 9)
        return error_set("%s: is not a study of vkgrid: tables are missing", view->path);
    if (!view_each(view, "SELECT value FROM vkgrid_study WHERE \"key\" = 'format'", take_int,
                   &view->format))
        return false;
    return (view->format >= STORE_FORMAT_OLDEST && view->format <= STORE_FORMAT) ||
           error_set("%s: has format %d: %d to %d are allowed", view->path, view->format,
                     STORE_FORMAT_OLDEST, STORE_FORMAT);
}

// A study that was killed leaves a journal that must be rolled back, which takes a writer. What is
// done then is what the next search would do.
static bool begin(struct store_view *view)
{
    static const int flags[] = {SQLITE_OPEN_READONLY, SQLITE_OPEN_READWRITE};
    int status = SQLITE_OK;
    for (int i = 0; i < 2; i++) {
        sqlite3_close(view->handle);
        view->handle = NULL;
        status = sqlite3_open_v2(view->path, &view->handle, flags[i], NULL);
        if (status != SQLITE_OK)
            break;
        sqlite3_extended_result_codes(view->handle, 1);
        sqlite3_busy_timeout(view->handle, BUSY_WAIT);
        sqlite3_limit(view->handle, SQLITE_LIMIT_LENGTH, VALUE_LIMIT);
        sqlite3_db_config(view->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(view->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        status = sqlite3_exec(view->handle,
                              "PRAGMA query_only = 1; PRAGMA cell_size_check = 1; BEGIN; "
                              "SELECT count(*) FROM sqlite_master",
                              NULL, NULL, NULL);
        if (status != SQLITE_READONLY_ROLLBACK && status != SQLITE_READONLY_RECOVERY)
            break;
    }
    return status == SQLITE_OK || sqlite_failed(view);
}

bool store_view_open(const char *out, struct store_view **result)
{
    struct store_view *view = mem_zalloc(1, sizeof(*view));
    view->path = text_format("%s/study.db", out);
    *result = view;
    if (!folder_exists(out))
        FAIL("%s: no such folder", out);
    if (!file_exists(view->path))
        FAIL("%s: no such file: %s is not the folder of a study", view->path, out);
    CHECK(begin(view));
    CHECK(check_tables(view));
    return true;
error:
    store_view_close(result);
    return false;
}

void store_view_choose(struct store_view *view, const int *cells, int count)
{
    struct text list = {0};
    for (int i = 0; i < count; i++)
        text_add(&list, "%s%d", i > 0 ? "," : "", cells[i]);
    free(view->chosen);
    view->chosen = text_format("cell IN (%s)", list.bytes ? list.bytes : "");
    free(list.bytes);
}

void store_view_close(struct store_view **view)
{
    if (!*view)
        return;
    sqlite3_close((*view)->handle);
    free((*view)->chosen);
    free((*view)->path);
    free(*view);
    *view = NULL;
}
