// SPDX-License-Identifier: MIT
// A database that is whole but holds any values: a good study.db is changed row by row. The input
// is a list of changes,
//   column (1 byte, of all columns of all tables), row (1 byte, modulo), kind of value (1 byte),
//   and for an integer or a real 8 bytes, for a text or a blob its length (2 bytes, little-endian)
//   and bytes;
// kinds: 0 null, 1 integer, 2 real, 3 text, 4 blob, 5 deletes the row.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sqlite3;

enum change_kind { CHANGE_NULL, CHANGE_INT, CHANGE_REAL, CHANGE_TEXT, CHANGE_BLOB, CHANGE_DELETE };
#define CHANGE_KINDS 6

struct table_column {
    const char *table, *keys, *name; // keys: what tells its rows apart
};

// All columns of the database, in its order; they stay to the end. Returns their number.
int list_columns(struct sqlite3 *database, const struct table_column **columns);

void change_values(struct sqlite3 *database, const uint8_t *bytes, size_t size);
