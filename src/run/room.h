// SPDX-License-Identifier: MIT
// Waiting for room on a full disk. Zero-initialise, but for `progress`; one for each thread, or
// under its lock.
#pragma once

#include "run/progress.h"

struct room {
    struct progress *progress; // told when a wait begins
    double last, wait;         // end and length of the last wait, in seconds
};

// Waits until there may be room again, the longer the more often it is called without a pause;
// false after an interrupt. The message is that of what failed. (Of store_when_full()'s kind:
// `context` is a struct room.)
bool room_wait(void *context);

// Calls `write` until it does not fail for want of room.
bool room_write(struct room *room, bool (*write)(void *context), void *context);
