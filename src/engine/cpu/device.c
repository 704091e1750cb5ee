// SPDX-License-Identifier: MIT
// The processor as a device, and the engine.
#include "engine/cpu/create.h"
#include "engine/cpu/engine.h"
#include "engine/cpu/run.h"
#include "engine/cpu/threads.h"
#include "engine/cpu/transfer.h"
#include "vkgrid/base/cgroup.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/processors.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct processors thread_count(void)
{
    const int wanted = engine_thread_count();
    return wanted > 0 ? (struct processors){wanted, "--threads"} : processors_find();
}

// "model name" of /proc/cpuinfo; where there is none, what the machine is called.
static void find_name(char *name, size_t size)
{
    char line[512];
    struct utsname machine;
    FILE *file = fopen("/proc/cpuinfo", "r");
    snprintf(name, size, "%s", uname(&machine) == 0 ? machine.machine : "CPU");
    while (file && fgets(line, sizeof line, file)) {
        const char *value = strchr(line, ':');
        if (strncmp(line, "model name", strlen("model name")) || !value)
            continue;
        value += 1 + strspn(value + 1, " \t");
        snprintf(name, size, "%.*s", (int)strcspn(value, "\n"), value);
        break;
    }
    if (file)
        fclose(file);
}

// The least of a limit and of those in a group's files.
static void see_limit(const char *folder, void *context)
{
    static const char *const names[] = {"memory.max", "memory.limit_in_bytes"}; // versions 2, 1
    uint64_t *least = context;
    for (int i = 0; i < 2; i++) {
        char path[PATH_MAX];
        unsigned long long limit;
        const int length = snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        FILE *file = length > 0 && (size_t)length < sizeof path ? fopen(path, "r") : NULL;
        if (file && fscanf(file, "%19llu", &limit) == 1 && limit < *least) // "max": no limit
            *least = limit;
        if (file)
            fclose(file);
    }
}

// Physical memory, or what this process's control groups may have of it.
static uint64_t physical_memory(void)
{
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    cgroup_visit("", "memory", see_limit, &memory);
    return memory;
}

static void describe(struct device_info *info)
{
    char version[64];
    const struct processors threads = thread_count();
    const uint64_t memory = physical_memory();
    *info = (struct device_info){.kind = DEVICE_CPU,
                                 .memory = memory,
                                 .heap = memory,
                                 .free = memory,
                                 .largest_piece = memory,
                                 .usable = true,
                                 .threads = threads.count,
                                 .threads_because = threads.because,
                                 .tuned = -1};
    find_name(info->name, sizeof info->name);
    onednn_describe(version, sizeof version, info->features, sizeof info->features);
    info->half = strstr(info->features, "bf16") ? HALF_BFLOAT16 : HALF_NONE;
    snprintf(info->driver, sizeof info->driver, "%s, %d thread%s", version, threads.count,
             threads.count == 1 ? "" : "s");
}

static bool cpu_devices(struct device_info **list, int *count)
{
    *list = mem_grow(*list, (size_t)*count + 1, sizeof **list);
    describe(&(*list)[(*count)++]);
    return true;
}

static const char *cpu_absent(void)
{
    return NULL;
}

static void cpu_close(struct engine *base)
{
    struct cpu_engine *engine = (struct cpu_engine *)base;
    onednn_destroy(&engine->onednn);
    free(engine);
}

static bool cpu_open(int index, struct engine **out)
{
    struct cpu_engine *engine = mem_zalloc(1, sizeof *engine);
    (void)index; // there is one
    engine->base.ops = &cpu_engine_ops;
    describe(&engine->base.device);
    engine->threads = engine->base.device.threads;
    pins_find(&engine->pins, engine->threads);
    engine->matrix_units = strstr(engine->base.device.features, "AMX") != NULL;
    threads_set(engine->threads);
    CHECK(onednn_create(&engine->onednn));
    *out = &engine->base;
    return true;
error:
    cpu_close(&engine->base);
    return false;
}

const struct engine_ops cpu_engine_ops = {
    .name = "CPU",
    .devices = cpu_devices,
    .absent = cpu_absent,
    .open = cpu_open,
    .close = cpu_close,
    .memory = cpu_memory,
    .create = cpu_create,
    .destroy = cpu_destroy,
    .write = cpu_write,
    .read = cpu_read,
    .clear = cpu_clear,
    .run = cpu_run,
    .times = cpu_times,
    .wait = cpu_wait,
    .check_guards = cpu_check_guards,
};
