// SPDX-License-Identifier: MIT
// The device that a test runs on: the processor where $VKGRID_ENGINE is "cpu", else $VKGRID_DEVICE
// (as --device), else the first usable Vulkan device, a GPU before a software driver. NULL with a
// printed reason when this machine has none; one that was asked for and cannot be had fails the
// test.
#pragma once

#include "vkgrid/engine/engine.h"
#include "vkgrid/base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline bool choose_vulkan_device(int *chosen)
{
    struct device_info *list;
    int count, best = -1;
    if (!devices_list(&list, &count))
        return false;
    for (int i = 0; i < count; i++)
        if (list[i].usable && list[i].kind != DEVICE_CPU &&
            (best < 0 || list[i].kind < list[best].kind))
            best = i;
    free(list);
    *chosen = best;
    return best >= 0 || error_set("no usable Vulkan device");
}

static inline struct engine *open_test_device(void)
{
    const char *wanted = getenv("VKGRID_DEVICE"), *kind = getenv("VKGRID_ENGINE");
    if (kind && !strcmp(kind, "cpu"))
        wanted = kind;
    const bool asked = wanted && *wanted;
    struct engine *engine = NULL;
    char reason[512];
    int device;
    if ((asked ? device_choose(wanted, &device, reason, sizeof reason)
               : choose_vulkan_device(&device)) &&
        engine_open(device, &engine))
        return engine;
    printf("%s: %s\n", asked ? "failed" : "skipped", error_text());
    if (asked)
        exit(1);
    return NULL;
}

// The same, but NULL with a printed reason when the device cannot compute in that precision. One
// that could but fails the engine's own test of it (self_test.c) fails this test too: the kernels
// may be to blame.
static inline struct engine *open_test_device_for(enum precision precision)
{
    struct engine *engine = open_test_device();
    if (engine && precision == PRECISION_MIXED && *engine_device(engine)->half_missing) {
        printf("failed: %s: %s\n", engine_device(engine)->name,
               engine_device(engine)->half_missing);
        exit(1);
    }
    if (engine && precision == PRECISION_MIXED && engine_device(engine)->half == HALF_NONE) {
        printf("skipped: %s cannot compute in mixed precision\n", engine_device(engine)->name);
        engine_close(&engine);
    }
    return engine;
}
