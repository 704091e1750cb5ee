// SPDX-License-Identifier: MIT
// The report of a search that runs is written anew now and then.
#pragma once

#include <stdbool.h>

struct campaign;

struct live_report {
    double last, took; // when one was written, and how long that took; seconds
    bool writing;      // by one of the devices
    bool ended;        // a cell, since then
};

// Writes one if it is time for it: half a minute after the last when a cell has ended, else a
// minute, and never so often that it takes more than a hundredth of the time. Without the lock.
void live_report(struct campaign *campaign);
