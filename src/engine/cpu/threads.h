// SPDX-License-Identifier: MIT
// Threads of OpenMP: how many, and where.
#pragma once

#include <sched.h>

// LLVM's OpenMP has it, GCC's has not: the one that gives the processor to others while it spins.
extern int kmp_get_blocktime(void) __attribute__((weak));

// So many for the regions that the calling thread begins, and for those of oneDNN, which asks
// OpenMP.
void threads_set(int count);

// The processors of the threads of a team, by number of the thread; none: the kernel chooses.
struct pins {
    cpu_set_t allowed; // of the thread that found them
    short processors[CPU_SETSIZE];
    int count;
};

void pins_find(struct pins *pins, int threads);
// Of the calling thread's team. The other threads stay so; it is free again after pins_clear():
// what it does next may begin threads, which would have but its processor.
void pins_set(const struct pins *pins);
void pins_clear(const struct pins *pins);
