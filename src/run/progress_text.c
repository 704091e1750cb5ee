// SPDX-License-Identifier: MIT
#include "run/progress_text.h"

#include "vkgrid/base/memory.h"
#include "vkgrid/grid/grid.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

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
    const double seconds = progress_seconds_left(progress, time);
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
        const int name = text_columns(progress->best[i].task);
        columns = name > columns ? name : columns;
    }
    for (int i = 0; i < progress->best_count; i++) {
        const struct progress_best *best = &progress->best[i];
        char name_text[CELL_NAME];
        text_add(text, "best %s%*s  dice loss " ACCENT_BOLD "%.4f" ACCENT_END "  loss %.4f  %s",
                 best->task, columns - text_columns(best->task), "", best->dice_loss, best->loss,
                 cell_name(best->cell, name_text));
        text_add(text, "%s%s\n", best->labels ? "  " : "", best->labels ? best->labels : "");
    }
}

void progress_draw(struct progress *progress, const char *above)
{
    struct text text = {0};
    const double time = progress->clock();
    const double part = progress->work > 0 ? progress_work_done(progress) / progress->work : 0;
    const double samples = progress_samples_per_second(progress, time);
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

void progress_print(struct progress_worker *worker, double time)
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
