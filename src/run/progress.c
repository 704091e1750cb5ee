// SPDX-License-Identifier: MIT
#include "run/progress.h"

#include "run/progress_text.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIVE_SECONDS 0.1   // between two drawings of the live lines
#define PLAIN_SECONDS 30.0 // between two plain lines of a device

static void lock(struct progress *progress)
{
    pthread_mutex_lock(&progress->lock);
}

static void unlock(struct progress *progress)
{
    pthread_mutex_unlock(&progress->lock);
}

// Under the lock.
static void say(struct progress *progress, char *line)
{
    text_clean(line);
    if (progress->quiet)
        return;
    if (progress->live && progress->lines.count > 0)
        progress_draw(progress, line);
    else
        fprintf(stderr, "%s\n", line);
}

void progress_say(struct progress *progress, const char *format, ...)
{
    va_list args;
    char *line = NULL;
    va_start(args, format);
    if (vasprintf(&line, format, args) < 0)
        line = NULL;
    va_end(args);
    lock(progress);
    if (line)
        say(progress, line);
    unlock(progress);
    free(line);
}

// Under the lock: shows what changed, when it is time for it.
static void show(struct progress_worker *worker)
{
    struct progress *progress = worker->progress;
    const double time = progress->clock();
    if (progress->quiet || !progress->begun)
        return;
    if (progress->live && time - progress->drawn >= LIVE_SECONDS) {
        progress_draw(progress, NULL);
    } else if (!progress->live && time - worker->printed >= PLAIN_SECONDS) {
        worker->printed = time;
        progress_print(worker, time);
    }
}

void progress_start(struct progress *progress, bool quiet, int cells, int packs, double work)
{
    *progress = (struct progress){
        .begun = true,
        .quiet = quiet,
        .live = !quiet && terminal_live(STDERR_FILENO),
        .clock = seconds_now,
        .started = seconds_now(),
        .started_unix = (double)time(NULL),
        .work = work,
        .cells = cells,
        .packs = packs,
        .lines = {.fd = STDERR_FILENO},
    };
    pthread_mutex_init(&progress->lock, NULL);
}

void progress_packs(struct progress *progress, int more)
{
    lock(progress);
    progress->packs += more;
    unlock(progress);
}

void progress_drop(struct progress *progress, int packs, double work)
{
    lock(progress);
    progress->packs -= packs;
    progress->work -= work;
    unlock(progress);
}

void progress_earlier(struct progress *progress, const int cells[4], double work)
{
    lock(progress);
    for (int i = 0; i < 4; i++) {
        progress->cells += cells[i];
        progress->cell_counts[i] += cells[i];
    }
    progress->work += work;
    progress->work_done += work;
    unlock(progress);
}

void progress_resumed(struct progress *progress, double over, double resumed)
{
    lock(progress);
    progress->work_done += over;
    progress->resumed += resumed;
    unlock(progress);
}

void progress_end(struct progress *progress)
{
    if (!progress->begun)
        return;
    lock(progress);
    live_erase(&progress->lines);
    progress->begun = progress->live = false;
    progress->workers = NULL;
    for (int i = 0; i < progress->best_count; i++) {
        free(progress->best[i].task);
        free(progress->best[i].labels);
    }
    free(progress->best);
    progress->best = NULL;
    progress->best_count = 0;
    unlock(progress);
}

// Under the lock.
static void set_stepping(struct progress_worker *worker, bool stepping)
{
    struct progress *progress = worker->progress;
    if (worker->stepping == stepping)
        return;
    worker->stepping = stepping;
    if (stepping && progress->stepping++ == 0)
        progress->idle += progress->clock() - progress->idle_since;
    else if (!stepping && --progress->stepping == 0)
        progress->idle_since = progress->clock();
}

