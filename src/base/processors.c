// SPDX-License-Identifier: MIT
#include "vkgrid/base/processors.h"

#include "vkgrid/base/cgroup.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS_MOST = 1024 }; // as --threads takes them

// OpenMP's own count, where it is linked: under OMP_PROC_BIND it has bound this thread to a part of
// the processors before main().
extern int omp_get_num_procs(void) __attribute__((weak));

// The numbers that a group's file begins with, two at most; how many.
static int read_numbers(const char *folder, const char *name, long long numbers[2])
{
    char path[PATH_MAX], line[64] = "", *at = line, *end;
    const int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = length > 0 && (size_t)length < sizeof path ? fopen(path, "r") : NULL;
    const bool read = file && fgets(line, sizeof line, file);
    int count = 0;
    if (file)
        fclose(file);
    while (read && count < 2) {
        numbers[count] = strtoll(at, &end, 10); // "max" is none
        if (end == at || !(isspace((unsigned char)*end) || *end == 0))
            break;
        at = end;
        count++;
    }
    return count;
}

// Version 2: "QUOTA PERIOD" or "max PERIOD". Version 1: a file each; -1: no quota.
static void see_quota(const char *folder, void *context)
{
    long long both[2], quota[2], period[2];
    double *least = context;
    if (read_numbers(folder, "cpu.max", both) == 2)
        quota[0] = both[0], period[0] = both[1];
    else if (read_numbers(folder, "cpu.cfs_quota_us", quota) == 0 ||
             read_numbers(folder, "cpu.cfs_period_us", period) == 0)
        return;
    if (quota[0] <= 0 || period[0] <= 0)
        return;
    const double processors = (double)quota[0] / (double)period[0];
    if (*least <= 0 || processors < *least)
        *least = processors;
}

double processors_quota(const char *root)
{
    double least = 0;
    cgroup_visit(root, "cpu", see_quota, &least);
    return least;
}

// "8", or the first of "8,2" (a number for each level of nesting). 0 where it is no such number,
// which OpenMP ignores as well.
static int threads_in(const char *text)
{
    char *end;
    if (!text)
        return 0;
    const long number = strtol(text, &end, 10);
    while (isspace((unsigned char)*end))
        end++;
    if (end == text || (*end && *end != ',') || number < 1)
        return 0;
    return number < THREADS_MOST ? (int)number : THREADS_MOST;
}

struct processors processors_within(const struct processor_limits *limits)
{
    const int wanted = threads_in(limits->omp_num_threads),
              task = threads_in(limits->cpus_per_task);
    const int there = limits->online > limits->allowed ? limits->online : limits->allowed;
    struct processors found = {there > 1 ? there : 1, "all processors"};
    if (wanted > 0)
        return (struct processors){wanted, "OMP_NUM_THREADS"};
    if (limits->allowed > 0 && limits->allowed < found.count)
        found = (struct processors){limits->allowed, "affinity"};
    if (limits->quota > 0 && ceil(limits->quota) < found.count)
        found = (struct processors){(int)ceil(limits->quota), "cgroup quota"};
    if (task > 0 && task < found.count)
        found = (struct processors){task, "SLURM_CPUS_PER_TASK"};
    return found;
}

static int allowed_by_affinity(void)
{
    cpu_set_t set;
    const int mask = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
    const int openmp = omp_get_num_procs ? omp_get_num_procs() : 0;
    return openmp > mask && mask > 0 ? openmp : mask; // 0: more than a cpu_set_t holds
}

struct processors processors_find(void)
{
    return processors_within(&(struct processor_limits){
        .online = (int)sysconf(_SC_NPROCESSORS_ONLN),
        .allowed = allowed_by_affinity(),
        .quota = processors_quota(""),
        .omp_num_threads = getenv("OMP_NUM_THREADS"),
        .cpus_per_task = getenv("SLURM_CPUS_PER_TASK"),
    });
}

int processor_count(void)
{
    return processors_find().count;
}
