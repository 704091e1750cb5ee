// SPDX-License-Identifier: MIT
// The best sets as others read them: study.db, Optuna's user attributes, people.
#include "vkgrid/study/best_set.h"

#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/terminal.h"
#include "vkgrid/store/view.h"
#include "vkgrid/study/model_set.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KEY "best_sets"
#define ATTRIBUTE "best_set"
#define LEAST_P 0.001 // a cell with less is told nothing of
#define TOLD 1000     // cells of the ranking of which a number of their own is told
#define RANGES_SHOWN 6

// --- A set --------------------------------------------------------------------------------------

static bool is_told(const struct best_set_cell *cell)
{
    return cell->p >= LEAST_P && cell->rank <= TOLD;
}

static bool is_member(const struct best_set_cell *cell)
{
    return cell->p > BEST_SET_LEVEL;
}

static cJSON *pair(double first, double last)
{
    return cJSON_CreateDoubleArray((const double[]){first, last}, 2);
}

// The members' places in the ranking, runs of them as [first, last].
static cJSON *ranks_of(const struct best_set *set)
{
    cJSON *ranks = cJSON_CreateArray();
    for (int i = 0, last; i < set->count; i = last + 1) {
        for (last = i; !is_member(&set->cells[i]);) {
            if (++i == set->count)
                return ranks;
            last = i;
        }
        while (last + 1 < set->count && is_member(&set->cells[last + 1]) &&
               set->cells[last + 1].rank == set->cells[last].rank + 1)
            last++;
        if (cJSON_GetArraySize(ranks) < TOLD)
            cJSON_AddItemToArray(ranks, pair(set->cells[i].rank, set->cells[last].rank));
    }
    return ranks;
}

struct cJSON *best_set_json(const struct best_set *set)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "task", set->task);
    cJSON_AddNumberToObject(json, "first", set->first);
    cJSON_AddNumberToObject(json, "highest", set->highest);
    cJSON_AddNumberToObject(json, "subjects", set->subjects);
    cJSON_AddNumberToObject(json, "level", BEST_SET_LEVEL);
    cJSON_AddNumberToObject(json, "resamples", MODEL_SET_RESAMPLES);
    cJSON_AddNumberToObject(json, "ranked", set->ranked);
    cJSON_AddNumberToObject(json, "compared", set->count);
    cJSON_AddNumberToObject(json, "others", set->others);
    cJSON_AddNumberToObject(json, "unknown", set->unknown);
    cJSON_AddItemToObject(json, "run_sd", view_number_json(set->run_sd));
    cJSON_AddNumberToObject(json, "run_df", set->run_freedom);
    const bool tested = set->count > 1 && set->subjects > 1;
    cJSON_AddItemToObject(json, "ranks", tested ? ranks_of(set) : cJSON_CreateArray());
    cJSON *members = cJSON_AddArrayToObject(json, "members"),
          *p = cJSON_AddArrayToObject(json, "p");
    int size = 0;
    for (int i = 0; tested && i < set->count; i++) {
        const struct best_set_cell *cell = &set->cells[i];
        size += is_member(cell);
        if (is_member(cell) && is_told(cell))
            cJSON_AddItemToArray(members, cJSON_CreateNumber(cell->cell));
        if (is_told(cell))
            cJSON_AddItemToArray(p, pair(cell->cell, cell->p));
    }
    cJSON_AddNumberToObject(json, "size", size);
    return json;
}

struct cJSON *best_set_cell_json(const struct best_set *set, const struct best_set_cell *cell)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddBoolToObject(json, "member", is_member(cell));
    cJSON_AddNumberToObject(json, "p", cell->p);
    cJSON_AddNumberToObject(json, "subjects", set->subjects);
    return json;
}

// --- Back ---------------------------------------------------------------------------------------

static double number_of(const cJSON *json, const char *key)
{
    const cJSON *number = json_member(json, key);
    return cJSON_IsNumber(number) ? number->valuedouble : (double)NAN;
}

// A list of numbers, or of pairs of them.
static cJSON *checked_list(const cJSON *list, bool pairs)
{
    cJSON *checked = cJSON_CreateArray();
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *first = cJSON_GetArrayItem(item, 0), *last = cJSON_GetArrayItem(item, 1);
        if (pairs ? cJSON_IsArray(item) && cJSON_IsNumber(first) && cJSON_IsNumber(last)
                  : cJSON_IsNumber(item))
            cJSON_AddItemToArray(checked, pairs ? pair(first->valuedouble, last->valuedouble)
                                                : cJSON_CreateNumber(item->valuedouble));
    }
    return checked;
}

struct cJSON *best_set_checked(const struct cJSON *json)
{
    static const char *const numbers[] = {"first",     "highest", "subjects", "level",
                                          "resamples", "ranked",  "compared", "others",
                                          "size",      "unknown", "run_sd",   "run_df"};
    const char *task = cJSON_GetStringValue(json_member(json, "task"));
    if (!task)
        return NULL;
    cJSON *checked = cJSON_CreateObject();
    cJSON_AddStringToObject(checked, "task", task);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        cJSON_AddItemToObject(checked, numbers[i], view_number_json(number_of(json, numbers[i])));
    cJSON_AddItemToObject(checked, "ranks", checked_list(json_member(json, "ranks"), true));
    cJSON_AddItemToObject(checked, "members", checked_list(json_member(json, "members"), false));
    cJSON_AddItemToObject(checked, "p", checked_list(json_member(json, "p"), true));
    return checked;
}

