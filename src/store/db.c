// SPDX-License-Identifier: MIT
#include "store/db.h"

#include "store/data_key.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char schema[] = {
#include "schema.inc"
    0};

#define BUSY_MILLISECONDS 30000 // Optuna's transactions are short

// A journal that cannot be made is said to be one that cannot be opened, whatever the reason.
static bool folder_is_full(const char *file)
{
    char *folder = file_folder(file);
    const bool full = !folder_check_writable(folder) && error_kind() == ERROR_NO_SPACE;
    free(folder);
    return full;
}

bool db_failed(struct store *store, const char *what)
{
    const int code = sqlite3_errcode(store->db) & 0xff, number = sqlite3_system_errno(store->db);
    const bool full = code == SQLITE_FULL ||
                      (code == SQLITE_IOERR && (number == ENOSPC || number == EDQUOT)) ||
                      (code == SQLITE_CANTOPEN && folder_is_full(store->path));
    return error_set_kind(full ? ERROR_NO_SPACE : ERROR_OTHER, "%s: %s: %s", store->path, what,
                          full ? strerror(ENOSPC) : sqlite3_errmsg(store->db));
}

static sqlite3_stmt *prepare(struct store *store, const char *sql)
{
    for (int i = 0; i < store->count; i++)
        if (store->statements[i].sql == sql)
            return store->statements[i].statement;
    sqlite3_stmt *statement;
    if (store->count == STATEMENTS ||
        sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
            SQLITE_OK) {
        db_failed(store, "cannot be used");
        return NULL;
    }
    store->statements[store->count].sql = sql;
    store->statements[store->count++].statement = statement;
    return statement;
}

static sqlite3_stmt *bind(struct store *store, const char *sql, const char *types, va_list args)
{
    sqlite3_stmt *statement = prepare(store, sql);
    if (!statement)
        return NULL;
    sqlite3_reset(statement);
    for (int i = 1; *types; types++, i++) {
        int code = SQLITE_MISUSE;
        if (*types == 'i') {
            code = sqlite3_bind_int64(statement, i, va_arg(args, int64_t));
        } else if (*types == 'd') {
            code = sqlite3_bind_double(statement, i, va_arg(args, double)); // NaN becomes NULL
        } else if (*types == 't') {
            code =
                sqlite3_bind_text(statement, i, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
        } else if (*types == 'b') {
            const void *bytes = va_arg(args, const void *);
            code = sqlite3_bind_blob64(statement, i, bytes, va_arg(args, size_t), SQLITE_TRANSIENT);
        }
        if (code != SQLITE_OK) {
            db_failed(store, "cannot be used");
            return NULL;
        }
    }
    return statement;
}

sqlite3_stmt *db_bind(struct store *store, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    sqlite3_stmt *statement = bind(store, sql, types, args);
    va_end(args);
    return statement;
}

bool db_row(struct store *store, sqlite3_stmt *statement, bool *row)
{
    *row = false;
    if (!statement)
        return false;
    const int code = sqlite3_step(statement);
    *row = code == SQLITE_ROW;
    if (*row)
        return true;
    const bool done = code == SQLITE_DONE || db_failed(store, "cannot be read or written");
    sqlite3_reset(statement);
    return done;
}

bool db_run(struct store *store, const char *sql, const char *types, ...)
{
    bool row;
    va_list args;
    va_start(args, types);
    sqlite3_stmt *statement = bind(store, sql, types, args);
    va_end(args);
    const bool done = db_row(store, statement, &row);
    if (statement)
        sqlite3_reset(statement);
    return done;
}

bool db_integer(struct store *store, sqlite3_stmt *statement, int64_t missing, int64_t *value)
{
    bool row;
    if (!db_row(store, statement, &row))
        return false;
    *value = row ? sqlite3_column_int64(statement, 0) : missing;
    sqlite3_reset(statement);
    return true;
}

const char *db_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}

double db_double(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL
               ? (double)NAN
               : sqlite3_column_double(statement, column);
}

