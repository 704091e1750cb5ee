// SPDX-License-Identifier: MIT
#include "run/room.h"

#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"

#include <math.h>

#define FIRST_SECONDS 0.1 // room often comes back at once
#define MOST_SECONDS 10.0 // between two looks at a full disk

bool room_wait(void *context)
{
    struct room *room = context;
    // A series of waits is over when nobody has asked for longer than the last one.
    const bool goes_on = room->wait > 0 && seconds_now() - room->last < room->wait + 1;
    if (!goes_on)
        progress_say(room->progress, "%s: the search waits until there is room", error_text());
    room->wait = goes_on ? fmin(2 * room->wait, MOST_SECONDS) : FIRST_SECONDS;
    interrupt_sleep(room->wait);
    room->last = seconds_now();
    return !interrupt_requested() || error_set("interrupted while waiting for room on the disk");
}

bool room_write(struct room *room, bool (*write)(void *context), void *context)
{
    while (!write(context))
        if (error_kind() != ERROR_NO_SPACE || !room_wait(room))
            return false;
    return true;
}