// --- For people ---------------------------------------------------------------------------------

// "1 to 4, 7"
static void add_ranks(struct text *text, const cJSON *ranks, double size)
{
    const cJSON *range;
    int shown = 0;
    double more = size;
    cJSON_ArrayForEach(range, ranks)
    {
        const double first = cJSON_GetArrayItem(range, 0)->valuedouble,
                     last = cJSON_GetArrayItem(range, 1)->valuedouble;
        if (shown++ >= RANGES_SHOWN)
            break;
        more -= last - first + 1;
        text_add(text, "%s%.0f", shown > 1 ? ", " : "", first);
        if (last > first)
            text_add(text, "%s%.0f", last > first + 1 ? " to " : ", ", last);
    }
    if (more > 0)
        text_add(text, " and %.0f more", more);
}

// The p of a cell, NaN where it is too small to be told.
static double p_of(const cJSON *json, double cell)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, json_member(json, "p"))
    {
        if (cJSON_GetArrayItem(item, 0)->valuedouble == cell)
            return cJSON_GetArrayItem(item, 1)->valuedouble;
    }
    return NAN;
}

static void add_counts(struct text *text, const cJSON *json)
{
    const double others = number_of(json, "others"), unknown = number_of(json, "unknown");
    if (others > 0)
        text_add(text, "; %.0f cell%s validated on other subjects cannot be compared", others,
                 others == 1 ? "" : "s");
    if (unknown > 0)
        text_add(text, "; of %.0f cell%s there are no pixel counts", unknown,
                 unknown == 1 ? "" : "s");
    if (isnan(number_of(json, "run_sd")))
        text_add(text, "; one run a cell: how much training anew changes is not counted");
}

// What ranks first is not in the set.
static void add_higher(struct text *text, const cJSON *json, double p)
{
    text_add(text, "grid%05.0f ranks first, but grid%05.0f has the higher Dice (p ",
             number_of(json, "first"), number_of(json, "highest"));
    if (isnan(p))
        text_add(text, "< %g", LEAST_P);
    else
        text_add(text, "= %.3f", p);
    text_add(text, "); ");
}

char *best_set_text(const struct cJSON *json)
{
    const double level = number_of(json, "level"), subjects = number_of(json, "subjects"),
                 p = p_of(json, number_of(json, "first"));
    const double size = number_of(json, "size");
    struct text text = {0};
    if (!(number_of(json, "compared") > 1) || !(subjects > 1) || !(size > 0)) {
        if (number_of(json, "others") > 0)
            text_add(&text, "cells that were validated on other subjects cannot be compared");
        return text.bytes;
    }
    if (!(p > level))
        add_higher(&text, json, p);
    if (size > 1) {
        text_add(&text, "ranks ");
        add_ranks(&text, json_member(json, "ranks"), size);
        text_add(&text, " of %.0f cannot be told apart by Dice (p > %g", number_of(json, "ranked"),
                 level);
    } else {
        text_add(&text, "%s is told apart from all others by Dice (p <= %g",
                 p > level ? "rank 1" : "that one", level);
    }
    text_add(&text, ", n = %.0f)", subjects);
    add_counts(&text, json);
    return text_clean(text.bytes);
}

// --- study.db -----------------------------------------------------------------------------------

static bool set_attribute(struct store *store, int cell, cJSON *value)
{
    char *json = json_print_line(value);
    const bool set = store_set_attribute(store, cell, ATTRIBUTE, json);
    free(json);
    cJSON_Delete(value);
    return set;
}

static bool put_attributes(const struct best_set *set, struct store *store)
{
    for (int i = 0; set->count > 1 && i < set->count; i++)
        if (is_told(&set->cells[i]) &&
            !set_attribute(store, set->cells[i].cell, best_set_cell_json(set, &set->cells[i])))
            return false;
    return true;
}

bool best_sets_read(struct store *store, struct cJSON **list)
{
    cJSON *stored;
    *list = cJSON_CreateArray();
    if (!store_get(store, KEY, &stored))
        return false;
    const cJSON *item;
    cJSON_ArrayForEach(item, stored)
    {
        cJSON *checked = best_set_checked(item);
        if (checked)
            cJSON_AddItemToArray(*list, checked);
    }
    cJSON_Delete(stored);
    return true;
}

bool best_sets_write(const struct best_sets *sets, struct store *store)
{
    cJSON *list = cJSON_CreateArray();
    bool written = store_clear_attribute(store, ATTRIBUTE);
    for (int i = 0; written && i < sets->count; i++) {
        cJSON_AddItemToArray(list, best_set_json(&sets->items[i]));
        written = put_attributes(&sets->items[i], store);
    }
    written = written && store_put(store, KEY, list);
    cJSON_Delete(list);
    return written;
}
