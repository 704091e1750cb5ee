// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include "vkgrid/engine/engine.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

static double gib(uint64_t bytes)
{
    return (double)bytes / 0x1p30;
}

void memory_words(const struct device_info *device, char words[static 160])
{
    const bool whole = device->largest_piece >= device->memory;
    const int length = snprintf(words, 160, "%.1f GiB for packs: %.1f of %.1f GiB are free%s",
                                gib(device->memory), gib(device->free), gib(device->heap),
                                device->memory < device->free ? ", less a reserve" : "");
    if (!whole)
        snprintf(words + length, 160 - (size_t)length, "; at most %.1f GiB in one piece",
                 gib(device->largest_piece));
}

void memory_json(const struct device_info *device, struct cJSON *json)
{
    cJSON_AddNumberToObject(json, "memory", (double)device->memory);
    cJSON_AddNumberToObject(json, "heap", (double)device->heap);
    cJSON_AddNumberToObject(json, "free", (double)device->free);
    cJSON_AddNumberToObject(json, "reserve", (double)(device->free - device->memory));
    cJSON_AddNumberToObject(json, "largest_piece", (double)device->largest_piece);
}

static void print_table(const struct device_info *list, int count)
{
    const char *engine, *why;
    if (count == 0)
        printf("no devices\n");
    for (int i = 0; i < count; i++) {
        const struct device_info *device = &list[i];
        char words[160];
        printf("%d  %s\n   %s, %s, %.1f GiB%s%s\n", i, device->name, device_kind_name(device->kind),
               device->driver, gib(device->heap), *device->features ? ", " : "", device->features);
        memory_words(device, words);
        if (device->usable && device->threads_because)
            printf("   %d thread%s: %s\n", device->threads, device->threads == 1 ? "" : "s",
                   device->threads_because);
        if (device->usable && device->kind != DEVICE_CPU)
            printf("   %s\n", words);
        if (device->usable && device->tuned > 0)
            printf("   tuned: tiles of %d convolutions\n", device->tuned);
        else if (device->usable && device->tuned == 0)
            printf("   not tuned: vkgrid bench --tune --device %d\n", i);
        if (!device->usable)
            printf("   not usable: %s\n", device->missing);
    }
    for (int at = 0; engine_absent(&at, &engine, &why);)
        printf("no %s engine: %s\n", engine, why);
}

static cJSON *to_json(const struct device_info *list, int count)
{
    cJSON *devices = cJSON_CreateArray();
    for (int i = 0; i < count; i++) {
        cJSON *device = cJSON_CreateObject();
        cJSON_AddNumberToObject(device, "index", i);
        cJSON_AddStringToObject(device, "name", list[i].name);
        cJSON_AddStringToObject(device, "kind", device_kind_name(list[i].kind));
        cJSON_AddStringToObject(device, "driver", list[i].driver);
        memory_json(&list[i], device);
        cJSON_AddStringToObject(device, "features", list[i].features);
        if (list[i].threads_because) {
            cJSON_AddNumberToObject(device, "threads", list[i].threads);
            cJSON_AddStringToObject(device, "threads_because", list[i].threads_because);
        }
        if (list[i].tuned >= 0)
            cJSON_AddNumberToObject(device, "tuned", list[i].tuned);
        else
            cJSON_AddNullToObject(device, "tuned");
        cJSON_AddBoolToObject(device, "usable", list[i].usable);
        cJSON_AddStringToObject(device, "missing", list[i].missing);
        cJSON_AddItemToArray(devices, device);
    }
    return devices;
}

static cJSON *absent_to_json(void)
{
    const char *engine, *why;
    cJSON *list = cJSON_CreateArray();
    for (int at = 0; engine_absent(&at, &engine, &why);) {
        cJSON *absent = cJSON_CreateObject();
        cJSON_AddStringToObject(absent, "engine", engine);
        cJSON_AddStringToObject(absent, "why", why);
        cJSON_AddItemToArray(list, absent);
    }
    return list;
}

static void print_json(const struct device_info *list, int count, int chosen, const char *reason)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "devices", to_json(list, count));
    cJSON_AddItemToObject(json, "absent", absent_to_json());
    if (chosen >= 0)
        cJSON_AddNumberToObject(json, "chosen", chosen);
    else
        cJSON_AddNullToObject(json, "chosen");
    cJSON_AddStringToObject(json, "reason", reason);
    command_print_json(json);
}

int command_devices(int argc, char **argv)
{
    struct options options;
    struct device_info *list;
    char reason[512];
    int status, count, chosen = -1;
    if (!options_parse(COMMAND_DEVICES, argc, argv, &options, &status))
        return status;
    set_engines(&options);
    if (!devices_examine(&list, &count))
        return command_failed();
    if (!device_choose("auto", &chosen, reason, sizeof(reason))) {
        snprintf(reason, sizeof(reason), "%s", error_text());
        chosen = -1;
    }
    if (option_set(&options, OPTION_JSON)) {
        print_json(list, count, chosen, reason);
    } else {
        print_table(list, count);
        if (chosen >= 0)
            printf("picked: %d, %s\n", chosen, reason);
        else
            printf("none would be picked: %s\n", reason);
    }
    free(list);
    return 0;
}
