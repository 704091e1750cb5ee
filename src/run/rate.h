// SPDX-License-Identifier: MIT
// Something counted over time, and how fast it grew lately.
#pragma once

#define RATE_POINTS 32

struct rate {
    struct {
        double time, total;
    } points[RATE_POINTS]; // a ring, the oldest first
    int first, count;
};

// time: in seconds, growing.
void rate_add(struct rate *rate, double time, double count);

// Per second; 0 while unknown. What stands still for long falls.
double rate_value(const struct rate *rate, double time);
