// SPDX-License-Identifier: MIT
// The device that a test runs on: $VKGRID_DEVICE (index or part of the name), else what `auto`
// picks. NULL with a printed reason when this machine has none; one that was asked for and cannot
// be had fails the test.
#pragma once

#include "vkgrid/engine.h"
#include "vkgrid/error.h"

#include <stdio.h>
#include <stdlib.h>

static inline struct engine *open_test_device(void)
{
    const char *wanted = getenv("VKGRID_DEVICE");
    const bool asked = wanted && *wanted;
    struct engine *engine = NULL;
    char reason[512];
    int device;
    if (device_choose(asked ? wanted : "auto", &device, reason, sizeof reason) &&
        engine_open(device, &engine))
        return engine;
    printf("%s: %s\n", asked ? "failed" : "skipped", error_text());
    if (asked)
        exit(1);
    return NULL;
}
