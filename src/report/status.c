// SPDX-License-Identifier: MIT
#include "vkgrid/report/status.h"

#include "report/status_parts.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/terminal.h"
#include "vkgrid/store/queries.h"
#include "vkgrid/study/best_set.h"
#include "vkgrid/study/labels.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/study/score.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define BEST_SHOWN 3      // cells of a task
#define FAILURES_SHOWN 10 // runs
#define PACKS_SHOWN 64

// What a trial's state counts as; the same words are the members of `cells`.
static const char *const states[][2] = {{"COMPLETE", "complete"},
                                        {"RUNNING", "running"},
                                        {"FAIL", "failed"},
                                        {"PRUNED", "pruned"},
                                        {"WAITING", "waiting"}};

static cJSON *new_counts(void)
{
    cJSON *cells = cJSON_CreateObject();
    cJSON_AddNumberToObject(cells, "total", 0);
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
        cJSON_AddNumberToObject(cells, states[i][1], 0);
    return cells;
}

static void count(cJSON *cells, const char *key)
{
    cJSON *number = json_member(cells, key);
    cJSON_SetNumberValue(number, number->valuedouble + 1);
}

static double count_of(const cJSON *cells, const char *key)
{
    return json_member(cells, key)->valuedouble;
}

// --- Cells --------------------------------------------------------------------------------------

// Rows come task by task.
struct tasks {
    cJSON *cells, *list, *last; // counts of all; the tasks; that of the row before
    char *name;                 // of the last
};

static cJSON *task_of_row(struct tasks *tasks, const struct view_cell *row)
{
    const char *name = row->task_name ? row->task_name : "?";
    if (!tasks->last || strcmp(tasks->name, name) != 0) {
        free(tasks->name);
        tasks->name = text_copy(name);
        tasks->last = cJSON_CreateObject();
        cJSON_AddStringToObject(tasks->last, "name", name);
        cJSON_AddItemToObject(tasks->last, "cells", new_counts());
        cJSON_AddArrayToObject(tasks->last, "best");
        cJSON_AddItemToArray(tasks->list, tasks->last);
    }
    return tasks->last;
}

static bool add_best(cJSON *best, const struct view_cell *row)
{
    char *where = text_format("vkgrid_cells: %d: options", row->cell);
    cJSON *item = cJSON_CreateObject(), *options = json_text_parse(&row->options, where);
    cJSON_AddNumberToObject(item, "cell", row->cell);
    score_add_dice_loss(item, row->dice);
    cJSON_AddItemToObject(item, "loss", view_number_json(row->loss));
    cJSON_AddItemToObject(item, "options", options ? options : cJSON_CreateObject());
    cJSON_AddItemToArray(best, item);
    const bool good = options && json_expect_object(options, where);
    free(where);
    return good;
}

static bool bad_state(const char *state)
{
    char *clean = text_clean(text_copy(state ? state : "NULL"));
    error_set("trials: state \"%.20s\": WAITING, RUNNING, COMPLETE, FAIL or PRUNED is allowed",
              clean);
    free(clean);
    return false;
}

static bool read_cell(void *context, const struct view_cell *row)
{
    struct tasks *tasks = context;
    cJSON *task = task_of_row(tasks, row), *best = json_member(task, "best");
    size_t i = 0;
    while (i < sizeof(states) / sizeof(*states) &&
           strcmp(row->state ? row->state : "", states[i][0]) != 0)
        i++;
    if (i == sizeof(states) / sizeof(*states))
        return bad_state(row->state);
    for (int j = 0; j < 2; j++) {
        cJSON *cells = j == 0 ? tasks->cells : json_member(task, "cells");
        count(cells, "total");
        count(cells, row->reopened ? "waiting" : states[i][1]);
    }
    const bool complete = i == 0;
    return !complete || isnan(row->dice) || cJSON_GetArraySize(best) >= BEST_SHOWN ||
           add_best(best, row);
}

// What is known of a cell over its runs, where it has several.
static void add_runs(cJSON *cell, const cJSON *json)
{
    struct over_runs runs;
    over_runs_read(json, &runs);
    if (runs.runs > 1 && !json_member(cell, "over_runs"))
        cJSON_AddItemToObject(cell, "over_runs", over_runs_json(&runs));
}

