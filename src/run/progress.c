// SPDX-License-Identifier: MIT
#include "run/progress.h"

#include "vkgrid/base/clock.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIVE_SECONDS 0.1   // between two drawings of the live lines
#define PLAIN_SECONDS 30.0 // between two plain lines of a device
#define RATE_SECONDS 30.0  // over which samples per second are measured
#define POINT_SECONDS 1.0  // between two points of a rate: RATE_POINTS of them last RATE_SECONDS

struct progress_best {
    char *model;
    int cell;
    double dice;
};

static void rate_add(struct rate *rate, double time, double count)
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

// Per second; 0 while unknown. What stands still for long falls.
static double rate_value(const struct rate *rate, double time)
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

static double samples_per_second(const struct progress *progress, double time)
{
    double sum = 0;
    for (const struct progress_worker *worker = progress->workers; worker; worker = worker->next)
        sum += worker->busy ? rate_value(&worker->samples, time) : 0;
    return sum;
}

static double work_done(const struct progress *progress)
{
    double done = progress->work_done;
    for (const struct progress_worker *worker = progress->workers; worker; worker = worker->next)
        done += worker->busy ? worker->fraction * worker->work : 0;
    return done < progress->work ? done : progress->work;
}

// By what was measured since the start. Negative while unknown.
static double seconds_left(const struct progress *progress, double time)
{
    const double measured = progress->work_measured;
    return measured > 0
               ? (time - progress->started) * (progress->work - work_done(progress)) / measured
               : -1;
}

static void lock(struct progress *progress)
{
    pthread_mutex_lock(&progress->lock);
}

static void unlock(struct progress *progress)
{
    pthread_mutex_unlock(&progress->lock);
}

// "round 1/3 epoch 4/10, 1240 samples/s, "
static void add_place(struct text *text, const struct progress_worker *worker, double time)
{
    const double samples = rate_value(&worker->samples, time);
    if (worker->rounds > 0)
        text_add(text, "round %d/%d epoch %d/%d, ", worker->round, worker->rounds, worker->epoch,
                 worker->epochs);
    if (samples > 0)
        text_add(text, samples < 10 ? "%.1f samples/s, " : "%.0f samples/s, ", samples);
}

static void add_left(struct text *text, const struct progress *progress, double time)
{
    char left[DURATION_TEXT];
    const double seconds = seconds_left(progress, time);
    text_add(text, "about %s left", seconds < 0 ? "?" : duration_text(seconds, left));
}

static void add_cells(struct text *text, const struct progress *progress)
{
    const int *counts = progress->cell_counts;
    text_add(text, "cells %d/%d", counts[PROGRESS_DONE], progress->cells);
    if (counts[PROGRESS_RUNNING] > 0)
        text_add(text, ", %d running", counts[PROGRESS_RUNNING]);
    if (counts[PROGRESS_FAILED] > 0)
        text_add(text, ", " ACCENT_BAD "%d failed" ACCENT_END, counts[PROGRESS_FAILED]);
    if (counts[PROGRESS_PRUNED] > 0)
        text_add(text, ", %d pruned", counts[PROGRESS_PRUNED]);
}

static void add_devices(struct text *text, const struct progress *progress, double time)
{
    for (const struct progress_worker *worker = progress->workers; worker; worker = worker->next) {
        if (!worker->busy)
            continue;
        text_add(text, "%3.0f%%  ", floor(100 * worker->fraction));
        add_place(text, worker, time);
        text_add(text, "%s: %s\n", worker->device, worker->label);
    }
}

static void add_best(struct text *text, const struct progress *progress)
{
    int columns = 0;
    for (int i = 0; i < progress->best_count; i++) {
        const int name = text_columns(progress->best[i].model);
        columns = name > columns ? name : columns;
    }
    for (int i = 0; i < progress->best_count; i++) {
        const struct progress_best *best = &progress->best[i];
        text_add(text, "best %s%*s  dice " ACCENT_BOLD "%.4f" ACCENT_END "  grid%05d\n",
                 best->model, columns - text_columns(best->model), "", best->dice, best->cell);
    }
}

// Under the lock. `above`: a message, or NULL.
static void draw(struct progress *progress, const char *above)
{
    struct text text = {0};
    const double time = seconds_now();
    const double part = progress->work > 0 ? work_done(progress) / progress->work : 0;
    const double samples = samples_per_second(progress, time);
    add_cells(&text, progress);
    text_add(&text, ", " ACCENT_BOLD "%.1f%%" ACCENT_END, floor(1000 * part) / 10);
    if (samples > 0)
        text_add(&text, samples < 10 ? ", %.1f samples/s" : ", %.0f samples/s", samples);
    text_add(&text, ", ");
    add_left(&text, progress, time);
    text_add(&text, "\n");
    add_devices(&text, progress, time);
    add_best(&text, progress);
    live_draw(&progress->lines, above, text.bytes);
    progress->drawn = time;
    free(text.bytes);
}

