// SPDX-License-Identifier: MIT
// JSON files over cJSON, read strictly: RFC 8259 and nothing more, no key twice, no number
// that overflows.
//
// `where` names a value in messages, "grid.json: static.lr"; messages say what is allowed there.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define JSON_LIMIT ((size_t)16 << 20) // bytes of a file
#define JSON_DEPTH 64                 // levels of lists and objects

struct cJSON;

// The caller ends *json with cJSON_Delete. Errors give file, line and column.
bool json_read(const char *path, struct cJSON **json);
bool json_parse(const char *text, size_t size, const char *where, struct cJSON **json);

// Indented text that ends with a newline; values that fit on a line stand on one. Numbers are the
// shortest that read back as the same double. The caller frees it.
char *json_print(const struct cJSON *json);
char *json_print_line(const struct cJSON *json); // all on one line, no newline
bool json_write(const char *path, const struct cJSON *json);

// The shortest decimal text of a finite number that reads back as the same double; "nan" and
// "inf" otherwise.
#define NUMBER_TEXT 32
const char *number_text(double value, char text[static NUMBER_TEXT]);

// The member of that name, or NULL. Case matters, as it does not in cJSON_GetObjectItem.
struct cJSON *json_member(const struct cJSON *object, const char *key);

// Typed reading. `value` may be NULL: "is missing".
bool json_get_number(const struct cJSON *value, const char *where, double low, double high,
                     double *result);
bool json_get_positive(const struct cJSON *value, const char *where, double high,
                       double *result); // 0 < result <= high
bool json_get_integer(const struct cJSON *value, const char *where, double low, double high,
                      double *result);
bool json_get_int(const struct cJSON *value, const char *where, int low, int high, int *result);
bool json_get_bool(const struct cJSON *value, const char *where, bool *result);
bool json_get_text(const struct cJSON *value, const char *where,
                   const char **result); // not empty; lives as long as value

// Fails unless it is a list of at least `least` elements, or an object.
bool json_expect_list(const struct cJSON *value, const char *where, int least);
bool json_expect_object(const struct cJSON *value, const char *where);

// Fails on a member of the object whose key is not in `keys` (NULL-terminated), naming the nearest
// and all that are allowed.
bool json_expect_keys(const struct cJSON *object, const char *where, const char *const *keys);
