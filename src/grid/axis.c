// SPDX-License-Identifier: MIT
#include "vkgrid/grid/axis.h"

#include "grid/meaning.h"
#include "grid/cell_keys.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *key;
    enum axis_kind kind;
    bool range; // whether a range may stand there
} numbers[] = {
    {"lr", AXIS_FLOAT, true},         {"gamma", AXIS_FLOAT, true},
    {"bce_weight", AXIS_FLOAT, true}, {"batch_size", AXIS_INT, true},
    {"num_epochs", AXIS_INT, true},   {"until", AXIS_INT, false},
    {"seed", AXIS_INT, false},
};

static bool check_value(const char *key, const cJSON *value, const char *where)
{
    struct cell ignored = {0};
    return cell_key_find(key)->read(value, where, &ignored);
}

// --- Reading ------------------------------------------------------------------------------------

static bool read_end(const cJSON *range, const char *name, const char *where,
                     const struct axis *axis, double *end)
{
    const cJSON *value = json_member(range, name);
    char *at = text_format("%s.%s", where, name);
    const bool read = check_value(axis->key, value, at);
    free(at);
    if (read)
        *end = value->valuedouble;
    return read;
}

static bool read_log(const cJSON *range, const char *where, struct axis *axis)
{
    const cJSON *value = json_member(range, "log");
    char *at = text_format("%s.log", where);
    const bool read = !value || json_get_bool(value, at, &axis->log);
    free(at);
    if (read && axis->log && axis->low <= 0)
        return error_set("%s: min is 0: with log a number above 0 is allowed", where);
    return read;
}

static bool read_range(const cJSON *range, const char *where, struct axis *axis)
{
    static const char *const keys[] = {"min", "max", "log", NULL};
    char low[NUMBER_TEXT], high[NUMBER_TEXT];
    if (!json_expect_keys(range, where, keys) || !read_end(range, "min", where, axis, &axis->low) ||
        !read_end(range, "max", where, axis, &axis->high) || !read_log(range, where, axis))
        return false;
    if (axis->low > axis->high)
        return error_set("%s: min is %s, max is %s: a min that is not above max is allowed", where,
                         number_text(axis->low, low), number_text(axis->high, high));
    return true;
}

static bool read_list(const cJSON *list, const char *where, struct axis *axis)
{
    const cJSON *value;
    if (!json_expect_list(list, where, 1))
        return false;
    axis->list = list;
    axis->items = mem_alloc((size_t)cJSON_GetArraySize(list) * sizeof(*axis->items));
    axis->low = INFINITY;
    axis->high = -INFINITY;
    cJSON_ArrayForEach(value, list)
    {
        axis->items[axis->count] = value;
        char *at = text_format("%s[%d]", where, axis->count++);
        const bool read = check_value(axis->key, value, at);
        free(at);
        if (!read)
            return false;
        axis->low = fmin(axis->low, value->valuedouble); // 0 where it is no number
        axis->high = fmax(axis->high, value->valuedouble);
    }
    axis->log = axis->low > 0 && axis->high >= 10 * axis->low;
    return true;
}

bool axis_read(const struct cJSON *value, const char *where, struct axis *axis)
{
    bool range = false;
    *axis = (struct axis){.key = value->string, .kind = AXIS_CHOICE};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        if (strcmp(numbers[i].key, axis->key) == 0) {
            axis->kind = numbers[i].kind;
            range = numbers[i].range;
        }
    }
    return range && cJSON_IsObject(value) ? read_range(value, where, axis)
                                          : read_list(value, where, axis);
}

void axis_free(struct axis *axis)
{
    free(axis->items);
    *axis = (struct axis){0};
}

// --- Values -------------------------------------------------------------------------------------

static double between(double value, double low, double high)
{
    return fmax(low, fmin(high, value));
}

// Where u of [0, 1) comes to lie.
static double spread(double low, double high, bool logarithmic, double u)
{
    return logarithmic ? exp(log(low) + u * (log(high) - log(low))) : low + u * (high - low);
}

static double draw_float(const struct axis *axis, double u)
{
    char digits[NUMBER_TEXT];
    snprintf(digits, sizeof(digits), "%.6g", spread(axis->low, axis->high, axis->log, u));
    return between(strtod(digits, NULL), axis->low, axis->high);
}

// Each whole number has the interval of half a unit on both its sides, as Optuna has it.
static double draw_int(const struct axis *axis, double u)
{
    const double value = spread(axis->low - 0.5, axis->high + 0.5, axis->log, u);
    return between(floor(value + 0.5), axis->low, axis->high);
}