// Under the lock.
static void say(struct progress *progress, char *line)
{
    text_clean(line);
    if (progress->quiet)
        return;
    if (progress->live && progress->lines.count > 0)
        draw(progress, line);
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

static void print_plain(struct progress_worker *worker, double time)
{
    struct text text = {0};
    struct progress *progress = worker->progress;
    add_cells(&text, progress);
    text_add(&text, ", pack %d/%d %3.0f%%, ", worker->pack, progress->packs,
             floor(100 * worker->fraction));
    add_place(&text, worker, time);
    add_left(&text, progress, time);
    text_add(&text, ": %s", worker->label);
    text_add(&text, "\n");
    terminal_write(STDERR_FILENO, text.bytes);
    free(text.bytes);
}

// Under the lock: shows what changed, when it is time for it.
static void show(struct progress_worker *worker)
{
    struct progress *progress = worker->progress;
    const double time = seconds_now();
    if (progress->quiet || !progress->begun)
        return;
    if (progress->live && time - progress->drawn >= LIVE_SECONDS) {
        draw(progress, NULL);
    } else if (!progress->live && time - worker->printed >= PLAIN_SECONDS) {
        worker->printed = time;
        print_plain(worker, time);
    }
}

void progress_start(struct progress *progress, bool quiet, int cells, int packs, double work)
{
    *progress = (struct progress){
        .begun = true,
        .quiet = quiet,
        .live = !quiet && terminal_live(STDERR_FILENO),
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

void progress_end(struct progress *progress)
{
    if (!progress->begun)
        return;
    lock(progress);
    live_erase(&progress->lines);
    progress->begun = progress->live = false;
    progress->workers = NULL;
    for (int i = 0; i < progress->best_count; i++)
        free(progress->best[i].model);
    free(progress->best);
    progress->best = NULL;
    progress->best_count = 0;
    unlock(progress);
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
    worker->pack = ++progress->pack;
    worker->work = work;
    worker->fraction = work > 0 ? earlier / work : 0;
    worker->round = worker->rounds = 0;
    worker->busy = true;
    worker->printed = seconds_now();
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
    lock(worker->progress);
    if (total > 0) {
        const double fraction = done < total ? (double)done / total : 1;
        worker->progress->work_measured += fmax(fraction - worker->fraction, 0) * worker->work;
        worker->fraction = fraction;
        show(worker);
    }
    unlock(worker->progress);
}

void progress_samples(struct progress_worker *worker, double count)
{
    lock(worker->progress);
    rate_add(&worker->samples, seconds_now(), count);
    unlock(worker->progress);
}

void progress_pack_done(struct progress_worker *worker)
{
    lock(worker->progress);
    if (worker->busy)
        worker->progress->work_done += worker->work;
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

void progress_best(struct progress *progress, const char *model, int cell, double dice)
{
    int i = 0;
    lock(progress);
    while (i < progress->best_count && strcmp(progress->best[i].model, model) != 0)
        i++;
    if (i == progress->best_count) {
        progress->best =
            mem_grow(progress->best, (size_t)++progress->best_count, sizeof(*progress->best));
        progress->best[i].model = text_clean(text_copy(model));
    }
    progress->best[i].cell = cell;
    progress->best[i].dice = dice;
    unlock(progress);
}

static void add_known(cJSON *object, const char *key, double value, bool known)
{
    if (known)
        cJSON_AddNumberToObject(object, key, value);
    else
        cJSON_AddNullToObject(object, key);
}

static cJSON *pack_json(const struct progress_worker *worker, double time)
{
    const double samples = rate_value(&worker->samples, time);
    cJSON *pack = cJSON_CreateObject();
    cJSON_AddStringToObject(pack, "device", worker->device);
    cJSON_AddStringToObject(pack, "label", worker->label);
    cJSON_AddNumberToObject(pack, "round", worker->round);
    cJSON_AddNumberToObject(pack, "rounds", worker->rounds);
    cJSON_AddNumberToObject(pack, "epoch", worker->epoch);
    cJSON_AddNumberToObject(pack, "epochs", worker->epochs);
    cJSON_AddNumberToObject(pack, "fraction", worker->fraction);
    add_known(pack, "samples_per_second", samples, samples > 0);
    return pack;
}

cJSON *progress_json(struct progress *progress)
{
    cJSON *json = cJSON_CreateObject();
    lock(progress);
    const double now = seconds_now(), samples = samples_per_second(progress, now),
                 left = seconds_left(progress, now);
    cJSON_AddNumberToObject(json, "started", progress->started_unix);
    cJSON_AddNumberToObject(json, "updated", (double)time(NULL));
    cJSON_AddNumberToObject(json, "work", progress->work);
    cJSON_AddNumberToObject(json, "work_done", work_done(progress));
    add_known(json, "samples_per_second", samples, samples > 0);
    add_known(json, "seconds_left", left, left >= 0);
    cJSON *packs = cJSON_AddArrayToObject(json, "packs");
    for (const struct progress_worker *worker = progress->workers; worker; worker = worker->next) {
        if (worker->busy)
            cJSON_AddItemToArray(packs, pack_json(worker, now));
    }
    unlock(progress);
    return json;
}
