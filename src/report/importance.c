// SPDX-License-Identifier: MIT
// From the tasks' cells to the analysis of variance, and its result as JSON.
#include "report/anova.h"
#include "report/parts.h"

#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// An axis of numbers with more values than a quarter of the cells, but not with few, or with more
// than most people would list, is continuous.
#define MANY_VALUES 12
#define MOST_VALUES 60
#define FIFTHS 5
#define AXES (ANOVA_FACTORS + 1) // most that are looked at; more than can be analysed

struct value {
    int cell;
    const cJSON *json; // NULL: the cell has no such option
    char *text;        // NULL: of a number
};

struct axis {
    const char *name;
    int levels, *level;   // of each cell
    const cJSON **values; // of each level
    bool numeric, continuous;
};

struct task {
    const cJSON **cells; // those with a score
    double *score;       // of each
    int count, axis_count;
    struct axis axes[AXES];
};

// ---- axes ----

static int compare_values(const void *left, const void *right)
{
    const struct value *a = left, *b = right;
    const double x = cJSON_IsNumber(a->json) ? a->json->valuedouble : -INFINITY,
                 y = cJSON_IsNumber(b->json) ? b->json->valuedouble : -INFINITY;
    return x < y ? -1 : x > y ? 1 : a->text && b->text ? strcmp(a->text, b->text) : 0;
}

// Levels in the order of the values.
static struct axis read_axis(const char *name, const cJSON *const *cells, int count)
{
    struct value *values = mem_zalloc((size_t)count, sizeof(*values));
    struct axis axis = {.name = name, .numeric = true};
    for (int i = 0; i < count; i++) {
        const cJSON *json = json_member(json_member(cells[i], "options"), name);
        axis.numeric = axis.numeric && cJSON_IsNumber(json);
        values[i] = (struct value){i, json,
                                   cJSON_IsNumber(json) ? NULL
                                   : json               ? json_print_line(json)
                                                        : text_copy("")};
    }
    qsort(values, (size_t)count, sizeof(*values), compare_values);
    axis.level = mem_zalloc((size_t)count, sizeof(*axis.level));
    axis.values = mem_zalloc((size_t)count, sizeof(*axis.values));
    for (int i = 0; i < count; i++) {
        if (i == 0 || compare_values(&values[i], &values[i - 1]) != 0)
            axis.values[axis.levels++] = values[i].json;
        axis.level[values[i].cell] = axis.levels - 1;
    }
    for (int i = 0; i < count; i++)
        free(values[i].text);
    free(values);
    axis.continuous = axis.numeric && axis.levels > MANY_VALUES &&
                      (axis.levels > count / 4 || axis.levels > MOST_VALUES);
    return axis;
}

static void free_axis(struct axis *axis)
{
    free(axis->level);
    free(axis->values);
}

static void take_fifths(struct axis *axis, int count)
{
    for (int i = 0; i < count; i++)
        axis->level[i] = (int)((int64_t)axis->level[i] * FIFTHS / axis->levels);
    axis->levels = FIFTHS;
}

static bool is_axis(const char *name)
{
    return strcmp(name, "inputs") != 0 && strcmp(name, "prediction") != 0;
}

// ---- cells ----

static bool has_score(const cJSON *cell)
{
    const char *state = cJSON_GetStringValue(json_member(cell, "state"));
    return state && strcmp(state, "COMPLETE") == 0 && cJSON_IsNumber(json_member(cell, "dice"));
}

// Scores of the cell's runs that came to their end; without any, its own.
static int cell_scores(const cJSON *cell, double *scores)
{
    const cJSON *run;
    int count = 0;
    cJSON_ArrayForEach(run, json_member(cell, "runs"))
    {
        const char *state = cJSON_GetStringValue(cJSON_GetArrayItem(run, 1));
        const cJSON *dice = cJSON_GetArrayItem(run, 6);
        if (state && strcmp(state, "COMPLETE") == 0 && cJSON_IsNumber(dice))
            scores[count++] = dice->valuedouble;
    }
    if (count == 0)
        scores[count++] = json_member(cell, "dice")->valuedouble;
    return count;
}

// An axis that varies among all cells is told; among those with a score it is analysed.
static void read_task_axis(const char *name, const cJSON *const *all, int all_count, cJSON *axes,
                           struct task *task)
{
    struct axis axis = read_axis(name, all, all_count);
    const bool continuous = axis.continuous, varies = axis.levels > 1;
    free_axis(&axis);
    if (!varies)
        return;
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "name", name);
    cJSON_AddBoolToObject(item, "continuous", continuous);
    cJSON_AddItemToArray(axes, item);
    if (task->axis_count == AXES || task->count == 0)
        return;
    axis = read_axis(name, task->cells, task->count);
    axis.continuous = continuous;
    if (axis.levels > 1)
        task->axes[task->axis_count++] = axis;
    else
        free_axis(&axis);
}