static bool read_known(void *context, const struct view_attribute *row)
{
    const bool labels = row->key && strcmp(row->key, "labels") == 0,
               runs = row->key && strcmp(row->key, "over_runs") == 0;
    cJSON *json = labels || runs ? json_text_parse(&row->json, row->key) : NULL; // NULL: not known
    if (labels)
        cJSON_ReplaceItemInObjectCaseSensitive(context, "labels", labels_checked(json));
    else if (runs)
        add_runs(context, json);
    cJSON_Delete(json);
    return true;
}

// Scores of each label and over the runs, of the best cells alone.
static bool read_best_known(struct store_view *view, cJSON *tasks)
{
    cJSON *task, *cell;
    cJSON_ArrayForEach(task, tasks)
    {
        cJSON_ArrayForEach(cell, json_member(task, "best"))
        {
            cJSON_AddObjectToObject(cell, "labels");
            if (!view_attributes_of(view, json_member(cell, "cell")->valueint, read_known, cell))
                return false;
        }
    }
    return true;
}

static bool read_outside(void *context, const struct view_cell *row)
{
    (void)row;
    count(context, "outside");
    return true;
}

static bool read_cells(struct store_view *view, cJSON *status)
{
    struct tasks tasks = {.cells = new_counts(), .list = cJSON_CreateArray()};
    cJSON_AddNumberToObject(tasks.cells, "outside", 0);
    const bool read = view_ranking(view, read_cell, &tasks) &&
                      view_outside(view, read_outside, tasks.cells) &&
                      read_best_known(view, tasks.list);
    free(tasks.name);
    cJSON_AddItemToObject(status, "cells", tasks.cells);
    cJSON_AddItemToObject(status, "tasks", tasks.list);
    return read;
}

// --- Failed runs --------------------------------------------------------------------------------

static bool read_run(void *context, const struct view_run *row)
{
    cJSON *failed = context, *first = json_member(failed, "first");
    if (!row->state || strcmp(row->state, "FAIL") != 0)
        return true;
    count(failed, "count");
    if (cJSON_GetArraySize(first) >= FAILURES_SHOWN)
        return true;
    cJSON *item = cJSON_CreateObject();
    cJSON_AddNumberToObject(item, "cell", row->cell);
    cJSON_AddNumberToObject(item, "run", row->run);
    cJSON_AddNumberToObject(item, "attempts", row->attempts);
    cJSON_AddItemToObject(item, "why", view_text_json(row->failure));
    cJSON_AddItemToArray(first, item);
    return true;
}

static bool read_failures(struct store_view *view, cJSON *status)
{
    cJSON *failed = cJSON_AddObjectToObject(status, "failed_runs");
    cJSON_AddNumberToObject(failed, "count", 0);
    cJSON_AddArrayToObject(failed, "first");
    return view_runs(view, read_run, failed);
}

// --- Trials of Optuna's that were refused --------------------------------------------------------

static bool read_refused_trial(void *context, const struct view_refused *row)
{
    cJSON *refused = context, *first = json_member(refused, "first");
    count(refused, "count");
    if (cJSON_GetArraySize(first) >= FAILURES_SHOWN)
        return true;
    cJSON *item = cJSON_CreateObject(), *why = json_text_parse(&row->why, "failure");
    cJSON_AddItemToObject(item, "task", view_text_json(row->task));
    cJSON_AddNumberToObject(item, "trial", row->number);
    cJSON_AddItemToObject(item, "why",
                          cJSON_IsString(why) ? cJSON_Duplicate(why, false) : cJSON_CreateNull());
    cJSON_AddItemToArray(first, item);
    cJSON_Delete(why);
    return true;
}

static bool read_refused(struct store_view *view, cJSON *status)
{
    cJSON *refused = cJSON_AddObjectToObject(status, "refused");
    cJSON_AddNumberToObject(refused, "count", 0);
    cJSON_AddArrayToObject(refused, "first");
    return view_refused(view, read_refused_trial, refused);
}

// --- Progress and settings ----------------------------------------------------------------------

// Copies a member if it has that kind, else puts null in its place.
static void copy_member(cJSON *to, const cJSON *from, const char *key, bool text)
{
    const cJSON *item = json_member(from, key);
    const bool good = text ? cJSON_IsString(item) : cJSON_IsNumber(item);
    cJSON_AddItemToObject(to, key, good ? cJSON_Duplicate(item, false) : cJSON_CreateNull());
}

