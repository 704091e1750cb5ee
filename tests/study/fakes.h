// SPDX-License-Identifier: MIT
// Stand-ins for the rooms below study: a training that takes no time and whose results follow from
// seed, cell and run.
#pragma once

#include "vkgrid/train/train.h"

struct fake {
    uint64_t memory;        // of the device
    uint64_t second;        // of device 1; 0: as much
    int heavy_rows;         // images of so many rows need ten times as much memory
    int packs, runs;        // trained so far
    int largest;            // slots
    int stop_after;         // packs after which train_pack fails as if interrupted; -1: never
    int epochs, stop_epoch; // of all packs so far, and before which one it fails so; 0: never
    int fail_cell;          // whose first run diverges in its third epoch; -1: none
    bool fail_once;         // and only the first time
    int failures;
    int lose;              // packs whose device is lost after their first epoch
    int fits;              // slots: more run out of memory when training begins; -1: even one does
    int starve;            // packs that run out of memory in the middle of their second epoch
    bool starve_apart;     // of them no two follow each other
    int starved;           // the last of them
    int damaged;           // checkpoints that are
    int resumed;           // runs that went on from a checkpoint
    uint64_t fingerprint;  // of the data
    int datasets, engines; // open now
    bool missing_label;    // dataset_load fails
    int missing_rows;      // it fails for images of so many rows
    int vanished_rows;     // ... but not where it only checks
    int loads;             // data sets that were read with their pixels
    int left_out;          // training samples that have no files
    bool named;            // data sets know the names of their samples
    const char *pretrained, *init;
    int measured;            // times that training steps were measured
    int useful;              // slots beyond which a step takes longer by as much as they are more
    bool measuring_fails;    // measuring does
    int measuring_fits;      // slots: measuring more runs out of memory
    int asked;               // times that the engine looked how much memory is free ...
    uint64_t then;           // ... which is so much from the second time on, where it is not 0
    struct slot_times curve; // that the engine keeps
};

extern struct fake fake;

void fake_reset(void);
