// SPDX-License-Identifier: MIT
// How long groups will train on a device, by training steps that were measured there.
#pragma once

#include "vkgrid/engine/engine.h"
#include "vkgrid/run/groups.h"

enum duration_source {
    DURATION_UNKNOWN,
    DURATION_KEPT,     // steps of an earlier search or benchmark
    DURATION_MEASURED, // steps that were measured for it
    DURATION_SCALED,   // by its operations, as fast as a group of which steps are known
};
struct duration {
    double seconds; // of all runs of the group
    enum duration_source source;
};

// slots: [group] of its packs. measure: groups of which nothing is known are measured, the most
// work first, for ten seconds or so; nothing of it is kept. Reading data and writing files is not
// counted. durations: [group].
void group_durations(struct engine *engine, const struct groups *groups, const int *slots,
                     bool measure, struct duration *durations);
