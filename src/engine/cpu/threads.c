// SPDX-License-Identifier: MIT
// Beside other busy programs the kernel likes to put two threads that spin for each other on one
// processor, where they compute in turns. Where there are as many threads as processors, each has
// one to itself instead. With fewer threads, another program might be given the same processors
// while others stand idle; and threads that sleep at once are placed well
// (docs/performance/threads.md).
#include "engine/cpu/threads.h"

#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>

void threads_set(int count)
{
    omp_set_num_threads(count);
    omp_set_dynamic(0);
}

static _Thread_local int pinned_to = -1;

static void pin(int processor)
{
    cpu_set_t set;
    if (pinned_to == processor)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    sched_setaffinity(0, sizeof set, &set); // where it may not, it is slower at worst
    pinned_to = processor;
}

// Where somebody has said how threads wait or where they are, that holds.
static bool is_told(void)
{
    return getenv("OMP_WAIT_POLICY") || getenv("OMP_PROC_BIND") || getenv("OMP_PLACES") ||
           getenv("GOMP_CPU_AFFINITY");
}

void pins_find(struct pins *pins, int threads)
{
    *pins = (struct pins){0};
    if (threads < 2 || is_told() || kmp_get_blocktime)
        return;
    if (sched_getaffinity(0, sizeof pins->allowed, &pins->allowed) != 0 ||
        CPU_COUNT(&pins->allowed) != threads)
        return;
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET((size_t)i, &pins->allowed))
            pins->processors[pins->count++] = (short)i;
}

void pins_set(const struct pins *pins)
{
    if (pins->count == 0)
        return;
#pragma omp parallel
    pin(pins->processors[omp_get_thread_num() % pins->count]);
}

void pins_clear(const struct pins *pins)
{
    if (pins->count == 0)
        return;
    sched_setaffinity(0, sizeof pins->allowed, &pins->allowed);
    pinned_to = -1;
}
