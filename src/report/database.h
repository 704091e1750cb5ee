// SPDX-License-Identifier: MIT
// study.db as a reader sees it: opened without the right to change it, believed in nothing.
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

struct cJSON;

struct database {
    sqlite3 *handle;
    char *path;
};

// Opens <out>/study.db and begins to read one state of it. Fails when its tables are not a study's.
bool database_open(const char *out, struct database *database);
void database_close(struct database *database); // leaves an empty database

// Calls `row` for each row of the result until it fails.
bool database_each(const struct database *database, const char *sql,
                   bool (*row)(void *context, sqlite3_stmt *row), void *context);

// A column as JSON: a finite number; a text in which what is no UTF-8 is replaced; else null.
struct cJSON *column_json(sqlite3_stmt *row, int column);