static cJSON *checked_progress(const cJSON *stored)
{
    static const char *const numbers[] = {
        "started", "updated", "work", "work_done", "samples_per_second", "seconds_left", NULL};
    static const char *const pack_numbers[] = {
        "round", "rounds", "epoch", "epochs", "fraction", "samples_per_second", NULL};
    cJSON *progress = cJSON_CreateObject();
    const cJSON *pack;
    for (int i = 0; numbers[i]; i++)
        copy_member(progress, stored, numbers[i], false);
    cJSON *packs = cJSON_AddArrayToObject(progress, "packs");
    cJSON_ArrayForEach(pack, json_member(stored, "packs"))
    {
        if (!cJSON_IsObject(pack) || cJSON_GetArraySize(packs) >= PACKS_SHOWN)
            continue;
        cJSON *copy = cJSON_CreateObject();
        copy_member(copy, pack, "device", true);
        copy_member(copy, pack, "label", true);
        for (int i = 0; pack_numbers[i]; i++)
            copy_member(copy, pack, pack_numbers[i], false);
        cJSON_AddItemToArray(packs, copy);
    }
    return progress;
}

static cJSON *checked_shard(const cJSON *settings)
{
    const cJSON *shard = json_member(settings, "shard");
    return cJSON_IsArray(shard) && cJSON_GetArraySize(shard) == 2 &&
                   cJSON_IsNumber(cJSON_GetArrayItem(shard, 0)) &&
                   cJSON_IsNumber(cJSON_GetArrayItem(shard, 1))
               ? cJSON_Duplicate(shard, true)
               : cJSON_CreateNull();
}

static cJSON *checked_left_out(const cJSON *stored)
{
    cJSON *checked = cJSON_CreateArray();
    const cJSON *task;
    cJSON_ArrayForEach(task, stored)
    {
        if (!cJSON_IsObject(task) || cJSON_GetArraySize(checked) >= PACKS_SHOWN)
            continue;
        cJSON *copy = cJSON_CreateObject();
        cJSON_AddStringToObject(copy, "task", task->string);
        copy_member(copy, task, "count", false);
        copy_member(copy, task, "samples", false);
        copy_member(copy, task, "names", true);
        cJSON_AddItemToArray(checked, copy);
    }
    return checked;
}

// What ranks the cells.
static void add_rank_by(cJSON *status, const cJSON *settings)
{
    const enum rank_by rank_by = rank_by_of(settings);
    cJSON_ReplaceItemInObjectCaseSensitive(
        status, "rank_by", cJSON_CreateString(rank_by_name(rank_by ? rank_by : RANK_BEST)));
}

// What status says of a value of the study.
static cJSON *checked_value(const char *key, const cJSON *value)
{
    if (strcmp(key, "settings") == 0)
        return checked_shard(value);
    if (strcmp(key, "left_out") == 0)
        return checked_left_out(value);
    if (strcmp(key, "best_sets") == 0)
        return cJSON_Duplicate(value, true); // for give_best_sets()
    if (strcmp(key, "version") == 0)
        return cJSON_IsString(value) ? cJSON_Duplicate(value, false) : cJSON_CreateNull();
    return cJSON_IsObject(value) ? checked_progress(value) : cJSON_CreateNull();
}

static bool read_value(void *context, const struct view_value *row)
{
    static const char *const known[][2] = {{"settings", "shard"},
                                           {"version", "version"},
                                           {"progress", "progress"},
                                           {"best_sets", "best_sets"},
                                           {"left_out", "left_out"}};
    for (size_t i = 0; row->key && i < sizeof(known) / sizeof(*known); i++) {
        if (strcmp(row->key, known[i][0]) != 0)
            continue;
        cJSON *value = json_text_parse(&row->json, row->key);
        if (!value)
            return error_prefix("vkgrid_study");
        cJSON_ReplaceItemInObjectCaseSensitive(context, known[i][1],
                                               checked_value(row->key, value));
        if (strcmp(row->key, "settings") == 0)
            add_rank_by(context, value);
        cJSON_Delete(value);
    }
    return true;
}

