// SPDX-License-Identifier: MIT
// Puts the parts into the page.
#include "report/choice.h"
#include "report/parts.h"

#include "vkgrid/base/base64.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"
#include "vkgrid/store/queries.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const unsigned char page_bytes[] = {
#include "report.html.inc"
    0};
static const unsigned char style_bytes[] = {
#include "report.css.inc"
    0};
static const unsigned char script_bytes[] = {
#include "report.js.inc"
    0};

static const char *const page = (const char *)page_bytes, *const style = (const char *)style_bytes,
                         *const script = (const char *)script_bytes;

// JSON that can stand in a script element: what could end it, or a line of it, stands in strings
// only.
static char *script_text(const char *json)
{
    char *text = mem_alloc(6 * strlen(json) + 1), *out = text;
    for (; *json; json++) {
        const char *escape = *json == '<'                            ? "\\u003c"
                             : *json == '>'                          ? "\\u003e"
                             : *json == '&'                          ? "\\u0026"
                             : strncmp(json, "\xe2\x80\xa8", 3) == 0 ? "\\u2028"
                             : strncmp(json, "\xe2\x80\xa9", 3) == 0 ? "\\u2029"
                                                                     : NULL;
        if (!escape) {
            *out++ = *json;
            continue;
        }
        out = mempcpy(out, escape, 6);
        json += *json == '\xe2' ? 2 : 0;
    }
    *out = '\0';
    return text;
}

struct part {
    const char *mark; // in the page
    const char *text; // what takes its place
};

// The page with every mark replaced once, in the order of the parts.
static char *fill_page(const struct part *parts, int count)
{
    size_t size = sizeof(page_bytes);
    for (int i = 0; i < count; i++)
        size += strlen(parts[i].text);
    char *text = mem_alloc(size), *out = text;
    const char *rest = page;
    for (int i = 0; i < count; i++) {
        const char *mark = strstr(rest, parts[i].mark);
        out = mempcpy(out, rest, (size_t)(mark - rest));
        out = mempcpy(out, parts[i].text, strlen(parts[i].text));
        rest = mark + strlen(parts[i].mark);
    }
    strcpy(out, rest);
    return text;
}

static bool write_page(const char *out, const cJSON *data, const struct report_curves *curves)
{
    char *json = json_print_line(data), *safe = script_text(json);
    char *packed = base64(curves->values, curves->count * sizeof(*curves->values));
    const struct part parts[] = {
        {"/*STYLE*/", style}, {"/*DATA*/", safe}, {"/*CURVES*/", packed}, {"/*SCRIPT*/", script}};
    char *text = fill_page(parts, sizeof(parts) / sizeof(*parts));
    char *path = text_format("%s/report.html", out);
    const bool written = file_write_text(path, text);
    free(path);
    free(text);
    free(packed);
    free(safe);
    free(json);
    return written;
}

// The folder's own name says more than a path, and nothing of the machine.
static void add_title(cJSON *data, const char *out)
{
    char *path = realpath(out, NULL), time_text[32];
    const time_t now = time(NULL);
    const char *name = path ? strrchr(path, '/') : NULL;
    strftime(time_text, sizeof(time_text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    cJSON_AddStringToObject(data, "name", name && name[1] ? name + 1 : "study");
    cJSON_AddStringToObject(data, "made", time_text);
    cJSON_AddStringToObject(data, "version", vkgrid_version());
    free(path);
}

// The importance is of all cells, so that it comes first.
static bool read_study(struct store_view *view, const struct page_choice *choice, cJSON *data,
                       struct report_curves *curves)
{
    cJSON *all = NULL;
    if (choice->rows) {
        all = cJSON_CreateObject();
        if (choice->row_count <= IMPORTANCE_CELLS && !scores_read(view, all)) {
            cJSON_Delete(all);
            return false;
        }
        importance_add(all);
        store_view_choose(view, choice->cells, choice->count);
    }
    const bool read = cells_read(view, choice, data) && curves_read(view, data, curves);
    if (read)
        importance_add(data);
    if (read && all)
        importance_take(data, all);
    cJSON_Delete(all);
    return read;
}

bool report_write(const char *out, const struct report_options *options)
{
    struct store_view *view = NULL;
    struct report_curves curves = {0};
    struct page_choice choice = {0};
    cJSON *data = cJSON_CreateObject();
    add_title(data, out);
    CHECK(store_view_open(out, &view));
    CHECK(page_choose(view, &choice, data));
    CHECK(read_study(view, &choice, data, &curves));
    store_view_close(&view); // a search may go on: predicting takes a while
    CHECK(predictions_add(out, options, data));
    CHECK(write_page(out, data, &curves));
    curves_free(&curves);
    page_choice_free(&choice);
    cJSON_Delete(data);
    return true;
error:
    store_view_close(&view);
    curves_free(&curves);
    page_choice_free(&choice);
    cJSON_Delete(data);
    return false;
}
