// SPDX-License-Identifier: MIT
// How fast a search works, for the time that is left: over the last half of its time, so that a
// machine that others use for a while does not spoil the forecast for good, but over a minute at
// least, so that it does not jump.
#pragma once

#define PACE_POINTS 64

struct pace {
    struct {
        double time, work;
    } points[PACE_POINTS];
    int count;
    double spacing; // seconds between two points; doubles when there is no room for more
};

// Times and work grow; the first call begins.
void pace_add(struct pace *pace, double time, double work);

// Work per second, `work` being that at `time`; 0 while unknown.
double pace_value(const struct pace *pace, double time, double work);
