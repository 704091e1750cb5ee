// SPDX-License-Identifier: MIT
// Stand-ins for the rooms below study: a training that takes no time and whose results follow from
// seed, cell and run.
#pragma once

#include "vkgrid/train.h"

struct fake {
    uint64_t memory;       // of the device
    int packs, runs;       // trained so far
    int largest;           // slots
    int stop_after;        // packs after which train_pack fails as if interrupted; -1: never
    int fail_cell;         // whose first run diverges; -1: none
    int datasets, engines; // open now
    bool missing_label;    // dataset_load fails
    const char *pretrained, *init;
};

extern struct fake fake;

void fake_reset(void);
