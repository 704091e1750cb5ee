// SPDX-License-Identifier: MIT
// How far a study is: what a person sees on stderr while it runs (a block of live lines on a
// terminal, a plain line now and then elsewhere), and what study.db says to `vkgrid status`.
//
// One progress per study, one worker per device, each in a thread of its own if need be: every
// function takes the progress' lock. A progress that is all zeros has not begun: nothing is said
// but messages, and nothing is counted.
#pragma once

#include "run/pace.h"
#include "run/rate.h"
#include "vkgrid/base/terminal.h"

#include <pthread.h>
#include <stdbool.h>

// What one device does.
struct progress_worker {
    struct progress *progress;
    struct progress_worker *next;
    char device[64];
    char label[160];                  // of its pack
    bool busy, stepping;              // it has a pack, of which a step has been done
    int pack;                         // the first of the study is 1
    int round, rounds, epoch, epochs; // from 1; 0: not begun
    double work, fraction;            // of the pack: operations, how much of them is done
    double printed;                   // time of the last plain line
    struct rate samples;
};

enum progress_cell { PROGRESS_RUNNING, PROGRESS_DONE, PROGRESS_FAILED, PROGRESS_PRUNED };

// The cell of a task that ranks first.
struct progress_best {
    char *task, *labels; // hard Dice of each label in words, or NULL
    int cell;
    double loss, dice_loss;
};

struct progress {
    bool begun, quiet, live;
    pthread_mutex_t lock;
    double (*clock)(void);        // seconds_now(), but in tests
    double started, started_unix; // seconds
    double drawn;                 // time of the last drawing
    double work, work_done;       // of all packs, in operations; of those that are finished
    double resumed;               // done before the start, of packs that are not taken up yet
    double work_measured;         // done since the start, whatever became of it
    int stepping;                 // workers that are
    double first_pack;            // time of it
    double idle, idle_since;      // seconds without any since then; since when
    struct pace pace;             // at which work is done in the other seconds
    int cells, cell_counts[4];    // enum progress_cell
    int pack, packs;              // begun, of all
    struct progress_worker *workers;
    struct progress_best *best; // of each task
    int best_count;
    struct live_lines lines;
};

// cells, packs, work: all that are to do.
void progress_start(struct progress *progress, bool quiet, int cells, int packs, double work);
// So many packs more, or fewer.
void progress_packs(struct progress *progress, int more);
// So much work and so many packs less: they will not be done.
void progress_drop(struct progress *progress, int packs, double work);
// What was finished before the start: cells by enum progress_cell, beside those of
// progress_start().
void progress_earlier(struct progress *progress, const int cells[4], double work);
// What was done before the start of that which is to do: of runs that are over, and of those that
// go on, whose packs will say so once more.
void progress_resumed(struct progress *progress, double over, double resumed);
// Takes the live lines away. After it only messages are allowed.
void progress_end(struct progress *progress);

// A device takes part until it leaves. The worker stays the caller's.
void progress_join(struct progress *progress, struct progress_worker *worker, const char *device);
void progress_leave(struct progress_worker *worker);

// A pack begins, `earlier` of whose work was done before the start. One before it that was not done
// counts for nothing.
void progress_pack(struct progress_worker *worker, const char *label, double work, double earlier);
void progress_place(struct progress_worker *worker, int round, int rounds, int epoch, int epochs);
// How much of the pack's work is done, what was done earlier included, in any unit. To be called
// often: it also draws.
void progress_steps(struct progress_worker *worker, int done, int total);
// Training samples, of all slots together, that were done since the last call.
void progress_samples(struct progress_worker *worker, double count);
void progress_pack_done(struct progress_worker *worker);

// A cell goes into a state: RUNNING, or one of the others, in which it stays.
void progress_cell(struct progress *progress, enum progress_cell state);
// The cell that ranks first of its task so far, its scores, and the hard Dice of its labels in
// words (NULL: unknown).
void progress_best(struct progress *progress, const char *task, int cell, double loss,
                   double dice_loss, const char *labels);

// A line of its own, above the live ones.
void progress_say(struct progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// What study.db holds as `progress`: {"started", "updated" (unix seconds), "work", "work_done",
// "samples_per_second", "seconds_left" (null while unknown), "packs": [{"device", "label", "round",
// "rounds", "epoch", "epochs", "fraction", "samples_per_second"}]}, a pack per device that has one.
struct cJSON *progress_json(struct progress *progress);

// --- Numbers, under the lock --------------------------------------------------------------------

double progress_work_done(const struct progress *progress);
double progress_samples_per_second(const struct progress *progress, double time);
// Seconds in which any worker did steps.
double progress_active(const struct progress *progress, double time);
// By the pace of these, and what packs needed before their first step. Negative while unknown.
double progress_seconds_left(const struct progress *progress, double time);