void progress_join(struct progress *progress, struct progress_worker *worker, const char *device)
{
    *worker = (struct progress_worker){.progress = progress};
    snprintf(worker->device, sizeof(worker->device), "%s", device);
    text_clean(worker->device);
    lock(progress);
    struct progress_worker **end = &progress->workers;
    while (*end)
        end = &(*end)->next;
    *end = worker;
    unlock(progress);
}

void progress_leave(struct progress_worker *worker)
{
    struct progress *progress = worker->progress;
    if (!progress)
        return;
    lock(progress);
    struct progress_worker **link = &progress->workers;
    set_stepping(worker, false);
    while (*link && *link != worker)
        link = &(*link)->next;
    if (*link)
        *link = worker->next;
    unlock(progress);
    worker->progress = NULL;
}

void progress_pack(struct progress_worker *worker, const char *label, double work, double earlier)
{
    struct progress *progress = worker->progress;
    lock(progress);
    set_stepping(worker, false);
    if (progress->pack == 0)
        progress->first_pack = progress->idle_since = progress->clock();
    worker->pack = ++progress->pack;
    worker->work = work;
    worker->fraction = work > 0 ? earlier / work : 0;
    progress->resumed -= fmin(earlier, progress->resumed);
    worker->round = worker->rounds = 0;
    worker->busy = true;
    worker->printed = progress->clock();
    worker->samples = (struct rate){0};
    rate_add(&worker->samples, worker->printed, 0);
    snprintf(worker->label, sizeof(worker->label), "%s", label);
    text_clean(worker->label);
    if (!progress->live) {
        char *line = text_format("pack %d/%d: %s", worker->pack, progress->packs, worker->label);
        say(progress, line);
        free(line);
    }
    show(worker);
    unlock(progress);
}

void progress_place(struct progress_worker *worker, int round, int rounds, int epoch, int epochs)
{
    lock(worker->progress);
    worker->round = round;
    worker->rounds = rounds;
    worker->epoch = epoch;
    worker->epochs = epochs;
    unlock(worker->progress);
}

void progress_steps(struct progress_worker *worker, int done, int total)
{
    struct progress *progress = worker->progress;
    lock(progress);
    if (total > 0) {
        const double fraction = done < total ? (double)done / total : 1;
        progress->work_measured += fmax(fraction - worker->fraction, 0) * worker->work;
        set_stepping(worker, true);
        pace_add(&progress->pace, progress_active(progress, progress->clock()),
                 progress->work_measured);
        worker->fraction = fraction;
        show(worker);
    }
    unlock(progress);
}

void progress_samples(struct progress_worker *worker, double count)
{
    lock(worker->progress);
    rate_add(&worker->samples, worker->progress->clock(), count);
    unlock(worker->progress);
}

void progress_pack_done(struct progress_worker *worker)
{
    lock(worker->progress);
    if (worker->busy)
        worker->progress->work_done += worker->work;
    set_stepping(worker, false);
    worker->busy = false;
    unlock(worker->progress);
}

void progress_cell(struct progress *progress, enum progress_cell state)
{
    lock(progress);
    progress->cell_counts[state]++;
    if (state != PROGRESS_RUNNING && progress->cell_counts[PROGRESS_RUNNING] > 0)
        progress->cell_counts[PROGRESS_RUNNING]--;
    unlock(progress);
}

void progress_best(struct progress *progress, const char *task, int cell, double loss,
                   double dice_loss, const char *labels)
{
    int i = 0;
    lock(progress);
    while (i < progress->best_count && strcmp(progress->best[i].task, task) != 0)
        i++;
    if (i == progress->best_count) {
        progress->best =
            mem_grow(progress->best, (size_t)++progress->best_count, sizeof(*progress->best));
        progress->best[i] = (struct progress_best){.task = text_clean(text_copy(task))};
    }
    free(progress->best[i].labels);
    progress->best[i].labels = labels ? text_clean(text_copy(labels)) : NULL;
    progress->best[i].cell = cell;
    progress->best[i].loss = loss;
    progress->best[i].dice_loss = dice_loss;
    unlock(progress);
}
