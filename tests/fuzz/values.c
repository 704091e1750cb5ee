// SPDX-License-Identifier: MIT
#include "tests/fuzz/values.h"

#include "vkgrid/base/memory.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 256

// What tells the rows of a table apart.
static char *keys_of(sqlite3 *database, const char *table)
{
    sqlite3_stmt *row = NULL;
    if (sqlite3_prepare_v2(database,
                           "SELECT group_concat('\"' || name || '\"', ', ') FROM "
                           "pragma_table_info(?) WHERE pk > 0",
                           -1, &row, NULL) != SQLITE_OK)
        abort();
    sqlite3_bind_text(row, 1, table, -1, SQLITE_STATIC);
    sqlite3_step(row);
    const char *keys = (const char *)sqlite3_column_text(row, 0);
    char *copy = text_copy(keys ? keys : "rowid");
    sqlite3_finalize(row);
    return copy;
}

int list_columns(sqlite3 *database, const struct table_column **columns)
{
    static struct table_column list[COLUMNS];
    static int count;
    sqlite3_stmt *row = NULL;
    if (count == 0 &&
        sqlite3_prepare_v2(database,
                           "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) "
                           "c WHERE m.type = 'table' ORDER BY m.rowid, c.cid",
                           -1, &row, NULL) != SQLITE_OK)
        abort();
    while (row && count < COLUMNS && sqlite3_step(row) == SQLITE_ROW) {
        char *table = text_copy((const char *)sqlite3_column_text(row, 0));
        list[count++] = (struct table_column){table, keys_of(database, table),
                                              text_copy((const char *)sqlite3_column_text(row, 1))};
    }
    sqlite3_finalize(row);
    *columns = list;
    return count;
}

struct input {
    const uint8_t *at;
    size_t left;
};

static const uint8_t *take(struct input *input, size_t size)
{
    if (input->left < size)
        return NULL;
    const uint8_t *at = input->at;
    input->at += size;
    input->left -= size;
    return at;
}

// Binds the value of that kind; false where the input ends.
static bool bind_value(sqlite3_stmt *statement, int kind, struct input *input)
{
    const uint8_t *at = take(input, kind <= CHANGE_NULL || kind >= CHANGE_DELETE ? 0
                                    : kind <= CHANGE_REAL                        ? 8
                                                                                 : 2);
    if (!at)
        return false;
    if (kind == CHANGE_INT) {
        int64_t number;
        memcpy(&number, at, 8);
        sqlite3_bind_int64(statement, 1, number);
    } else if (kind == CHANGE_REAL) {
        double number;
        memcpy(&number, at, 8);
        sqlite3_bind_double(statement, 1, number);
    } else if (kind == CHANGE_TEXT || kind == CHANGE_BLOB) {
        const size_t wanted = at[0] | (size_t)at[1] << 8,
                     size = wanted < input->left ? wanted : input->left;
        at = take(input, size);
        if (kind == CHANGE_TEXT)
            sqlite3_bind_text(statement, 1, (const char *)at, (int)size, SQLITE_TRANSIENT);
        else
            sqlite3_bind_blob(statement, 1, at, (int)size, SQLITE_TRANSIENT);
    }
    return true;
}

static sqlite3_stmt *prepare(sqlite3 *database, const struct table_column *column, bool removes)
{
    sqlite3_stmt *statement = NULL;
    char *sql = removes
                    ? text_format(
                          "DELETE FROM \"%s\" WHERE (%s) = (SELECT %s FROM \"%s\" LIMIT 1 "
                          "OFFSET ?2 %% (SELECT count(*) FROM \"%s\"))",
                          column->table, column->keys, column->keys, column->table, column->table)
                    : text_format(
                          "UPDATE OR IGNORE \"%s\" SET \"%s\" = ?1 WHERE (%s) = (SELECT %s "
                          "FROM \"%s\" LIMIT 1 OFFSET ?2 %% (SELECT count(*) FROM \"%s\"))",
                          column->table, column->name, column->keys, column->keys, column->table,
                          column->table);
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        abort();
    free(sql);
    return statement;
}

static bool change_one(sqlite3 *database, struct input *input)
{
    const struct table_column *columns;
    const int count = list_columns(database, &columns);
    const uint8_t *head = take(input, 3);
    if (!head)
        return false;
    const int kind = head[2] % CHANGE_KINDS;
    sqlite3_stmt *statement = prepare(database, &columns[head[0] % count], kind == CHANGE_DELETE);
    const bool whole = bind_value(statement, kind, input);
    sqlite3_bind_int(statement, 2, head[1]);
    if (whole)
        sqlite3_step(statement); // what the table does not take stays as it was
    sqlite3_finalize(statement);
    return whole;
}

void change_values(sqlite3 *database, const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, size};
    while (change_one(database, &input))
        ;
}
