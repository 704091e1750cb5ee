// SPDX-License-Identifier: MIT
// Which jobs next. A run's numbers do not depend on its pack, so packs are made as devices ask for
// them, of whatever is left.
#pragma once

#include "run/open_group.h"
#include "run/pack.h"

// What a device has found out about the packs of a group.
struct device_group {
    bool asked, holds; // whether it has the memory for one slot, where it was asked
    bool measured;     // it was tried how many slots are of use
    int most;          // slots: it had not the memory for more; 0: no such limit is known
    int failures;      // of packs of one slot in a row, for want of memory
};

// Makes campaign->open of campaign->groups.
bool queue_open(struct campaign *campaign);
void queue_close(struct campaign *campaign);

// How many packs so many runs make: of nearly equal size, and as many as there are devices where
// that many can be.
int queue_packs(const struct campaign *campaign, int count, int slots);
// The same of all runs of a group: those of folds of two sizes are not in one pack.
int queue_group_packs(const struct campaign *campaign, const struct group *group, int slots);

// The next pack for a device, or one with count 0 when nothing is left to do. Opens groups on the
// way, and measures how many slots are of use to one where that is not known; known: [group] by
// this device. Waits while jobs of other devices may come back. Takes the lock itself.
bool queue_take(struct campaign *campaign, struct engine *engine, struct device_group *known,
                struct pack *pack);

// Fails where a group is left: no device had the memory for it any more.
bool queue_is_done(struct campaign *campaign);

// The pack is over; jobs of it whose runs are not over are to be done again. Takes the lock itself.
void queue_give_back(struct campaign *campaign, struct pack *pack);
