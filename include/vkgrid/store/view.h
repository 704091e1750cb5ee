// SPDX-License-Identifier: MIT
// A study.db that may be anybody's, opened without the right to change it and believed in nothing.
// queries.h says what can be asked of it.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct cJSON;
struct store_view;

// Opens <out>/study.db, of any format from STORE_FORMAT_OLDEST on, and begins to read one state of
// it, whatever a search writes meanwhile. Nothing is changed, except that what a killed search left
// half written is undone, as the next one would do. Fails when its tables are not a study's.
bool store_view_open(const char *out, struct store_view **view);
void store_view_close(struct store_view **view); // accepts NULL, writes NULL

// From here on the queries that queries.h says so of give rows of these cells alone.
void store_view_choose(struct store_view *view, const int *cells, int count);

// A text of the database that should be JSON, as it stands there; bytes NULL: there is none.
struct json_text {
    const char *bytes;
    size_t size;
};
// Parses it, or returns NULL with the error "<where>: ..." set. The caller deletes it.
struct cJSON *json_text_parse(const struct json_text *text, const char *where);

// A number or a text of a row as JSON, null where there is none. The caller deletes it.
struct cJSON *view_number_json(double number);
struct cJSON *view_text_json(const char *text);
