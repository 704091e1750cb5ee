// SPDX-License-Identifier: MIT
// What a search would do.
#include "cli/commands.h"

#include "vkgrid/engine/engine.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/run.h"
#include "vkgrid/run/pack_size.h"
#include "vkgrid/train/train.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

struct forecast { // of a group
    int slots, packs;
    const char *why; // so many slots
    uint64_t memory; // of its largest pack; 0: not known
    bool fits;       // whether the device has room for one slot
};

static struct forecast make_forecast(struct engine *engine, const struct group *group, int pack)
{
    const bool asked = pack > 0 && pack < group->run_count;
    struct pack_size size = {.slots = asked ? pack : group->run_count,
                             .reason = asked ? PACK_ASKED : PACK_RUNS};
    struct forecast forecast = {.slots = size.slots, .fits = true};
    if (engine) {
        int first;
        forecast.fits = pack_size_of(engine, group, pack, &size);
        if (!forecast.fits) // as on a device that has room
            size = (struct pack_size){.slots = 1, .reason = PACK_MEMORY};
        pack_range(group->run_count, pack_count(group->run_count, size.slots), 0, &first,
                   &forecast.slots);
        forecast.memory = train_memory(engine, &group->shape, forecast.slots);
        if (forecast.memory == UINT64_MAX)
            forecast.memory = 0;
    }
    forecast.packs = pack_count(group->run_count, forecast.slots);
    forecast.why = pack_size_reason(size.reason);
    return forecast;
}

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

static void print_group(int index, const struct group *group, const struct forecast *forecast)
{
    char memory[24] = "?";
    if (forecast->memory)
        snprintf(memory, sizeof(memory), "%.2f GiB", (double)forecast->memory / 0x1p30);
    printf("%5d %6d %6d %6d %6d  %-19s %12s %10.1f  %s%s\n", index, group->cell_count,
           group->run_count, forecast->packs, forecast->slots, forecast->why, memory,
           group->work * 1e-12, group->label, forecast->fits ? "" : " (does not fit)");
}

static void print_text(const struct groups *groups, const struct forecast *forecasts,
                       struct engine *engine, const char *device_problem)
{
    char cells[16], runs[16], packs[16];
    double work = 0;
    int pack_total = 0;
    for (int i = 0; i < groups->count; i++) {
        work += groups->items[i].work;
        pack_total += forecasts[i].packs;
    }
    printf("%s cell%s in %d group%s; %s run%s in %s pack%s; %.1f TFLOP\n\n",
           with_commas(groups->cell_count, cells), plural(groups->cell_count), groups->count,
           plural(groups->count), with_commas(groups->run_count, runs), plural(groups->run_count),
           with_commas(pack_total, packs), plural(pack_total), work * 1e-12);
    printf("%5s %6s %6s %6s %6s  %-19s %12s %10s\n", "group", "cells", "runs", "packs", "slots",
           "because", "memory/pack", "TFLOP");
    for (int i = 0; i < groups->count; i++)
        print_group(i, &groups->items[i], &forecasts[i]);
    char words[160];
    if (engine) {
        memory_words(engine_device(engine), words);
        printf("\ndevice: %s, %s\n", engine_device(engine)->name, words);
    } else {
        printf("\nno device, so that packs are not limited by memory: %s\n", device_problem);
    }
}

static void print_json_text(const struct groups *groups, const struct forecast *forecasts,
                            struct engine *engine)
{
    cJSON *json = cJSON_CreateObject(), *list = cJSON_CreateArray();
    cJSON_AddNumberToObject(json, "cells", groups->cell_count);
    cJSON_AddNumberToObject(json, "runs", groups->run_count);
    if (engine)
        cJSON_AddStringToObject(json, "device", engine_device(engine)->name);
    else
        cJSON_AddNullToObject(json, "device");
    if (engine)
        memory_json(engine_device(engine), json);
    cJSON_AddItemToObject(json, "groups", list);
    for (int i = 0; i < groups->count; i++) {
        const struct group *group = &groups->items[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "label", group->label);
        cJSON_AddNumberToObject(item, "cells", group->cell_count);
        cJSON_AddNumberToObject(item, "runs", group->run_count);
        cJSON_AddNumberToObject(item, "packs", forecasts[i].packs);
        cJSON_AddNumberToObject(item, "slots", forecasts[i].slots);
        cJSON_AddStringToObject(item, "slots_because", forecasts[i].why);
        if (engine)
            cJSON_AddNumberToObject(item, "memory", (double)forecasts[i].memory);
        cJSON_AddBoolToObject(item, "fits", forecasts[i].fits);
        cJSON_AddNumberToObject(item, "work", group->work);
        cJSON_AddItemToArray(list, item);
    }
    command_print_json(json);
}

void print_dry_run(const struct groups *groups, struct engine *engine, const char *device_problem,
                   int pack, bool json)
{
    struct forecast *forecasts = mem_zalloc((size_t)groups->count + 1, sizeof(*forecasts));
    for (int i = 0; i < groups->count; i++)
        forecasts[i] = make_forecast(engine, &groups->items[i], pack);
    if (json)
        print_json_text(groups, forecasts, engine);
    else
        print_text(groups, forecasts, engine, device_problem);
    free(forecasts);
}
