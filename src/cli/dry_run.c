// SPDX-License-Identifier: MIT
#include "cli/dry_run.h"

#include "cli/commands.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/terminal.h"
#include "vkgrid/data/summary.h"
#include "vkgrid/engine/engine.h"
#include "vkgrid/run/check_groups.h"
#include "vkgrid/run/duration.h"
#include "vkgrid/run/pack_size.h"
#include "vkgrid/run/run.h"
#include "vkgrid/run/shard.h"
#include "vkgrid/train/train.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct forecast { // of a group
    int slots, packs;
    const char *why; // so many slots
    uint64_t memory; // of its largest pack; 0: not known
    bool fits;       // whether the device has room for one slot
};

struct dry_run {
    struct groups groups;
    struct engine *engine;
    char problem[1024]; // why there is no engine
    struct forecast *forecasts;
    struct duration *durations;
    struct obstacles obstacles;
    const struct grown *grown;
    cJSON *data; // what was read, a text for each source; NULL: nothing was
};

// --- What would be done -------------------------------------------------------------------------

static struct forecast make_forecast(struct engine *engine, const struct group *group, int pack)
{
    const int alike = group_alike(group);
    const bool asked = pack > 0 && pack < alike;
    struct pack_size size = {.slots = asked ? pack : alike,
                             .reason = asked ? PACK_ASKED : PACK_RUNS};
    struct forecast forecast = {.slots = size.slots, .fits = true};
    if (engine) {
        int first;
        forecast.fits = pack_size_of(engine, group, pack, &size);
        if (!forecast.fits) // as on a device that has room
            size = (struct pack_size){.slots = 1, .reason = PACK_MEMORY};
        pack_range(alike, pack_count(alike, size.slots), 0, &first, &forecast.slots);
        forecast.memory = train_memory(engine, &group->shape, forecast.slots);
        if (forecast.memory == UINT64_MAX)
            forecast.memory = 0;
    }
    forecast.packs =
        pack_count(alike, forecast.slots) + pack_count(group->run_count - alike, forecast.slots);
    forecast.why = pack_size_reason(size.reason);
    return forecast;
}

static bool make_groups(const struct search_args *args, struct groups *groups)
{
    int count;
    if (!groups_make(args->grid, args->cells, args->cell_count, groups))
        return false;
    if (args->shards < 2)
        return true;
    shard_cells(groups, args->shard, args->shards, args->cells, &count);
    groups_free(groups);
    return groups_make(args->grid, args->cells, count, groups);
}

static bool has_text(const cJSON *list, const char *text)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (strcmp(item->valuestring, text) == 0)
            return true;
    }
    return false;
}

static bool take_data(void *context, const struct cell *cell, bool whole, struct dataset **dataset)
{
    struct dry_run *run = context;
    (void)whole;
    if (!run->data)
        run->data = cJSON_CreateArray();
    char *left_out = dataset_left_out(*dataset);
    if (left_out)
        fprintf(stderr, "%s %s: %s\n", cell->inputs, cell->prediction, left_out);
    free(left_out);
    for (int i = 0; i < (*dataset)->features + (*dataset)->labels; i++) {
        char *text = summary_text(*dataset, &(*dataset)->summaries[i]);
        if (!has_text(run->data, text))
            cJSON_AddItemToArray(run->data, cJSON_CreateString(text));
        free(text);
    }
    return true;
}