int db_stream(sqlite3_stmt *statement, int column)
{
    const int64_t stream = sqlite3_column_int64(statement, column);
    const bool known = sqlite3_column_type(statement, column) == SQLITE_INTEGER;
    return known && stream >= 0 && stream < INT32_MAX ? (int)stream : -1;
}

// Bytes of a value, and of a row: the pixel counts of 300,000 images with twelve labels have room.
#define VALUE_LIMIT (48 << 20)

static bool open_file(const char *path, int flags, struct store **result)
{
    struct store *store = mem_zalloc(1, sizeof(*store));
    store->path = text_copy(path);
    *result = store;
    // EXTRA: the folder is synced too, so that a journal does not come back after a power loss. 64
    // MiB at most of a large study are kept in memory, where SQLite would keep 2.
    if (sqlite3_open_v2(path, &store->db, flags, NULL) == SQLITE_OK &&
        sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, VALUE_LIMIT) >= 0 &&
        sqlite3_busy_timeout(store->db, BUSY_MILLISECONDS) == SQLITE_OK &&
        sqlite3_exec(store->db, "PRAGMA synchronous = EXTRA; PRAGMA cache_size = -65536", NULL,
                     NULL, NULL) == SQLITE_OK &&
        data_key_functions(store->db) == SQLITE_OK)
        return true;
    return sqlite3_errcode(store->db) == SQLITE_NOTADB
               ? error_set("%s: not a study's database", path)
               : db_failed(store, "cannot be opened");
}

bool store_create(const char *path, struct store **store)
{
    char *format = text_format("%d", STORE_FORMAT);
    *store = NULL;
    if (file_exists(path))
        FAIL("%s: is there already", path);
    CHECK(open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, store));
    CHECK(store_begin(*store));
    if (sqlite3_exec((*store)->db, schema, NULL, NULL, NULL) != SQLITE_OK) {
        db_failed(*store, "cannot be made");
        goto error;
    }
    CHECK(db_run(*store, "INSERT INTO version_info VALUES (1, 12, 'vkgrid ' || ?)", "t",
                 vkgrid_version()));
    CHECK(db_run(*store, "INSERT INTO vkgrid_study VALUES ('format', ?)", "t", format));
    (*store)->format = STORE_FORMAT;
    free(format);
    return true; // committed with what the caller puts into it
error:
    free(format);
    store_close(store);
    return false;
}

// Tables alone, as vkgrid makes them: a view may be a query without end, and a trigger does what
// nobody has asked for.
static bool check_schema(struct store *store)
{
    int64_t others = 0;
    return db_integer(
               store,
               db_bind(store,
                       "SELECT count(*) FROM sqlite_master WHERE type IN ('view', 'trigger')", ""),
               0, &others) &&
           (others == 0 ||
            error_set("%s: not a study of vkgrid: it has views or triggers", store->path));
}

static bool check_format(struct store *store)
{
    int64_t tables = 0;
    sqlite3_stmt *format;
    if (!db_integer(store,
                    db_bind(store,
                            "SELECT count(*) FROM sqlite_master WHERE name IN ('vkgrid_study', "
                            "'vkgrid_runs', 'trials')",
                            ""),
                    0, &tables))
        return error_set("%s: not a study's database: %s", store->path, sqlite3_errmsg(store->db));
    if (tables < 3)
        return error_set("%s: not a study of vkgrid", store->path);
    if (!check_schema(store))
        return false;
    format =
        db_bind(store, "SELECT CAST(value AS INTEGER) FROM vkgrid_study WHERE key = 'format'", "");
    if (!db_integer(store, format, 0, &store->format))
        return false;
    return (store->format >= STORE_FORMAT_OLDEST && store->format <= STORE_FORMAT) ||
           error_set("%s: a study of format %lld, this is vkgrid %s with format %d", store->path,
                     (long long)store->format, vkgrid_version(), STORE_FORMAT);
}

bool store_open(const char *path, struct store **store)
{
    *store = NULL;
    if (!file_exists(path))
        return error_set("%s: no such file: not the folder of a study", path);
    if (open_file(path, SQLITE_OPEN_READWRITE, store) && check_format(*store))
        return true;
    store_close(store);
    return false;
}

