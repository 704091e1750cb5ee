// SPDX-License-Identifier: MIT
// The processor as a device, and the engine.
#include "engine/cpu/create.h"
#include "engine/cpu/engine.h"
#include "engine/cpu/run.h"
#include "engine/cpu/transfer.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/processors.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static int thread_count(void)
{
    return engine_thread_count() > 0 ? engine_thread_count() : processor_count();
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

// The limit in a control group's file; `otherwise` when there is none.
static uint64_t limit_in(const char *path, uint64_t otherwise)
{
    unsigned long long limit;
    FILE *file = fopen(path, "r");
    const bool found = file && fscanf(file, "%llu", &limit) == 1; // "max": no limit
    if (file)
        fclose(file);
    return found && limit < otherwise ? limit : otherwise;
}

// Physical memory, or what this process's control group may have of it (version 2 or 1).
static uint64_t physical_memory(void)
{
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    char line[512], path[600];
    FILE *file = fopen("/proc/self/cgroup", "r");
    memory = limit_in("/sys/fs/cgroup/memory.max", memory);
    memory = limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes", memory);
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "0::", 3))
            continue;
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", line + 3);
        memory = limit_in(path, memory);
    }
    if (file)
        fclose(file);
    return memory;
}

static void describe(struct device_info *info)
{
    char version[64];
    const int threads = thread_count();
    const uint64_t memory = physical_memory();
    *info = (struct device_info){.kind = DEVICE_CPU,
                                 .memory = memory,
                                 .heap = memory,
                                 .free = memory,
                                 .largest_piece = memory,
                                 .usable = true,
                                 .tuned = -1};
    find_name(info->name, sizeof info->name);
    onednn_describe(version, sizeof version, info->features, sizeof info->features);
    info->half = strstr(info->features, "bf16") ? HALF_BFLOAT16 : HALF_NONE;
    snprintf(info->driver, sizeof info->driver, "%s, %d thread%s", version, threads,
             threads == 1 ? "" : "s");
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
    engine->threads = thread_count();
    describe(&engine->base.device);
    engine->matrix_units = strstr(engine->base.device.features, "AMX") != NULL;
    omp_set_num_threads(engine->threads);
    omp_set_dynamic(0);
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