static void forecast(struct dry_run *run, const struct options *options)
{
    const int count = run->groups.count, pack = (int)options->numbers[OPTION_PACK];
    int *slots = mem_zalloc((size_t)count + 1, sizeof(*slots));
    run->forecasts = mem_zalloc((size_t)count + 1, sizeof(*run->forecasts));
    run->durations = mem_zalloc((size_t)count + 1, sizeof(*run->durations));
    set_engines(options);
    int device;
    if (!device_choose(options->values[OPTION_DEVICE], &device, run->problem,
                       sizeof(run->problem)) ||
        !engine_open(device, &run->engine)) {
        snprintf(run->problem, sizeof(run->problem), "%s", error_text());
        run->engine = NULL;
    }
    for (int i = 0; i < count; i++) {
        run->forecasts[i] = make_forecast(run->engine, &run->groups.items[i], pack);
        slots[i] = run->forecasts[i].slots;
    }
    if (run->engine)
        group_durations(run->engine, &run->groups, slots, run->data && run->obstacles.count == 0,
                        run->durations);
    free(slots);
}

// How long it takes, all groups together; 0: not known. *now: something of it was measured.
static double total_seconds(const struct dry_run *run, bool *now)
{
    double seconds = 0;
    *now = false;
    for (int i = 0; i < run->groups.count; i++) {
        if (run->durations[i].source == DURATION_UNKNOWN)
            return 0;
        seconds += run->durations[i].seconds;
        *now |= run->durations[i].source == DURATION_MEASURED;
    }
    return seconds;
}

// --- As text ------------------------------------------------------------------------------------

// 1800 as "1,800".
static const char *with_commas(int number, char text[static 16])
{
    if (number >= 1000000)
        snprintf(text, 16, "%d,%03d,%03d", number / 1000000, number / 1000 % 1000, number % 1000);
    else if (number >= 1000)
        snprintf(text, 16, "%d,%03d", number / 1000, number % 1000);
    else
        snprintf(text, 16, "%d", number);
    return text;
}

static const char *plural(int number)
{
    return number == 1 ? "" : "s";
}

static void print_group(const struct dry_run *run, int index)
{
    const struct group *group = &run->groups.items[index];
    const struct forecast *forecast = &run->forecasts[index];
    const struct duration *duration = &run->durations[index];
    char memory[24] = "?", time[DURATION_TEXT] = "?";
    if (forecast->memory)
        snprintf(memory, sizeof(memory), "%.2f GiB", (double)forecast->memory / 0x1p30);
    if (duration->source != DURATION_UNKNOWN)
        duration_text(duration->seconds, time);
    printf("%5d %6d %6d %6d %6d  %-19s %12s %10.1f %11s  %s%s\n", index, group->cell_count,
           group->run_count, forecast->packs, forecast->slots, forecast->why, memory,
           group->work * 1e-12, time, group->label, forecast->fits ? "" : " (does not fit)");
}

static void print_time(const struct dry_run *run)
{
    bool now;
    const double seconds = total_seconds(run, &now);
    char text[DURATION_TEXT];
    if (seconds > 0)
        printf("time: about %s, by training steps that were measured on it %s\n",
               duration_text(seconds, text), now ? "just now" : "before");
    else
        printf(
            "time: not measured: a dry run measures training steps once the data is there "
            "(-d DIR) and good\n");
}

static void print_text(const struct dry_run *run)
{
    const struct groups *groups = &run->groups;
    const cJSON *source;
    char cells[16], runs[16], packs[16], *grown = grown_text(run->grown);
    double work = 0;
    int pack_total = 0;
    for (int i = 0; i < groups->count; i++) {
        work += groups->items[i].work;
        pack_total += run->forecasts[i].packs;
    }
    if (grown)
        printf("the study grows: %s\n", grown);
    free(grown);
    printf("%s cell%s in %d group%s; %s run%s in %s pack%s; %.1f TFLOP\n\n",
           with_commas(groups->cell_count, cells), plural(groups->cell_count), groups->count,
           plural(groups->count), with_commas(groups->run_count, runs), plural(groups->run_count),
           with_commas(pack_total, packs), plural(pack_total), work * 1e-12);
    printf("%5s %6s %6s %6s %6s  %-19s %12s %10s %11s\n", "group", "cells", "runs", "packs",
           "slots", "because", "memory/pack", "TFLOP", "time");
    for (int i = 0; i < groups->count; i++)
        print_group(run, i);
    printf("\n");
    cJSON_ArrayForEach(source, run->data) printf("data: %s\n", source->valuestring);
    char words[160];
    if (run->engine) {
        memory_words(engine_device(run->engine), words);
        printf("device: %s, %s\n", engine_device(run->engine)->name, words);
        print_time(run);
    } else {
        printf("no device, so that packs are not limited by memory: %s\n", run->problem);
    }
}

