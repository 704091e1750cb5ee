// SPDX-License-Identifier: MIT
#include "vkgrid/base/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

static volatile sig_atomic_t requested;

static void on_signal(int number)
{
    (void)number;
    requested = 1;
}

void interrupt_install(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    action.sa_flags = (int)SA_RESETHAND; // the second signal has its default effect
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupt_requested(void)
{
    return requested != 0;
}

void interrupt_sleep(double seconds)
{
    for (double left = seconds; left > 0 && !requested; left -= 0.1)
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
}
