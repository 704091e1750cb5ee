// SPDX-License-Identifier: MIT
// Devices: numbers those of all engines and chooses one.
#include "engine/devices.h"

#include "engine/engine_ops.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct engine_ops *const engines[] = {&vulkan_engine_ops, &cpu_engine_ops};

enum { ENGINE_COUNT = sizeof engines / sizeof engines[0] };

bool engine_absent(int *at, const char **engine, const char **why)
{
    while (*at < ENGINE_COUNT) {
        const struct engine_ops *ops = engines[(*at)++];
        *engine = ops->name;
        *why = ops->absent();
        if (*why)
            return true;
    }
    return false;
}

bool devices_list(struct device_info **list, int *count)
{
    *list = NULL;
    *count = 0;
    for (int i = 0; i < ENGINE_COUNT; i++)
        CHECK(engines[i]->devices(list, count));
    return true;

error:
    free(*list);
    *list = NULL;
    *count = 0;
    return false;
}

bool devices_examine(struct device_info **list, int *count)
{
    if (!devices_list(list, count))
        return false;
    for (int i = 0; i < *count; i++) {
        struct device_info *info = &(*list)[i];
        struct engine *engine = NULL;
        const int tuned = info->tuned;
        if (!info->usable)
            continue;
        info->usable = engine_open(i, &engine);
        if (info->usable)
            *info = engine->device;
        else
            snprintf(info->missing, sizeof info->missing, "%s", error_text());
        info->tuned = tuned;
        engine_close(&engine);
    }
    return true;
}

bool engine_open(int device, struct engine **engine)
{
    struct device_info *list = NULL;
    int first = 0, count = 0;
    *engine = NULL;
    for (int i = 0; i < ENGINE_COUNT; i++) {
        first = count;
        CHECK(engines[i]->devices(&list, &count));
        if (device < first || device >= count)
            continue;
        if (!list[device].usable)
            FAIL("device %d (%s): cannot be used: %s", device, list[device].name,
                 list[device].missing);
        CHECK(engines[i]->open(device - first, engine));
        free(list);
        return true;
    }
    FAIL("device %d: there is no such device (%d found)", device, count);

error:
    free(list);
    return false;
}

const char *device_kind_name(enum device_kind kind)
{
    static const char *const names[] = {
        [DEVICE_DISCRETE] = "discrete GPU",
        [DEVICE_INTEGRATED] = "integrated GPU",
        [DEVICE_VIRTUAL] = "virtual GPU",
        [DEVICE_SOFTWARE] = "software driver",
        [DEVICE_CPU] = "CPU",
    };
    return names[kind];
}

static double gib(uint64_t bytes)
{
    return (double)bytes / (1024.0 * 1024.0 * 1024.0);
}

// Whether `auto` would rather have a than b: by kind (the order of the enum), then by memory.
static bool preferred(const struct device_info *a, const struct device_info *b)
{
    return a->kind != b->kind ? a->kind < b->kind : a->memory > b->memory;
}

static bool refuse_auto(const struct device_info *list, int count)
{
    struct text why = {0};
    text_add(&why, "device auto: no usable GPU and no CPU engine");
    for (int i = 0; i < count; i++)
        if (list[i].usable)
            text_add(&why, "; %s is a software driver, taken only when asked for: --device %d",
                     list[i].name, i);
        else
            text_add(&why, "; %s cannot be used: %s", list[i].name, list[i].missing);
    if (count == 0)
        text_add(&why, ": no Vulkan device found");
    error_set("%s", why.bytes);
    free(why.bytes);
    return false;
}

// The usable one that is preferred, software drivers apart, else -1.
static int best_device(const struct device_info *list, int count)
{
    int best = -1;
    for (int i = 0; i < count; i++)
        if (list[i].usable && list[i].kind != DEVICE_SOFTWARE &&
            (best < 0 || preferred(&list[i], &list[best])))
            best = i;
    return best;
}

// Behind what is said of a device: what the CPU engine computes with, and why; else nothing.
static void cpu_words(const struct device_info *info, char words[static 320])
{
    *words = 0;
    if (info->kind == DEVICE_CPU && info->threads_because)
        snprintf(words, 320, " (%s: %s)", info->driver, info->threads_because);
}

