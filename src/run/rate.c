// SPDX-License-Identifier: MIT
#include "run/rate.h"

#define RATE_SECONDS 30.0 // over which it is measured
#define POINT_SECONDS 1.0 // between two points: RATE_POINTS of them last RATE_SECONDS

void rate_add(struct rate *rate, double time, double count)
{
    const int last = (rate->first + rate->count - 1) % RATE_POINTS;
    const double total = (rate->count > 0 ? rate->points[last].total : 0) + count;
    if (rate->count > 1 && time - rate->points[(last + RATE_POINTS - 1) % RATE_POINTS].time <
                               POINT_SECONDS) { // the last two are too near to be two
        rate->points[last].time = time;
        rate->points[last].total = total;
        return;
    }
    while (rate->count == RATE_POINTS ||
           (rate->count > 1 &&
            time - rate->points[(rate->first + 1) % RATE_POINTS].time > RATE_SECONDS)) {
        rate->first = (rate->first + 1) % RATE_POINTS;
        rate->count--;
    }
    const int next = (rate->first + rate->count++) % RATE_POINTS;
    rate->points[next].time = time;
    rate->points[next].total = total;
}

double rate_value(const struct rate *rate, double time)
{
    if (rate->count < 2)
        return 0;
    const int last = (rate->first + rate->count - 1) % RATE_POINTS;
    const double begin = rate->points[rate->first].time, silent = time - rate->points[last].time;
    double span = rate->points[last].time - begin;
    if (silent > RATE_SECONDS && silent > span)
        span = time - begin;
    return span > 0 ? (rate->points[last].total - rate->points[rate->first].total) / span : 0;
}
