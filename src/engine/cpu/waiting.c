// SPDX-License-Identifier: MIT
// How threads of OpenMP wait. A training step has hundreds of loops that threads share, a fraction
// of a millisecond long each. A thread that sleeps at the end of each is woken too late; one that
// spins until the others are there (libgomp: for about 10 ms) keeps them from the processor when
// another program has taken theirs. Spinning for as long as sleeping and waking would take loses
// little of either.
//
// libgomp reads how long in its constructor, and oneDNN shares its threads, so the environment must
// say it before main(): this process begins anew, once. LLVM's libomp gives the processor to others
// while it spins, and is left as it is. docs/performance/threads.md has what was measured.
#include "engine/cpu/threads.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/engine/engine.h"

#include <limits.h>
#include <omp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#define SPIN_SECONDS 100e-6
#define SPINS_LEAST 100
#define SPINS_MOST 300000 // libgomp's own
#define TURNS 1000        // that are timed at once, TRIES times
#define TRIES 5

// One turn of libgomp's loop is a look at memory, and where it knows one, a pause: of 20 to 140
// cycles.
static double turn_seconds(void)
{
    static int never;
    double least = SPIN_SECONDS;
    for (int try = 0; try < TRIES; try++) {
        const double start = seconds_now();
        for (int i = 0; i < TURNS && !__atomic_load_n(&never, __ATOMIC_RELAXED); i++)
#if defined __x86_64__ || defined __i386__
            __builtin_ia32_pause();
#else
            __asm volatile("" : : : "memory");
#endif
        const double seconds = (seconds_now() - start) / TURNS;
        if (seconds > 0 && seconds < least)
            least = seconds;
    }
    return least;
}

static int spins(void)
{
    const double count = SPIN_SECONDS / turn_seconds();
    return count < SPINS_LEAST ? SPINS_LEAST : count > SPINS_MOST ? SPINS_MOST : (int)count;
}

// Where somebody has said how to wait, that holds. In the process begun anew we have.
static bool is_told(void)
{
    return getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT");
}

// The file of this program. Not where the dynamic loader was called as a program, which has no base
// then: the file would be the loader's.
static bool find_program(char path[static PATH_MAX])
{
    const ssize_t length = getauxval(AT_SECURE) || getauxval(AT_BASE) == 0
                               ? -1
                               : readlink("/proc/self/exe", path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = 0;
    return length > 0;
}

// Under OMP_PROC_BIND OpenMP has bound this thread to its first place; the process begun anew shall
// find all of them.
static void unbind(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int place = 0; place < omp_get_num_places(); place++) {
        const int count = omp_get_place_num_procs(place);
        int *processors = mem_zalloc((size_t)count + 1, sizeof *processors);
        omp_get_place_proc_ids(place, processors);
        for (int i = 0; i < count; i++)
            CPU_SET((size_t)processors[i], &set); // leaves out what it has no room for
        free(processors);
    }
    if (CPU_COUNT(&set) > 0)
        sched_setaffinity(0, sizeof set, &set);
}

void engine_wait_briefly(char **argv)
{
    char path[PATH_MAX], count[16];
    if (kmp_get_blocktime || is_told() || !find_program(path))
        return;
    unbind();
    snprintf(count, sizeof count, "%d", spins());
    setenv("GOMP_SPINCOUNT", count, 1);
    execv(path, argv);
    unsetenv("GOMP_SPINCOUNT"); // it goes on as it is, slower beside other programs
}