static bool choose_auto(const struct device_info *list, int count, int *chosen, char *reason,
                        size_t size)
{
    const int best = best_device(list, count);
    char words[320];
    if (best < 0)
        return refuse_auto(list, count);
    *chosen = best;
    cpu_words(&list[best], words);
    if (list[best].kind == DEVICE_CPU)
        snprintf(reason, size, "%s: no usable GPU: auto takes the CPU%s", list[best].name, words);
    else
        snprintf(reason, size, "%s: auto takes the %s with most memory (%.1f GiB)", list[best].name,
                 device_kind_name(list[best].kind), gib(list[best].memory));
    return true;
}

static bool choose_cpu(const struct device_info *list, int count, int *chosen, char *reason,
                       size_t size)
{
    for (int i = 0; i < count; i++)
        if (list[i].kind == DEVICE_CPU) {
            char words[320];
            *chosen = i;
            cpu_words(&list[i], words);
            snprintf(reason, size, "%s: asked for: the CPU%s", list[i].name, words);
            return true;
        }
    return error_set("device cpu: there is no CPU engine");
}

static bool choose_index(const struct device_info *list, int count, int index, int *chosen,
                         char *reason, size_t size)
{
    char words[320];
    if (index >= count)
        return error_set(
            "device %d: there is no such device (%d found); `vkgrid devices` lists them", index,
            count);
    if (!list[index].usable)
        return error_set("device %d (%s): cannot be used: %s", index, list[index].name,
                         list[index].missing);
    *chosen = index;
    cpu_words(&list[index], words);
    snprintf(reason, size, "%s: asked for by index %d%s", list[index].name, index, words);
    return true;
}

// The first usable device whose name has the part; others are mentioned.
static bool choose_name(const struct device_info *list, int count, const char *part, int *chosen,
                        char *reason, size_t size)
{
    int usable = -1, unusable = -1, matches = 0;
    char words[320];
    for (int i = 0; i < count; i++) {
        if (!strcasestr(list[i].name, part))
            continue;
        matches++;
        if (list[i].usable && usable < 0)
            usable = i;
        if (!list[i].usable && unusable < 0)
            unusable = i;
    }
    if (matches == 0)
        return error_set(
            "device %s: no device has that name (%d found); `vkgrid devices` lists them", part,
            count);
    if (usable < 0)
        return choose_index(list, count, unusable, chosen, reason, size);
    *chosen = usable;
    cpu_words(&list[usable], words);
    if (matches == 1)
        snprintf(reason, size, "%s: asked for by name%s", list[usable].name, words);
    else
        snprintf(reason, size,
                 "%s: the first usable of %d devices that have \"%s\" in their name%s",
                 list[usable].name, matches, part, words);
    return true;
}

// A number of one or two digits is an index; "4090" is part of a name.
static bool is_index(const char *wanted, int *index)
{
    if (strspn(wanted, "0123456789") != strlen(wanted) || strlen(wanted) > 2)
        return false;
    *index = atoi(wanted);
    return true;
}

bool device_choose_from(const struct device_info *list, int count, const char *wanted, int *chosen,
                        char *reason, size_t size)
{
    int index;
    if (!*wanted)
        return error_set(
            "device: no name given; allowed are auto, cpu, an index, and a part of a name");
    if (!strcmp(wanted, "auto"))
        return choose_auto(list, count, chosen, reason, size);
    if (!strcmp(wanted, "cpu"))
        return choose_cpu(list, count, chosen, reason, size);
    if (is_index(wanted, &index))
        return choose_index(list, count, index, chosen, reason, size);
    return choose_name(list, count, wanted, chosen, reason, size);
}

// Behind a message that says what is not there: the engines that cannot be.
static void add_absent(void)
{
    const char *engine, *why;
    for (int at = 0; engine_absent(&at, &engine, &why);) {
        char *text = text_copy(error_text());
        error_set("%s; no %s engine: %s", text, engine, why);
        free(text);
    }
}

bool device_choose(const char *wanted, int *chosen, char *reason, size_t size)
{
    struct device_info *list;
    int count;
    if (!devices_list(&list, &count))
        return false;
    const bool found = device_choose_from(list, count, wanted, chosen, reason, size);
    free(list);
    if (!found)
        add_absent();
    return found;
}
