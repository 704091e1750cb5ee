// SPDX-License-Identifier: MIT
// SQLite with this program's errors; private to src/store/.
#pragma once

#include "vkgrid/store/store.h"

#include <sqlite3.h>

#define STATEMENTS 96 // most different ones

#define FORMAT_OF_GROWTH \
    5 // since when cells have a stream, may be outside the grid, or opened again

struct store {
    sqlite3 *db;
    char *path;
    int64_t format; // of vkgrid's own tables
    struct {
        const char *sql; // a literal: compared by address
        sqlite3_stmt *statement;
    } statements[STATEMENTS]; // prepared once
    int count;
    bool (*wait)(void *context); // store_when_full()
    void *wait_context;
};

// Sets the message for what SQLite says failed, with the kind that follows. Returns false.
bool db_failed(struct store *store, const char *what);

// The statement of a literal, reset, with its parameters bound. `types` has a letter for each: i
// int64_t, d double (NaN becomes NULL), t text (NULL becomes NULL), b bytes and size_t.
sqlite3_stmt *db_bind(struct store *store, const char *sql, const char *types, ...);

// db_bind() of a statement that gives no rows, and its execution.
bool db_run(struct store *store, const char *sql, const char *types, ...);

// One row more: true with *row set when there is one; false only after an error.
bool db_row(struct store *store, sqlite3_stmt *statement, bool *row);

// The one integer that a statement gives; `missing` when it gives none.
bool db_integer(struct store *store, sqlite3_stmt *statement, int64_t missing, int64_t *value);

// A column as text, "" when it is NULL; as a double, NaN when it is NULL.
const char *db_text(sqlite3_stmt *statement, int column);
double db_double(sqlite3_stmt *statement, int column);

// What a cell's random numbers are drawn by, -1: its number.
int db_stream(sqlite3_stmt *statement, int column);