void store_close(struct store **store)
{
    if (!*store)
        return;
    store_rollback(*store);
    for (int i = 0; i < (*store)->count; i++)
        sqlite3_finalize((*store)->statements[i].statement);
    sqlite3_close((*store)->db);
    free((*store)->path);
    free(*store);
    *store = NULL;
}

bool store_begin(struct store *store)
{
    return db_run(store, "BEGIN IMMEDIATE", "");
}

bool store_commit(struct store *store)
{
    return db_run(store, "COMMIT", "");
}

void store_rollback(struct store *store)
{
    if (store->db && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

bool store_put(struct store *store, const char *key, const struct cJSON *value)
{
    char *text = json_print_line(value);
    const bool put =
        db_run(store, "INSERT OR REPLACE INTO vkgrid_study VALUES (?, ?)", "tt", key, text);
    free(text);
    return put;
}

bool store_get(struct store *store, const char *key, struct cJSON **value)
{
    bool row, got = true;
    sqlite3_stmt *statement =
        db_bind(store, "SELECT value FROM vkgrid_study WHERE key = ?", "t", key);
    *value = NULL;
    if (!db_row(store, statement, &row))
        return false;
    if (row) {
        const char *text = db_text(statement, 0);
        char *where = text_format("%s: %s", store->path, key);
        got = json_parse(text, strlen(text), where, value);
        free(where);
        sqlite3_reset(statement);
    }
    return got;
}

bool store_put_dataset(struct store *store, const char *key, uint64_t fingerprint,
                       const struct cJSON *images)
{
    char text[HASH_TEXT], *names = json_print_line(images);
    const bool put = db_run(store, "INSERT OR REPLACE INTO vkgrid_datasets VALUES (?, ?, ?)", "ttt",
                            key, hash_print(fingerprint, text), names);
    free(names);
    return put;
}

bool store_get_dataset(struct store *store, const char *key, uint64_t *fingerprint)
{
    bool row;
    sqlite3_stmt *statement =
        store->format >= FORMAT_OF_DATA_KEYS
            ? db_bind(store, "SELECT fingerprint FROM vkgrid_datasets WHERE \"key\" = ?", "t", key)
            : db_bind(store,
                      "SELECT fingerprint FROM vkgrid_datasets WHERE ?1 IN (\"key\", "
                      "data_key(\"key\"))",
                      "t", key);
    *fingerprint = 0;
    if (!db_row(store, statement, &row))
        return false;
    if (row)
        *fingerprint = strtoull(db_text(statement, 0), NULL, 16);
    sqlite3_reset(statement);
    return true;
}

bool store_get_raters(struct store *store, struct cJSON **raters)
{
    bool row, got = true;
    sqlite3_stmt *statement =
        db_bind(store, "SELECT data_raters(\"key\") FROM vkgrid_datasets LIMIT 1", "");
    *raters = NULL;
    if (!db_row(store, statement, &row))
        return false;
    if (row && sqlite3_column_type(statement, 0) == SQLITE_TEXT) {
        const char *text = db_text(statement, 0);
        got = json_parse(text, strlen(text), store->path, raters);
    }
    if (row)
        sqlite3_reset(statement);
    return got;
}

bool store_has_images(struct store *store, const char *key, bool *has)
{
    int64_t count;
    const bool read = db_integer(
        store, db_bind(store, "SELECT count(images) FROM vkgrid_datasets WHERE key = ?", "t", key),
        0, &count);
    *has = read && count > 0;
    return read;
}

bool store_get_images(struct store *store, const char *key, struct cJSON **images)
{
    bool row, got = true;
    sqlite3_stmt *statement =
        db_bind(store, "SELECT images FROM vkgrid_datasets WHERE key = ?", "t", key);
    *images = NULL;
    if (!db_row(store, statement, &row))
        return false;
    if (row) {
        const char *text = db_text(statement, 0);
        got = *text == 0 || json_parse(text, strlen(text), "images", images);
        sqlite3_reset(statement);
    }
    return got;
}