// Each task its own; one without a comparison has none.
static void give_best_sets(cJSON *status)
{
    cJSON *sets = cJSON_DetachItemFromObjectCaseSensitive(status, "best_sets"), *task;
    const cJSON *set;
    cJSON_ArrayForEach(task, json_member(status, "tasks"))
    {
        const char *name = cJSON_GetStringValue(json_member(task, "name"));
        cJSON_ArrayForEach(set, sets)
        {
            cJSON *checked = best_set_checked(set);
            if (checked && !json_member(task, "best_set") &&
                strcmp(cJSON_GetStringValue(json_member(checked, "task")), name) == 0)
                cJSON_AddItemToObject(task, "best_set", checked);
            else
                cJSON_Delete(checked);
        }
    }
    cJSON_Delete(sets);
}

static bool read_values(struct store_view *view, cJSON *status)
{
    cJSON_AddNullToObject(status, "progress");
    cJSON_AddArrayToObject(status, "left_out");
    cJSON_AddNullToObject(status, "best_sets");
    cJSON_AddNullToObject(status, "rank_by");
    if (!view_values(view, read_value, status))
        return false;
    give_best_sets(status);
    return true;
}

// --- Who is at work -----------------------------------------------------------------------------

// The file says "PID HOST".
static cJSON *holder_of(int file)
{
    char who[128] = "", *host;
    const ssize_t size = pread(file, who, sizeof(who) - 1, 0);
    cJSON *holder = cJSON_CreateObject();
    who[size > 0 ? size : 0] = 0;
    who[strcspn(who, "\n")] = 0;
    const long pid = strtol(text_clean(who), &host, 10);
    const bool good = host > who && *host == ' ' && host[1];
    cJSON_AddItemToObject(holder, "pid",
                          good ? cJSON_CreateNumber((double)pid) : cJSON_CreateNull());
    cJSON_AddItemToObject(holder, "host", good ? cJSON_CreateString(host + 1) : cJSON_CreateNull());
    return holder;
}

static bool read_holder(const char *out, cJSON *status)
{
    char *path = study_path(out, STUDY_LOCK);
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const bool known = file >= 0 || errno == ENOENT || error_set_errno(errno, "%s", path);
    // Held for an instant only: nobody's search is refused for it but one that begins just then.
    const bool held = file >= 0 && flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    cJSON_AddItemToObject(status, "holder", held ? holder_of(file) : cJSON_CreateNull());
    if (file >= 0)
        close(file);
    free(path);
    return known;
}

// A shard, and a search with --cells, leave cells to others: then their own work says whether they
// are done.
static bool all_done(const cJSON *status)
{
    const cJSON *cells = json_member(status, "cells"), *progress = json_member(status, "progress"),
                *work = json_member(progress, "work"), *done = json_member(progress, "work_done");
    return count_of(cells, "waiting") + count_of(cells, "running") == 0 ||
           (count_of(cells, "running") == 0 && cJSON_IsNumber(work) && cJSON_IsNumber(done) &&
            done->valuedouble >= work->valuedouble * (1 - 1e-9));
}

bool status_read(const char *out, const struct cJSON *earlier, struct cJSON **result)
{
    struct store_view *view = NULL;
    cJSON *status = cJSON_CreateObject();
    cJSON_AddStringToObject(status, "study", out);
    cJSON_AddNullToObject(status, "version");
    cJSON_AddNullToObject(status, "shard");
    cJSON_AddNullToObject(status, "state");
    CHECK(store_view_open(out, &view));
    CHECK(read_holder(out, status));
    CHECK(read_cells(view, status));
    CHECK(read_failures(view, status));
    CHECK(read_refused(view, status));
    if (earlier)
        status_keep_importance(earlier, status);
    else
        status_add_importance(view, status);
    CHECK(read_values(view, status));
    store_view_close(&view);
    const char *state = !cJSON_IsNull(json_member(status, "holder")) ? "running"
                        : all_done(status)                           ? "finished"
                                                                     : "stopped";
    cJSON_ReplaceItemInObjectCaseSensitive(status, "state", cJSON_CreateString(state));
    *result = status;
    return true;
error:
    store_view_close(&view);
    cJSON_Delete(status);
    *result = NULL;
    return false;
}
