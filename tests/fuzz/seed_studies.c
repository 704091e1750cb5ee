// SPDX-License-Identifier: MIT
#include "tests/fuzz/seeds.h"

#include "tests/formats/build.h"
#include "tests/fuzz/good_study.h"
#include "tests/fuzz/values.h"
#include "vkgrid/base/memory.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A change of one value to what it is already, which mutations go on from.
static void add_change(struct bytes *file, int column, int row, sqlite3_stmt *value)
{
    const int type = sqlite3_column_type(value, 0);
    const uint8_t head[3] = {(uint8_t)column, (uint8_t)row,
                             (uint8_t)(type == SQLITE_INTEGER ? CHANGE_INT
                                       : type == SQLITE_FLOAT ? CHANGE_REAL
                                       : type == SQLITE_TEXT  ? CHANGE_TEXT
                                       : type == SQLITE_BLOB  ? CHANGE_BLOB
                                                              : CHANGE_NULL)};
    bytes_add(file, head, 3);
    if (type == SQLITE_INTEGER) {
        const int64_t number = sqlite3_column_int64(value, 0);
        bytes_add(file, &number, 8);
    } else if (type == SQLITE_FLOAT) {
        const double number = sqlite3_column_double(value, 0);
        bytes_add(file, &number, 8);
    } else if (type != SQLITE_NULL) {
        const void *bytes = sqlite3_column_blob(value, 0);
        const uint16_t size = (uint16_t)sqlite3_column_bytes(value, 0);
        bytes_add(file, &size, 2);
        bytes_add(file, bytes, size);
    }
}

// Behind a byte below `kinds`, by which the harness chooses what to do.
static void seed_kinds(const char *reader, int kinds, const char *column,
                       const struct bytes *changes)
{
    for (int kind = 0; kind < kinds; kind++) {
        struct bytes file = {0};
        char *name = text_format("%s-%d", column, kind);
        bytes_add(&file, &(uint8_t){(uint8_t)kind}, 1);
        bytes_add(&file, changes->at, changes->size);
        seed_take(reader, name, &file);
        free(name);
    }
}

static void seed_column(sqlite3 *database, int number, const struct table_column *column)
{
    struct bytes file = {0};
    sqlite3_stmt *value = NULL;
    char *sql = text_format("SELECT \"%s\" FROM \"%s\" LIMIT 3", column->name, column->table),
         *name = text_format("%s.%s", column->table, column->name);
    seed_need(sqlite3_prepare_v2(database, sql, -1, &value, NULL) == SQLITE_OK, sql);
    for (int row = 0; sqlite3_step(value) == SQLITE_ROW; row++)
        add_change(&file, number, row, value);
    sqlite3_finalize(value);
    if (file.size > 0) {
        seed_kinds("study_values", STUDY_READERS, name, &file);
        seed_kinds("merge", 2, name, &file);
    }
    bytes_free(&file);
    free(name);
    free(sql);
}

void seed_studies(void)
{
    const struct table_column *columns;
    sqlite3 *database = NULL;
    size_t size;
    uint8_t *bytes = good_study("study.db", &size);
    char *path = text_format("%s/study.db", fuzz_folder());
    seed_bytes("study", "study.db", bytes, size);
    seed_need(sqlite3_open(path, &database) == SQLITE_OK, path);
    const int count = list_columns(database, &columns);
    for (int i = 0; i < count; i++)
        seed_column(database, i, &columns[i]);
    sqlite3_close(database);
    free(path);
    free(bytes);
}
