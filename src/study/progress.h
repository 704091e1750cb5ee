// SPDX-License-Identifier: MIT
// What a person sees on stderr while a study runs: one live line on a terminal, a line now and then
// elsewhere.
#pragma once

#include <stdbool.h>

struct progress {
    bool quiet, live;
    double started, printed; // seconds
    double work, work_done;  // of all packs, in operations; of those that are finished
    double pack_work;        // of the pack that runs
    int cells, cells_done;
    int pack, packs; // of the whole study; the first is 1
    char label[160]; // the pack
    char place[64];  // where in the training it is
    bool drawn;      // the live line stands on the terminal
};

void progress_start(struct progress *progress, bool quiet, int cells, int packs, double work);
void progress_pack(struct progress *progress, const char *label, double work);
void progress_place(struct progress *progress, int round, int rounds, int epoch, int epochs);
void progress_steps(struct progress *progress, int done, int total);
void progress_pack_done(struct progress *progress);

// A line of its own, above the live one.
void progress_say(struct progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