static void read_task(cJSON *json, struct task *task)
{
    const cJSON *cells = json_member(json, "cells"), *cell, *option;
    const size_t most = (size_t)cJSON_GetArraySize(cells);
    const cJSON **all = mem_zalloc(most + 1, sizeof(*all));
    cJSON *axes = cJSON_AddArrayToObject(json, "axes");
    int count = 0;
    *task = (struct task){.cells = mem_zalloc(most + 1, sizeof(*task->cells)),
                          .score = mem_zalloc(most + 1, sizeof(*task->score))};
    cJSON_ArrayForEach(cell, cells)
    {
        all[count++] = cell;
        if (!has_score(cell))
            continue;
        task->score[task->count] = json_member(cell, "dice")->valuedouble;
        task->cells[task->count++] = cell;
    }
    const cJSON *options = count ? json_member(all[0], "options") : NULL;
    cJSON_ArrayForEach(option, options)
    {
        if (is_axis(option->string))
            read_task_axis(option->string, all, count, axes, task);
    }
    free(all);
}

static void free_task(struct task *task)
{
    for (int i = 0; i < task->axis_count; i++)
        free_axis(&task->axes[i]);
    free(task->cells);
    free(task->score);
}

// ---- wins ----

struct order {
    const struct task *task;
    int axis, cell;
};

// Cells that are equal but for the axis stand together, the best first.
static int compare_sets(const struct order *a, const struct order *b)
{
    for (int i = 0; i < a->task->axis_count; i++) {
        const int *level = a->task->axes[i].level;
        if (i != a->axis && level[a->cell] != level[b->cell])
            return level[a->cell] < level[b->cell] ? -1 : 1;
    }
    return 0;
}

static int compare_order(const void *left, const void *right)
{
    const struct order *a = left, *b = right;
    const int set = compare_sets(a, b);
    const double x = a->task->score[a->cell], y = b->task->score[b->cell];
    return set ? set : x < y ? -1 : x > y ? 1 : a->cell - b->cell;
}

// Counts the sets of at least two cells, and of each level in how many it is best alone; the
// number of sets.
static int count_wins(const struct task *task, int axis, int *wins)
{
    struct order *order = mem_alloc((size_t)task->count * sizeof(*order));
    int sets = 0;
    for (int i = 0; i < task->count; i++)
        order[i] = (struct order){task, axis, i};
    qsort(order, (size_t)task->count, sizeof(*order), compare_order);
    for (int i = 0, next; i < task->count; i = next) {
        for (next = i + 1; next < task->count && compare_sets(&order[i], &order[next]) == 0;)
            next++;
        if (next == i + 1)
            continue;
        sets++;
        if (task->score[order[i].cell] < task->score[order[i + 1].cell])
            wins[task->axes[axis].level[order[i].cell]]++;
    }
    free(order);
    return sets;
}

static void add_wins(cJSON *list, const struct task *task, int index)
{
    const struct axis *axis = &task->axes[index];
    int *wins = mem_zalloc((size_t)axis->levels, sizeof(*wins)), best = 0;
    const int sets = count_wins(task, index, wins);
    for (int i = 1; i < axis->levels; i++)
        best = wins[i] > wins[best] ? i : best;
    if (sets > 0 && wins[best] > 0 && axis->values[best]) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "axis", axis->name);
        cJSON_AddItemToObject(item, "value", cJSON_Duplicate(axis->values[best], true));
        cJSON_AddNumberToObject(item, "won", wins[best]);
        cJSON_AddNumberToObject(item, "of", sets);
        cJSON_AddItemToArray(list, item);
    }
    free(wins);
}

// ---- the result ----

static cJSON *source_json(int df, double ss, double share)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "df", df);
    cJSON_AddNumberToObject(json, "ss", ss);
    cJSON_AddNumberToObject(json, "share", share);
    return json;
}

