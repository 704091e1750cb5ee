// SPDX-License-Identifier: MIT
// How many runs of a group are trained at once on a device.
#pragma once

#include "vkgrid/engine/engine.h"
#include "vkgrid/run/groups.h"

// How many slots the packs of a group have on a device, and what says so.
enum pack_size_reason {
    PACK_RUNS,       // all of the group's runs
    PACK_ASKED,      // the most that were asked for
    PACK_MEMORY,     // no more fit into the device's memory
    PACK_PROCESSOR,  // a processor gains nothing from more
    PACK_MEASURED,   // twice as many gained nothing
    PACK_UNMEASURED, // not whether more are of use: as many as were measured; where none were, as
                     // many as fit, up to a number that is enough for most devices
};
struct pack_size {
    int slots;
    enum pack_size_reason reason;
};
const char *pack_size_reason(enum pack_size_reason reason); // for people

// most: that were asked for, 0: as many as are of use there. Goes by the memory that is free now.
// Fails when not even one fits, saying how much is needed and how much there is.
bool pack_size_of(struct engine *engine, const struct group *group, int most,
                  struct pack_size *size);

// Seconds of a training step of the group with so many slots, as far as it is known: with as many
// as were measured that come nearest, of which *measured is the number; 0: nothing is known.
double pack_step_seconds(struct engine *engine, const struct group *group, int slots,
                         int *measured);

// Measures training steps of the group with 1, 2, 4, ... slots, as far as that is not known yet and
// while twice the slots fit and gain something, and keeps what it found with the engine. Takes a
// few seconds at most, and no more than a small part of the time that the group trains. What goes
// wrong only leaves less known. A run's bits do not depend on its pack, so nothing else depends on
// it. Returns the most slots to try where the device had not the memory that it said it had, else
// 0.
int pack_size_measure(struct engine *engine, const struct group *group);
