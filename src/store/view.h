// SPDX-License-Identifier: MIT
// Rows of a study.db that is believed in nothing, and conversions of their columns; private to
// src/store/.
#pragma once

#include "vkgrid/store/view.h"

#include <sqlite3.h>
#include <stdint.h>

#define VIEW_TEXTS 8 // most of a row

struct store_view {
    sqlite3 *handle;
    char *path;
    int format;
    char *chosen;            // a condition on `cell`; NULL: none
    char *texts[VIEW_TEXTS]; // of the row that is read now
    int text_count;
};

// Calls `row` for each row of the result until it fails. Its error gets the path in front, and
// nothing that a terminal would not show.
bool view_each(struct store_view *view, const char *sql,
               bool (*row)(struct store_view *view, sqlite3_stmt *row, void *context),
               void *context);

// A column as an integer; what is out of range is the nearest one, what is no number is 0.
int view_int(sqlite3_stmt *row, int column);

// As a number: NaN when it is none, or not finite.
double view_number(sqlite3_stmt *row, int column);

// As a text, valid UTF-8, until the next row; NULL when it is none.
const char *view_text(struct store_view *view, sqlite3_stmt *row, int column);

// As a text that should be JSON.
struct json_text view_json(sqlite3_stmt *row, int column);