// --- As JSON ------------------------------------------------------------------------------------

static cJSON *seconds_json(double seconds)
{
    return seconds > 0 ? cJSON_CreateNumber(seconds) : cJSON_CreateNull();
}

static cJSON *group_json(const struct dry_run *run, int index)
{
    const struct group *group = &run->groups.items[index];
    const struct forecast *forecast = &run->forecasts[index];
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "label", group->label);
    cJSON_AddNumberToObject(item, "cells", group->cell_count);
    cJSON_AddNumberToObject(item, "runs", group->run_count);
    cJSON_AddNumberToObject(item, "packs", forecast->packs);
    cJSON_AddNumberToObject(item, "slots", forecast->slots);
    cJSON_AddStringToObject(item, "slots_because", forecast->why);
    if (run->engine)
        cJSON_AddNumberToObject(item, "memory", (double)forecast->memory);
    cJSON_AddBoolToObject(item, "fits", forecast->fits);
    cJSON_AddNumberToObject(item, "work", group->work);
    cJSON_AddItemToObject(item, "seconds", seconds_json(run->durations[index].seconds));
    return item;
}

static void print_json_text(const struct dry_run *run)
{
    cJSON *json = cJSON_CreateObject();
    bool now;
    cJSON_AddNumberToObject(json, "cells", run->groups.cell_count);
    cJSON_AddNumberToObject(json, "runs", run->groups.run_count);
    cJSON_AddNumberToObject(json, "unable", obstacles_cells(&run->obstacles));
    if (run->grown->changed)
        cJSON_AddItemToObject(json, "growth", grown_json(run->grown));
    cJSON_AddItemToObject(json, "seconds", seconds_json(total_seconds(run, &now)));
    if (run->engine)
        cJSON_AddStringToObject(json, "device", engine_device(run->engine)->name);
    else
        cJSON_AddNullToObject(json, "device");
    if (run->engine)
        memory_json(engine_device(run->engine), json);
    cJSON_AddItemToObject(json, "data",
                          run->data ? cJSON_Duplicate(run->data, true) : cJSON_CreateArray());
    cJSON *list = cJSON_AddArrayToObject(json, "groups");
    for (int i = 0; i < run->groups.count; i++)
        cJSON_AddItemToArray(list, group_json(run, i));
    command_print_json(json);
}

// --- The whole ----------------------------------------------------------------------------------

static bool check(struct dry_run *run, const struct search_args *args)
{
    return make_groups(args, &run->groups) &&
           groups_check(
               &(struct groups_check){
                   .grid = args->grid,
                   .groups = &run->groups,
                   .dry = true,
                   .quiet = option_set(&args->options, OPTION_QUIET),
                   .take = take_data,
                   .context = run,
               },
               &run->obstacles);
}

bool dry_run(const struct search_args *args, const struct grown *grown)
{
    struct dry_run run = {.grown = grown};
    if (!option_set(&args->options, OPTION_QUIET))
        tell_folds(args->grid);
    bool good = check(&run, args);
    if (good) {
        forecast(&run, &args->options);
        if (option_set(&args->options, OPTION_JSON))
            print_json_text(&run);
        else
            print_text(&run);
        good = run.obstacles.count == 0 || obstacles_refuse(&run.obstacles, run.groups.cell_count);
    }
    engine_close(&run.engine);
    groups_free(&run.groups);
    obstacles_free(&run.obstacles);
    free(run.forecasts);
    free(run.durations);
    cJSON_Delete(run.data);
    return good;
}
