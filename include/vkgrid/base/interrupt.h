// SPDX-License-Identifier: MIT
// SIGINT and SIGTERM: asked for, not acted on; long work looks here between steps and
// stops cleanly.
#pragma once

#include <stdbool.h>

void interrupt_install(void); // once, in main(); a second signal ends the process at once
bool interrupt_requested(void);

// Sleeps so long, or until an interrupt.
void interrupt_sleep(double seconds);
