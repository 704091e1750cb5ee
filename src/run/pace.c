// SPDX-License-Identifier: MIT
#include "run/pace.h"

#define LEAST_SECONDS 60.0 // that are looked back
#define FIRST_SPACING 1.0

static void keep_every_second(struct pace *pace)
{
    for (int i = 0; i < PACE_POINTS / 2; i++)
        pace->points[i] = pace->points[2 * i];
    pace->count = PACE_POINTS / 2;
    pace->spacing *= 2;
}

void pace_add(struct pace *pace, double time, double work)
{
    if (pace->count == 0)
        pace->spacing = FIRST_SPACING;
    else if (time - pace->points[pace->count - 1].time < pace->spacing)
        return;
    if (pace->count == PACE_POINTS)
        keep_every_second(pace);
    pace->points[pace->count].time = time;
    pace->points[pace->count++].work = work;
}

double pace_value(const struct pace *pace, double time, double work)
{
    if (pace->count == 0)
        return 0;
    const double half = (time - pace->points[0].time) / 2,
                 back = half > LEAST_SECONDS ? half : LEAST_SECONDS;
    int from = 0;
    while (from + 1 < pace->count && time - pace->points[from + 1].time >= back)
        from++;
    const double span = time - pace->points[from].time;
    return span > 0 ? (work - pace->points[from].work) / span : 0;
}
