// SPDX-License-Identifier: MIT
#include "cli/flatten_run.h"

#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/parallel.h"
#include "vkgrid/base/terminal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIVE_SECONDS 0.1
#define PLAIN_SECONDS 30.0

struct flattening {
    const struct flat_request *request;
    const struct cortex_template *cortex_template;
    const char *const *folders;
    int count;
    bool overwrite, quiet;
    pthread_mutex_t lock; // of what follows
    struct flatten_result *result;
    struct live_lines lines;
    bool live;
    double started, shown;
};

// Under the lock: one line of progress, and above it one that stays.
static void show(struct flattening *work, const char *above)
{
    const struct flatten_result *result = work->result;
    const int done = result->written + result->there + result->failed;
    const double now = seconds_now();
    char duration[DURATION_TEXT];
    if (above && !work->live)
        fprintf(stderr, "%s\n", above);
    if (work->quiet || (!above && done < work->count &&
                        now - work->shown < (work->live ? LIVE_SECONDS : PLAIN_SECONDS)))
        return;
    if (!work->live && (above || done == work->count))
        return;
    work->shown = now;
    char *line = text_format("flatten: %d of %d subjects, %s\n", done, work->count,
                             duration_text(now - work->started, duration));
    if (work->live)
        live_draw(&work->lines, above, line);
    else
        fprintf(stderr, "%s", line);
    free(line);
}

// Under the lock.
static void say(struct flattening *work, const char *before, const char *text)
{
    char *copy = text_copy(text);
    char *line = text_format("%s%s", before, text_clean(copy));
    show(work, line);
    free(line);
    free(copy);
}

// Not where --feature convexity=FILE takes its place.
static bool reads_sulc(const struct flat_request *request)
{
    for (int i = 0; i < request->feature_count; i++)
        if (strcmp(request->features[i].name, "convexity") == 0)
            return !request->features[i].pattern;
    return false;
}

static void tell_notes(struct flattening *work, const char *folder, const struct flat_notes *notes)
{
    struct flatten_result *result = work->result;
    if (reads_sulc(work->request)) {
        result->scaled += !notes->convexity_as_stored;
        result->as_stored += notes->convexity_as_stored;
    }
    result->nan_subjects += notes->nan_vertices > 0;
    if (notes->labels_absent && !work->quiet) {
        char *text = text_format("%s: no vertex of the map has %s", folder, notes->labels_absent);
        say(work, "", text);
        free(text);
    }
    char *doubt = flat_notes_doubt(notes);
    if (doubt) {
        char *text = text_format("%s: %s", folder, doubt);
        say(work, "", text);
        free(text);
    }
    free(doubt);
}

static bool look(const struct flattening *work, const char *folder, enum flat_state *state)
{
    struct subject subject;
    *state = FLAT_ABSENT;
    if (work->overwrite)
        return true;
    if (!subject_open(folder, &work->request->patterns, &subject))
        return false;
    const bool good = flat_images_state(work->request, &subject, state);
    subject_close(&subject);
    return good;
}

static void flatten_one(struct flattening *work, const char *folder)
{
    struct flat_notes notes = {0};
    enum flat_state state;
    const bool good = look(work, folder, &state), there = good && state == FLAT_THERE;
    const bool written =
        good && !there && flat_images_write(work->request, folder, work->cortex_template, &notes);
    pthread_mutex_lock(&work->lock);
    work->result->there += there;
    work->result->written += written;
    work->result->failed += !there && !written;
    if (written && state == FLAT_STALE && !work->quiet) {
        char *text = text_format("%s: its files are newer than its images: made anew", folder);
        say(work, "", text);
        free(text);
    }
    if (written)
        tell_notes(work, folder, &notes);
    else if (!there)
        say(work, "vkgrid: ", error_text());
    show(work, NULL);
    pthread_mutex_unlock(&work->lock);
    flat_notes_free(&notes);
}

static void flatten_at(void *context, int at)
{
    struct flattening *work = context;
    if (!interrupt_requested())
        flatten_one(work, work->folders[at]);
}

void flatten_print_notes(const struct flatten_result *result)
{
    if (result->as_stored > 0 && result->scaled > 0)
        fprintf(stderr,
                "convexity: sulc / 10 of %d subject%s; as it stands of %d, whose values are in "
                "that unit already\n",
                result->scaled, result->scaled == 1 ? "" : "s", result->as_stored);
    else if (result->scaled > 0)
        fprintf(stderr, "convexity: sulc / 10\n");
    else if (result->as_stored > 0)
        fprintf(stderr, "convexity: sulc as it stands, which is in units of 10 mm already\n");
    if (result->nan_subjects > 0)
        fprintf(stderr, "%d subject%s values that are NaN: they take no part\n",
                result->nan_subjects, result->nan_subjects == 1 ? " has" : "s have");
}

bool flatten_run(const struct flat_request *request, const struct cortex_template *cortex_template,
                 const char *const *folders, int count, int threads, bool overwrite, bool quiet,
                 struct flatten_result *result)
{
    const double now = seconds_now();
    struct flattening work = {.request = request,
                              .cortex_template = cortex_template,
                              .folders = folders,
                              .count = count,
                              .overwrite = overwrite,
                              .quiet = quiet,
                              .result = result,
                              .lines = {.fd = STDERR_FILENO},
                              .live = !quiet && terminal_live(STDERR_FILENO),
                              .started = now,
                              .shown = now};
    *result = (struct flatten_result){0};
    pthread_mutex_init(&work.lock, NULL);
    parallel(threads, count, flatten_at, &work);
    live_erase(&work.lines);
    pthread_mutex_destroy(&work.lock);
    return !interrupt_requested() ||
           error_set("flatten: interrupted, %d of %d subjects are there: the same command goes on",
                     result->written + result->there, count);
}
