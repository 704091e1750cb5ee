// SPDX-License-Identifier: MIT
#include "progress.h"

#include "vkgrid/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LIVE_SECONDS 0.1   // between two drawings of the live line
#define PLAIN_SECONDS 30.0 // between two plain lines

void progress_start(struct progress *progress, bool quiet, int cells, int packs, double work)
{
    const char *terminal = getenv("TERM");
    *progress = (struct progress){
        .quiet = quiet,
        .live = isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0,
        .started = seconds_now(),
        .work = work,
        .cells = cells,
        .packs = packs,
    };
}

static void erase(struct progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}

void progress_say(struct progress *progress, const char *format, ...)
{
    va_list args;
    if (progress->quiet)
        return;
    erase(progress);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

void progress_pack(struct progress *progress, const char *label, double work)
{
    progress->pack++;
    progress->pack_work = work;
    progress->place[0] = 0;
    progress->printed = seconds_now();
    snprintf(progress->label, sizeof(progress->label), "%s", label);
    if (!progress->live)
        progress_say(progress, "pack %d/%d: %s", progress->pack, progress->packs, label);
}

void progress_place(struct progress *progress, int round, int rounds, int epoch, int epochs)
{
    snprintf(progress->place, sizeof(progress->place), "round %d/%d epoch %d/%d", round, rounds,
             epoch, epochs);
}

// "1 h 05 min", "12 min", "40 s".
static void format_seconds(double seconds, char *text, size_t size)
{
    if (seconds >= 359996400) // a hundred thousand hours
        snprintf(text, size, "years");
    else if (seconds >= 3600)
        snprintf(text, size, "%d h %02d min", (int)(seconds / 3600), (int)(seconds / 60) % 60);
    else if (seconds >= 90)
        snprintf(text, size, "%d min", (int)(seconds / 60 + 0.5));
    else
        snprintf(text, size, "%d s", (int)(seconds + 0.5));
}

static int terminal_width(void)
{
    struct winsize window;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 20 ? window.ws_col
                                                                                : 80;
}

static void draw(struct progress *progress, double fraction)
{
    char left[32] = "?", line[512];
    const double done = progress->work_done + fraction * progress->pack_work,
                 time = seconds_now() - progress->started;
    if (done > 0)
        format_seconds(time * (progress->work - done) / done, left, sizeof(left));
    snprintf(line, sizeof(line), "cells %d/%d, pack %d/%d %3.0f%%, %s%sabout %s left: %s",
             progress->cells_done, progress->cells, progress->pack, progress->packs, 100 * fraction,
             progress->place, progress->place[0] ? ", " : "", left, progress->label);
    if (progress->live)
        fprintf(stderr, "\r\033[K%.*s", terminal_width() - 1, line);
    else
        fprintf(stderr, "%s\n", line);
    fflush(stderr);
    progress->drawn = progress->live;
}

void progress_steps(struct progress *progress, int done, int total)
{
    const double time = seconds_now();
    if (progress->quiet || total <= 0 ||
        time - progress->printed < (progress->live ? LIVE_SECONDS : PLAIN_SECONDS))
        return;
    progress->printed = time;
    draw(progress, (double)done / total);
}

void progress_pack_done(struct progress *progress)
{
    progress->work_done += progress->pack_work;
    progress->pack_work = 0;
    erase(progress);
}
