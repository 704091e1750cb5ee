// SPDX-License-Identifier: MIT
#include "run/reading.h"

#include "vkgrid/base/clock.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <unistd.h>

#define SECONDS 0.1 // between two drawings

struct reading reading_start(bool quiet)
{
    return (struct reading){
        .live = !quiet && terminal_live(STDERR_FILENO),
        .drawn = seconds_now(), // nothing is shown of what is done at once
        .lines = {.fd = STDERR_FILENO},
    };
}

void reading_show(void *context, int done, int total)
{
    struct reading *reading = context;
    const double now = seconds_now();
    if (!reading->live || now - reading->drawn < SECONDS)
        return;
    reading->drawn = now;
    char *line = text_format("reading the data: %d of %d files\n", done, total);
    live_draw(&reading->lines, NULL, line);
    free(line);
}

void reading_end(struct reading *reading)
{
    live_erase(&reading->lines);
}
