// SPDX-License-Identifier: MIT
// A study's status as lines for people. All texts of the study are cleaned: a database may come
// from anywhere.
#include "report/status_parts.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/report/status.h"
#include "vkgrid/study/best_set.h"
#include "vkgrid/study/labels.h"
#include "vkgrid/base/terminal.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double number_of(const cJSON *object, const char *key)
{
    const cJSON *item = json_member(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

// Cleaned; "" when it is no text. The caller frees it.
static char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(json_member(object, key));
    return text_clean(text_copy(text ? text : ""));
}

static bool is_state(const cJSON *status, const char *state)
{
    return strcmp(cJSON_GetStringValue(json_member(status, "state")), state) == 0;
}

static void add_head(struct text *text, const cJSON *status, double now)
{
    const cJSON *holder = json_member(status, "holder"), *shard = json_member(status, "shard");
    const double updated = number_of(json_member(status, "progress"), "updated");
    char *study = text_of(status, "study"), *host = text_of(holder, "host"),
         *state = text_of(status, "state"), duration[DURATION_TEXT];
    text_add(text, "%s: " ACCENT_BOLD "%s" ACCENT_END, study, state);
    if (*host)
        text_add(text, ", process %.0f on %s", number_of(holder, "pid"), host);
    if (cJSON_IsArray(shard))
        text_add(text, ", shard %.0f of %.0f", cJSON_GetArrayItem(shard, 0)->valuedouble,
                 cJSON_GetArrayItem(shard, 1)->valuedouble);
    if (!isnan(updated))
        text_add(text, ", last written %s ago", duration_text(now - updated, duration));
    text_add(text, "\n");
    free(study);
    free(host);
    free(state);
}

// "40.2% of the work, 1240 samples/s, about 12 min left"; what is known of it.
static void add_speed(struct text *text, const cJSON *status, double now)
{
    const cJSON *progress = json_member(status, "progress");
    const double work = number_of(progress, "work"), done = number_of(progress, "work_done"),
                 samples = number_of(progress, "samples_per_second"),
                 left = number_of(progress, "seconds_left"),
                 age = now - number_of(progress, "updated");
    char duration[DURATION_TEXT];
    if (!is_state(status, "running") || !(work > 0) || isnan(done))
        return;
    text_add(text, "%.1f%% of the work", floor(1000 * fmin(done / work, 1)) / 10);
    if (samples > 0)
        text_add(text, samples < 10 ? ", %.1f samples/s" : ", %.0f samples/s", samples);
    if (!isnan(left))
        text_add(text, ", about %s left", duration_text(left - (age > 0 ? age : 0), duration));
    text_add(text, "\n");
}

static void add_packs(struct text *text, const cJSON *status)
{
    const cJSON *pack;
    if (!is_state(status, "running"))
        return;
    cJSON_ArrayForEach(pack, json_member(json_member(status, "progress"), "packs"))
    {
        const double fraction = number_of(pack, "fraction"), rounds = number_of(pack, "rounds"),
                     samples = number_of(pack, "samples_per_second");
        char *device = text_of(pack, "device"), *label = text_of(pack, "label");
        text_add(text, "  ");
        if (!isnan(fraction))
            text_add(text, "%3.0f%%  ", floor(100 * fraction));
        if (rounds > 0)
            text_add(text, "round %.0f/%.0f epoch %.0f/%.0f, ", number_of(pack, "round"), rounds,
                     number_of(pack, "epoch"), number_of(pack, "epochs"));
        if (samples > 0)
            text_add(text, samples < 10 ? "%.1f samples/s, " : "%.0f samples/s, ", samples);
        text_add(text, "%s: %s\n", device, label);
        free(device);
        free(label);
    }
}

static const char *const columns[][2] = {{"complete", "done"},   {"running", "running"},
                                         {"failed", "failed"},   {"pruned", "pruned"},
                                         {"waiting", "waiting"}, {"total", "cells"}};
#define COLUMNS (sizeof(columns) / sizeof(*columns))

static void add_counts(struct text *text, const char *name, const cJSON *cells, int width)
{
    text_add(text, "%s%*s", name, width - text_columns(name), "");
    for (size_t i = 0; i < COLUMNS; i++) {
        const double count = number_of(cells, columns[i][0]);
        const bool bad = count > 0 && strcmp(columns[i][0], "failed") == 0;
        text_add(text, "%s%9.0f%s", bad ? ACCENT_BAD : "", count, bad ? ACCENT_END : "");
    }
    text_add(text, "\n");
}

static void add_table(struct text *text, const cJSON *status)
{
    const cJSON *tasks = json_member(status, "tasks"), *task;
    int width = 5;
    cJSON_ArrayForEach(task, tasks)
    {
        char *name = text_of(task, "name");
        const int columns_of_name = text_columns(name);
        width = columns_of_name > width ? columns_of_name : width;
        free(name);
    }
    text_add(text, "\n%*s", width, "");
    for (size_t i = 0; i < COLUMNS; i++) // nothing runs where nobody is at work
        text_add(text, "%9s", i == 1 && !is_state(status, "running") ? "begun" : columns[i][1]);
    text_add(text, "\n");
    cJSON_ArrayForEach(task, tasks)
    {
        char *name = text_of(task, "name");
        add_counts(text, name, json_member(task, "cells"), width);
        free(name);
    }
    if (cJSON_GetArraySize(tasks) != 1)
        add_counts(text, "all", json_member(status, "cells"), width);
    const double outside = number_of(json_member(status, "cells"), "outside");
    if (outside > 0)
        text_add(text, "%.0f cell%s outside the grid: kept, neither trained nor ranked\n", outside,
                 outside == 1 ? " is" : "s are");
}

// The axes but those that make the task.
static void add_options(struct text *text, const cJSON *options)
{
    const cJSON *option;
    cJSON_ArrayForEach(option, options)
    {
        if (strcmp(option->string, "inputs") == 0 || strcmp(option->string, "prediction") == 0)
            continue;
        char *value =
            cJSON_IsString(option) ? text_copy(option->valuestring) : json_print_line(option);
        char *pair = text_format("  %s=%s", option->string, value);
        text_add(text, "%s", text_clean(pair));
        free(value);
        free(pair);
    }
}

// "  mean 0.2523  sd 0.0123  3 runs"; which of them ranks is in bold already.
static void add_runs(struct text *text, const cJSON *over_runs, bool by_mean)
{
    const cJSON *dice = json_member(over_runs, "dice_loss");
    if (!over_runs)
        return;
    if (by_mean)
        text_add(text, "  best %.4f", number_of(dice, "best"));
    else
        text_add(text, "  mean %.4f", number_of(dice, "mean"));
    text_add(text, "  sd %.4f  %.0f runs", number_of(dice, "sd"), number_of(over_runs, "runs"));
}

static void add_best(struct text *text, const cJSON *task, bool by_mean)
{
    const cJSON *best = json_member(task, "best"), *cell;
    char *name = text_of(task, "name");
    if (cJSON_GetArraySize(best) > 0)
        text_add(text, "\nbest of %s%s\n", name, by_mean ? ", by the mean of a cell's runs" : "");
    cJSON_ArrayForEach(cell, best)
    {
        text_add(text, "  grid%05.0f  dice loss " ACCENT_BOLD "%.4f" ACCENT_END,
                 number_of(cell, "cell"), number_of(cell, "dice_loss"));
        if (!isnan(number_of(cell, "loss")))
            text_add(text, "  loss %.4f", number_of(cell, "loss"));
        add_runs(text, json_member(cell, "over_runs"), by_mean);
        add_options(text, json_member(cell, "options"));
        text_add(text, "\n");
        char *labels = labels_text(json_member(cell, "labels"));
        if (labels)
            text_add(text, "             %s\n", labels);
        free(labels);
    }
    char *set = cJSON_GetArraySize(best) > 0 ? best_set_text(json_member(task, "best_set")) : NULL;
    if (set)
        text_add(text, "  %s\n", set);
    free(set);
    free(name);
}

static void add_failures(struct text *text, const cJSON *status)
{
    const cJSON *failed = json_member(status, "failed_runs"), *first = json_member(failed, "first"),
                *run;
    const double count = number_of(failed, "count"), more = count - cJSON_GetArraySize(first);
    if (count == 0)
        return;
    text_add(text, "\n" ACCENT_BAD "failed runs" ACCENT_END ": %.0f\n", count);
    cJSON_ArrayForEach(run, first)
    {
        char *why = text_of(run, "why");
        const double attempts = number_of(run, "attempts");
        text_add(text, "  grid%05.0f run %.0f: %s", number_of(run, "cell"),
                 number_of(run, "run") + 1, *why ? why : "no reason is recorded");
        if (attempts > 0)
            text_add(text, " (failed %.0f time%s)\n", attempts, attempts == 1 ? "" : "s");
        else
            text_add(text, " (not begun)\n");
        free(why);
    }
    if (more > 0)
        text_add(text, "  and %.0f more\n", more);
}

static void add_refused(struct text *text, const cJSON *status)
{
    const cJSON *refused = json_member(status, "refused"), *first = json_member(refused, "first"),
                *trial;
    const double count = number_of(refused, "count"), more = count - cJSON_GetArraySize(first);
    if (!(count > 0))
        return;
    text_add(text, "\n" ACCENT_BAD "refused trials" ACCENT_END " of Optuna's: %.0f\n", count);
    cJSON_ArrayForEach(trial, first)
    {
        char *task = text_of(trial, "task"), *why = text_of(trial, "why");
        text_add(text, "  trial %.0f of %s: %s\n", number_of(trial, "trial"), task, why);
        free(task);
        free(why);
    }
    if (more > 0)
        text_add(text, "  and %.0f more\n", more);
}

// Samples without files.
static void add_left_out(struct text *text, const cJSON *status)
{
    const cJSON *item, *all = json_member(status, "left_out");
    if (cJSON_GetArraySize(all) > 0)
        text_add(text, "\n" ACCENT_BAD "left out" ACCENT_END ", having no files\n");
    cJSON_ArrayForEach(item, all)
    {
        char *task = text_of(item, "task"), *names = text_of(item, "names");
        text_add(text, "  %s: %.0f of %.0f samples: %s\n", task, number_of(item, "count"),
                 number_of(item, "samples"), names);
        free(task);
        free(names);
    }
}

static void add_advice(struct text *text, const cJSON *status)
{
    const cJSON *cells = json_member(status, "cells");
    const double left = number_of(cells, "waiting") + number_of(cells, "running");
    char *study = text_of(status, "study");
    if (is_state(status, "running")) {
        free(study);
        return;
    }
    if (is_state(status, "stopped"))
        text_add(
            text,
            "\nNobody is at work and %.0f cell%s to do. The same vkgrid search with -o %s goes "
            "on where it was stopped.\n",
            left, left == 1 ? " is" : "s are", study);
    if (number_of(cells, "failed") > 0)
        text_add(text, "%svkgrid search --retry-failed tries the failed cells again.\n",
                 is_state(status, "stopped") ? "" : "\n");
    if (number_of(cells, "pruned") > 0)
        text_add(text, "%svkgrid search --unprune goes on with the pruned cells.\n",
                 is_state(status, "stopped") || number_of(cells, "failed") > 0 ? "" : "\n");
    free(study);
}

char *status_text(const struct cJSON *status, double now)
{
    struct text text = {0};
    const cJSON *task, *rank_by = json_member(status, "rank_by");
    const bool by_mean =
        cJSON_IsString(rank_by) && strcmp(rank_by->valuestring, rank_by_name(RANK_MEAN)) == 0;
    add_head(&text, status, now);
    add_speed(&text, status, now);
    add_packs(&text, status);
    add_table(&text, status);
    cJSON_ArrayForEach(task, json_member(status, "tasks"))
    {
        add_best(&text, task, by_mean);
        status_importance_text(&text, task);
    }
    add_failures(&text, status);
    add_refused(&text, status);
    add_left_out(&text, status);
    add_advice(&text, status);
    return text.bytes;
}