static void add_result(cJSON *json, const struct task *task, const struct anova_result *result)
{
    cJSON_AddNumberToObject(json, "scores", result->scores);
    cJSON_AddNumberToObject(json, "cells", task->count);
    cJSON_AddNumberToObject(json, "total", result->total);
    cJSON_AddBoolToObject(json, "interactions", result->interactions);
    cJSON *error = source_json(result->error_df, result->error_ss, result->error_share);
    cJSON_AddStringToObject(error, "from", result->by_runs ? "runs" : "residual");
    cJSON_AddItemToObject(json, "error", error);
    const struct anova_effect *rest = &result->rest;
    cJSON_AddItemToObject(json, "rest",
                          result->by_runs && rest->df > 0
                              ? source_json(rest->df, rest->ss, rest->share)
                              : cJSON_CreateNull());
    cJSON *effects = cJSON_AddArrayToObject(json, "effects");
    for (int i = 0; i < result->count; i++) {
        const struct anova_effect *effect = &result->effects[i];
        cJSON *item = source_json(effect->df, effect->ss, effect->share);
        cJSON *names = cJSON_AddArrayToObject(item, "axes");
        for (int k = 0; k < 2; k++)
            if (effect->factors[k] >= 0)
                cJSON_AddItemToArray(names,
                                     cJSON_CreateString(task->axes[effect->factors[k]].name));
        cJSON_AddItemToArray(effects, item);
    }
}

static void analyse(const struct task *task, cJSON *json)
{
    int levels[ANOVA_FACTORS];
    const int *level[ANOVA_FACTORS];
    int *first = mem_zalloc((size_t)task->count + 1, sizeof(*first)), scores = 0,
        *count = mem_zalloc((size_t)task->count + 1, sizeof(*count));
    for (int i = 0; i < task->count; i++)
        scores += cJSON_GetArraySize(json_member(task->cells[i], "runs")) + 1;
    double *values = mem_zalloc((size_t)scores + 1, sizeof(*values));
    for (int i = 0; i < task->count; i++) {
        first[i] = i ? first[i - 1] + count[i - 1] : 0;
        count[i] = cell_scores(task->cells[i], values + first[i]);
    }
    for (int i = 0; i < task->axis_count; i++) {
        levels[i] = task->axes[i].levels;
        level[i] = task->axes[i].level;
    }
    struct anova_result *result = mem_zalloc(1, sizeof(*result));
    anova(
        &(struct anova_design){task->axis_count, task->count, levels, level, first, count, values},
        result);
    if (result->why)
        cJSON_AddStringToObject(json, "why", result->why);
    else
        add_result(json, task, result);
    free(result);
    free(values);
    free(first);
    free(count);
}

static void add_importance(cJSON *task_json)
{
    struct task task;
    read_task(task_json, &task);
    cJSON *json = cJSON_AddObjectToObject(task_json, "importance");
    if (task.count == 0) {
        cJSON_AddStringToObject(json, "why", "no cell is finished");
    } else if (task.axis_count > ANOVA_FACTORS) {
        cJSON_AddStringToObject(json, "why", "too many hyper-parameters vary");
    } else {
        cJSON *wins = cJSON_CreateArray();
        for (int i = 0; i < task.axis_count; i++)
            add_wins(wins, &task, i);
        for (int i = 0; i < task.axis_count; i++)
            if (task.axes[i].continuous && task.axes[i].levels > FIFTHS)
                take_fifths(&task.axes[i], task.count);
        analyse(&task, json);
        cJSON_AddItemToObject(json, "wins", wins);
    }
    free_task(&task);
}

void importance_add(struct cJSON *data)
{
    cJSON *task;
    cJSON_ArrayForEach(task, json_member(data, "tasks"))
    {
        add_importance(task);
    }
}

static cJSON *task_like(const cJSON *all, const cJSON *task)
{
    cJSON *other;
    cJSON_ArrayForEach(other, json_member(all, "tasks"))
    {
        if (cJSON_Compare(json_member(other, "name"), json_member(task, "name"), true))
            return other;
    }
    return NULL;
}

void importance_take(struct cJSON *data, struct cJSON *all)
{
    static const char *const keys[] = {"axes", "importance"};
    cJSON *task;
    cJSON_ArrayForEach(task, json_member(data, "tasks"))
    {
        cJSON *other = task_like(all, task);
        for (int i = 0; other && i < 2; i++) {
            cJSON *value = cJSON_DetachItemFromObjectCaseSensitive(other, keys[i]);
            cJSON_ReplaceItemInObjectCaseSensitive(task, keys[i], value);
        }
        if (other)
            continue;
        cJSON *why = cJSON_CreateObject();
        cJSON_AddStringToObject(why, "why", "the study has too many cells for it");
        cJSON_ReplaceItemInObjectCaseSensitive(task, "importance", why);
    }
}
