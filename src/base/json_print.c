// SPDX-License-Identifier: MIT
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 100 // columns of a line, where lines can be broken

const char *number_text(double value, char text[static NUMBER_TEXT])
{
    if (isnan(value))
        return strcpy(text, "nan");
    if (fabs(value) < 0x1p53 && value == floor(value)) {
        snprintf(text, NUMBER_TEXT, "%lld", (long long)value);
        return text;
    }
    // A decimal of 15 digits comes back as it is, without the zeros at its end, so that fewer give
    // the same text.
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        snprintf(text, NUMBER_TEXT, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return text;
}

static void put(struct text *out, const char *string)
{
    text_put(out, string, strlen(string));
}

static void print_string(struct text *out, const char *string)
{
    put(out, "\"");
    while (*string) {
        size_t plain = 0;
        while ((unsigned char)string[plain] >= ' ' && string[plain] != '"' && string[plain] != '\\')
            plain++;
        text_put(out, string, plain);
        string += plain;
        if (*string == '"' || *string == '\\')
            text_add(out, "\\%c", *string++);
        else if (*string)
            text_add(out, "\\u%04x", (unsigned)(unsigned char)*string++);
    }
    put(out, "\"");
}

static void print_scalar(struct text *out, const cJSON *value)
{
    char text[NUMBER_TEXT];
    if (cJSON_IsString(value))
        print_string(out, value->valuestring);
    else if (cJSON_IsNumber(value) && isfinite(value->valuedouble))
        put(out, number_text(value->valuedouble, text));
    else
        put(out, cJSON_IsTrue(value) ? "true" : cJSON_IsFalse(value) ? "false" : "null");
}

static bool is_scalar(const cJSON *value)
{
    return !cJSON_IsArray(value) && !cJSON_IsObject(value);
}

// A member of an object that was moved into a list keeps its name.
static void print_key(struct text *out, const cJSON *parent, const cJSON *item)
{
    if (!cJSON_IsObject(parent))
        return;
    print_string(out, item->string);
    put(out, ": ");
}

static void print_line(struct text *out, const cJSON *value)
{
    const cJSON *item;
    if (is_scalar(value)) {
        print_scalar(out, value);
        return;
    }
    put(out, cJSON_IsObject(value) ? "{" : "[");
    cJSON_ArrayForEach(item, value)
    {
        print_key(out, value, item);
        print_line(out, item);
        put(out, item->next ? ", " : "");
    }
    put(out, cJSON_IsObject(value) ? "}" : "]");
}

char *json_print_line(const struct cJSON *json)
{
    struct text out = {0};
    print_line(&out, json);
    return out.bytes;
}

// Columns that `out` has on its last line.
static size_t column(const struct text *out)
{
    const char *newline = out->bytes ? memrchr(out->bytes, '\n', out->size) : NULL;
    return newline ? out->size - (size_t)(newline + 1 - out->bytes) : out->size;
}

static void print_value(struct text *out, const cJSON *value, int indent)
{
    char *line = json_print_line(value);
    const bool fits = column(out) + strlen(line) < WIDTH;
    if (fits || is_scalar(value)) {
        text_add(out, "%s", line);
        free(line);
        return;
    }
    free(line);
    const bool filled =
        cJSON_IsArray(value) && is_scalar(value->child); // numbers or names: many on a line
    const cJSON *item;
    text_add(out, cJSON_IsObject(value) ? "{" : "[");
    cJSON_ArrayForEach(item, value)
    {
        if (!filled || item == value->child || column(out) > WIDTH - 16)
            text_add(out, "\n%*s", indent + 2, "");
        else
            text_add(out, " ");
        print_key(out, value, item);
        print_value(out, item, indent + 2);
        text_add(out, item->next ? "," : "");
    }
    text_add(out, "\n%*s%s", indent, "", cJSON_IsObject(value) ? "}" : "]");
}

char *json_print(const struct cJSON *json)
{
    struct text out = {0};
    print_value(&out, json, 0);
    text_add(&out, "\n");
    return out.bytes;
}

bool json_write(const char *path, const struct cJSON *json)
{
    char *text = json_print(json);
    const bool written = file_write_text(path, text);
    free(text);
    return written;
}