struct cJSON *axis_value_at(const struct axis *axis, int n)
{
    return axis->list ? cJSON_Duplicate(axis->items[n], true)
                      : cJSON_CreateNumber(n == 0 ? axis->low : axis->high);
}

struct cJSON *axis_draw(const struct axis *axis, struct random *random)
{
    if (axis->list)
        return cJSON_Duplicate(axis->items[random_below(random, (uint32_t)axis->count)], true);
    const double u = random_uniform(random);
    return cJSON_CreateNumber(axis->kind == AXIS_INT ? draw_int(axis, u) : draw_float(axis, u));
}

// Optuna's choices are scalars: others go by their JSON text. The caller frees it; NULL for a
// scalar.
static char *choice_text(const cJSON *choice)
{
    return cJSON_IsArray(choice) || cJSON_IsObject(choice) ? json_print_line(choice) : NULL;
}

// Whether two values are written otherwise and mean the same.
static bool same_meaning(const char *key, const cJSON *choice, const cJSON *value)
{
    cJSON *parsed = cJSON_IsString(value) ? cJSON_Parse(value->valuestring) : NULL,
          *mine = value_meaning(key, choice), *theirs = value_meaning(key, parsed ? parsed : value);
    const bool same = mine && theirs && cJSON_Compare(mine, theirs, true);
    cJSON_Delete(parsed);
    cJSON_Delete(mine);
    cJSON_Delete(theirs);
    return same;
}

// Index of the choice that the value is, before one that means the same; -1 when it is none.
static int find_choice(const struct axis *axis, const cJSON *value)
{
    const cJSON *choice;
    int i = 0, alike = -1;
    cJSON_ArrayForEach(choice, axis->list)
    {
        char *text = cJSON_IsString(value) ? choice_text(choice) : NULL;
        const bool same =
            cJSON_Compare(choice, value, true) || (text && strcmp(text, value->valuestring) == 0);
        free(text);
        if (same)
            return i;
        if (alike < 0 && !cJSON_IsString(choice) && same_meaning(axis->key, choice, value))
            alike = i;
        i++;
    }
    return alike;
}

bool axis_take(const struct axis *axis, const struct cJSON *value, const char *where,
               struct cJSON **taken)
{
    if (axis->kind != AXIS_CHOICE) {
        double number;
        if (!check_value(axis->key, value, where) ||
            !json_get_number(value, where, axis->low, axis->high, &number))
            return false;
        *taken = cJSON_CreateNumber(number);
        return true;
    }
    const int choice = value ? find_choice(axis, value) : -1;
    if (choice < 0) {
        char *list = json_print_line(axis->list), *is = value ? json_print_line(value) : NULL;
        error_set("%s: %s%.60s: one of %.400s is allowed", where, is ? "is " : "is missing",
                  is ? is : "", list);
        free(is);
        free(list);
        return false;
    }
    *taken = cJSON_Duplicate(axis->items[choice], true);
    return true;
}

// --- Optuna -------------------------------------------------------------------------------------

static cJSON *choices(const struct axis *axis)
{
    cJSON *list = cJSON_CreateArray();
    const cJSON *choice;
    cJSON_ArrayForEach(choice, axis->list)
    {
        char *text = choice_text(choice);
        cJSON_AddItemToArray(list,
                             text ? cJSON_CreateString(text) : cJSON_Duplicate(choice, false));
        free(text);
    }
    return list;
}

char *axis_distribution(const struct axis *axis)
{
    static const char *const names[] = {
        [AXIS_FLOAT] = "FloatDistribution",
        [AXIS_INT] = "IntDistribution",
        [AXIS_CHOICE] = "CategoricalDistribution",
    };
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", names[axis->kind]);
    cJSON *attributes = cJSON_AddObjectToObject(json, "attributes");
    if (axis->kind == AXIS_CHOICE) {
        cJSON_AddItemToObject(attributes, "choices", choices(axis));
    } else {
        cJSON_AddItemToObject(attributes, "step",
                              axis->kind == AXIS_INT ? cJSON_CreateNumber(1) : cJSON_CreateNull());
        cJSON_AddNumberToObject(attributes, "low", axis->low);
        cJSON_AddNumberToObject(attributes, "high", axis->high);
        cJSON_AddBoolToObject(attributes, "log", axis->log);
    }
    char *text = json_print_line(json);
    cJSON_Delete(json);
    return text;
}

double axis_value(const struct axis *axis, const struct cJSON *value)
{
    return axis->kind == AXIS_CHOICE ? find_choice(axis, value) : value->valuedouble;
}
