// SPDX-License-Identifier: MIT
#include "report/database.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_WAIT 10000        // milliseconds for which a search may hold the database
#define VALUE_LIMIT (16 << 20) // bytes of a value, and of a row

// A message about what the file holds: it may quote anything, and goes to a terminal.
static bool failed(const struct database *database, const char *message)
{
    char *clean = text_copy(message);
    for (char *c = clean; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    error_set("%s: %.300s", database->path, clean);
    free(clean);
    return false;
}

static bool sqlite_failed(const struct database *database)
{
    return failed(database, sqlite3_errmsg(database->handle));
}

bool database_each(const struct database *database, const char *sql,
                   bool (*row)(void *context, sqlite3_stmt *row), void *context)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return sqlite_failed(database);
    int status;
    bool good = true;
    while (good && (status = sqlite3_step(statement)) == SQLITE_ROW)
        good = row(context, statement);
    if (good && status != SQLITE_DONE)
        good = sqlite_failed(database);
    else if (!good)
        failed(database, error_text());
    sqlite3_finalize(statement);
    return good;
}

static bool count_row(void *context, sqlite3_stmt *row)
{
    *(int *)context = sqlite3_column_int(row, 0);
    return true;
}

// Real tables only: a view could hide a query without end.
static bool check_tables(const struct database *database)
{
    int tables = 0, format = 0;
    if (!database_each(database,
                       "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND "
                       "name IN ('studies', 'trials', 'trial_values', 'trial_user_attributes', "
                       "'vkgrid_study', 'vkgrid_datasets', 'vkgrid_cells', 'vkgrid_runs', "
                       "'vkgrid_epochs')",
                       count_row, &tables))
        return false;
    if (tables != 9)
        return error_set("%s: is not a study of vkgrid: tables are missing", database->path);
    if (!database_each(database, "SELECT value FROM vkgrid_study WHERE \"key\" = 'format'",
                       count_row, &format))
        return false;
    return format == 2 || error_set("%s: has format %d: 2 is allowed", database->path, format);
}

// A study that was killed leaves a journal that must be rolled back, which takes a writer. What is
// done then is what the next search would do.
static bool begin(struct database *database)
{
    static const int flags[] = {SQLITE_OPEN_READONLY, SQLITE_OPEN_READWRITE};
    int status = SQLITE_OK;
    for (int i = 0; i < 2; i++) {
        sqlite3_close(database->handle);
        database->handle = NULL;
        status = sqlite3_open_v2(database->path, &database->handle, flags[i], NULL);
        if (status != SQLITE_OK)
            break;
        sqlite3_extended_result_codes(database->handle, 1);
        sqlite3_busy_timeout(database->handle, BUSY_WAIT);
        sqlite3_limit(database->handle, SQLITE_LIMIT_LENGTH, VALUE_LIMIT);
        sqlite3_db_config(database->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(database->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        status = sqlite3_exec(database->handle,
                              "PRAGMA query_only = 1; PRAGMA cell_size_check = 1; BEGIN; "
                              "SELECT count(*) FROM sqlite_master",
                              NULL, NULL, NULL);
        if (status != SQLITE_READONLY_ROLLBACK && status != SQLITE_READONLY_RECOVERY)
            break;
    }
    return status == SQLITE_OK || sqlite_failed(database);
}

bool database_open(const char *out, struct database *database)
{
    *database = (struct database){.path = text_format("%s/study.db", out)};
    if (!folder_exists(out))
        FAIL("%s: no such folder", out);
    if (!file_exists(database->path))
        FAIL("%s: no such file: %s is not the folder of a study", database->path, out);
    CHECK(begin(database));
    CHECK(check_tables(database));
    return true;
error:
    database_close(database);
    return false;
}

void database_close(struct database *database)
{
    sqlite3_close(database->handle);
    free(database->path);
    *database = (struct database){0};
}

// Bytes of the character that begins here, 0 when it is no UTF-8.
static int utf8_length(const unsigned char *text)
{
    const int length = text[0] < 0x80   ? 1
                       : text[0] < 0xc2 ? 0
                       : text[0] < 0xe0 ? 2
                       : text[0] < 0xf0 ? 3
                       : text[0] < 0xf5 ? 4
                                        : 0;
    for (int i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    const bool overlong =
        (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xf0 && text[1] < 0x90);
    const bool surrogate = text[0] == 0xed && text[1] > 0x9f;
    const bool too_high = text[0] == 0xf4 && text[1] > 0x8f;
    return length > 1 && (overlong || surrogate || too_high) ? 0 : length;
}

static cJSON *text_json(const unsigned char *text)
{
    char *clean = mem_alloc(3 * strlen((const char *)text) + 1), *end = clean;
    while (*text) {
        const int length = utf8_length(text);
        end =
            mempcpy(end, length ? (const char *)text : "\xef\xbf\xbd", length ? (size_t)length : 3);
        text += length ? length : 1;
    }
    *end = '\0';
    cJSON *json = cJSON_CreateString(clean);
    free(clean);
    return json;
}

cJSON *column_json(sqlite3_stmt *row, int column)
{
    const double number = sqlite3_column_double(row, column);
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
    case SQLITE_FLOAT:
        return isfinite(number) ? cJSON_CreateNumber(number) : cJSON_CreateNull();
    case SQLITE_TEXT:
        return text_json(sqlite3_column_text(row, column));
    default:
        return cJSON_CreateNull();
    }
}
