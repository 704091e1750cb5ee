// SPDX-License-Identifier: MIT
#include "run/reading.h"

#include "vkgrid/base/clock.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <unistd.h>

#define SECONDS 0.1 // between two drawings

struct reading reading_start(const char *what, const char *things, bool quiet)
{
    return (struct reading){
        .what = what,
        .things = things,
        .live = !quiet && terminal_live(STDERR_FILENO),
        .drawn = seconds_now(), // nothing is shown of what is done at once
        .lines = {.fd = STDERR_FILENO},
    };
}

void reading_show(void *context, int done, int total)
{
    struct reading *reading = context;
    const double now = reading->live ? seconds_now() : 0;
    if (!reading->live || now - reading->drawn < SECONDS)
        return;
    reading->drawn = now;
    char *line = text_format("%s: %d of %d %s\n", reading->what, done, total, reading->things);
    live_draw(&reading->lines, NULL, line);
    free(line);
}

void reading_end(struct reading *reading)
{
    live_erase(&reading->lines);
}
