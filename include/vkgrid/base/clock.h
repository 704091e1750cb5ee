// SPDX-License-Identifier: MIT
#pragma once

#include <time.h>

// Seconds on a clock that only goes forward.
static inline double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
