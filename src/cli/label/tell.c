// SPDX-License-Identifier: MIT
// What is said while subjects are labelled, and at the end.
#include "cli/commands.h"
#include "cli/label/label.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/ranges.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLAIN_SECONDS 30.0

static void show_progress(struct telling *telling)
{
    char took[DURATION_TEXT], rest[DURATION_TEXT];
    const double now = seconds_now(), seconds = now - telling->started;
    const int over = telling->done + telling->there + telling->failed;
    if (telling->quiet || (!telling->live && now - telling->shown < PLAIN_SECONDS))
        return;
    telling->shown = now;
    struct text line = {0};
    text_add(&line, "label: %d of %d subjects", over, telling->count);
    if (telling->failed > 0)
        text_add(&line, ", %d failed", telling->failed);
    text_add(&line, ", %s", duration_text(seconds, took));
    if (telling->done > 0 && over < telling->count)
        text_add(&line, ", about %s left",
                 duration_text(seconds / telling->done * (telling->count - over), rest));
    text_add(&line, "\n");
    if (telling->live)
        live_draw(&telling->lines, NULL, line.bytes);
    else
        fputs(line.bytes, stderr);
    free(line.bytes);
}

// "s01: lh V1 2401 mm2, V2 1820 mm2; rh V1 ...", of what job_labels() gives, or a record, which
// anybody may have edited.
static void print_extents(const struct labelling *labelling, const struct job *job,
                          const cJSON *labels)
{
    printf("%s:", job->name);
    for (int side = 0; side < HEMISPHERES; side++) {
        const cJSON *hemisphere = json_member(labels, hemisphere_names[side]);
        printf("%s %s", side ? ";" : "", hemisphere_names[side]);
        for (int k = 0; k < labelling->request.label_count; k++) {
            const char *name = labelling->request.labels[k];
            const cJSON *area = json_member(json_member(hemisphere, name), "area");
            printf("%s %s %.0f mm2", k ? "," : "", name,
                   cJSON_IsNumber(area) ? area->valuedouble : NAN);
        }
    }
    printf("\n");
    fflush(stdout);
}

static void print_problem(const struct job *job)
{
    char *problem = text_clean(text_copy(job->problem));
    if (strstr(problem, job->name)) // most are about one of its files
        fprintf(stderr, "vkgrid: %s\n", problem);
    else
        fprintf(stderr, "vkgrid: %s: %s\n", job->name, problem);
    free(problem);
}

static bool is_empty(const struct labelling *labelling, const struct job *job)
{
    for (int side = 0; side < HEMISPHERES; side++)
        for (int k = 0; k < labelling->request.label_count; k++)
            if (job->extents[side][k].vertices > 0)
                return false;
    return true;
}

static void note(struct telling *telling, const struct job *job)
{
    if (job->anew && !telling->labelling->overwrite && !telling->quiet)
        fprintf(stderr, "%s: its files are newer than its labels: labelled anew\n", job->name);
    telling->notes.as_stored += job->notes.convexity_as_stored;
    telling->notes.scaled += !job->notes.convexity_as_stored;
    telling->notes.nan_subjects += job->notes.nan_vertices > 0;
    if (is_empty(telling->labelling, job) && telling->empty++ == 0)
        telling->first_empty = job->name;
    char *doubt = flat_notes_doubt(&job->notes);
    if (doubt)
        fprintf(stderr, "%s: %s\n", job->name, doubt);
    free(doubt);
}

// Of the first such subject; most likely all are so.
static void note_ranges(struct telling *telling, const struct job *job)
{
    const struct cell *cell = &telling->labelling->cell;
    bool doubted = false;
    for (int i = 0; cell->trained && i < cell->features.count; i++) {
        const struct range_check check = {.feature = cell->features.names[i],
                                          .normalize = cell->normalize[i],
                                          .trained = &cell->trained[i],
                                          .items = &job->statistics[i],
                                          .stride = 1,
                                          .names = (const char *const *)&job->name,
                                          .count = 1};
        char *doubt = range_doubt(&check);
        if (doubt && telling->doubted == 0)
            fprintf(stderr, "%s\n", doubt);
        doubted = doubted || doubt;
        free(doubt);
    }
    telling->doubted += doubted;
}

void telling_tell(void *context, const struct job *job)
{
    struct telling *telling = context;
    cJSON *labels = NULL;
    live_erase(&telling->lines);
    if (job->state == JOB_DONE)
        labels = job_labels(telling->labelling, job);
    else if (job->state == JOB_THERE)
        labels = job_read_labels(job);
    if (labels && !telling->json)
        print_extents(telling->labelling, job, labels);
    cJSON_Delete(labels);
    if (job->state == JOB_FAILED) {
        telling->failed++;
        print_problem(job);
    } else if (job->state == JOB_DONE) {
        telling->done++;
        note(telling, job);
        note_ranges(telling, job);
        if (job->problem) {
            telling->without_volume++;
            print_problem(job);
        }
    } else if (job->state == JOB_THERE) {
        telling->there++;
        return;
    }
    show_progress(telling);
}

static const char *state_name(const struct job *job)
{
    static const char *const names[] = {"waiting", "there", "done", "failed"};
    return names[job->state];
}

// All that are there, also those that an earlier call asked for.
static void list_files(const struct labelling *labelling, const struct job *job, cJSON *list)
{
    struct label_request request = labelling->request;
    struct label_files files;
    request.probabilities = request.gifti = request.volume = true;
    label_files_list(&request, job->folder, &files);
    for (int i = 0; i < files.count; i++)
        if (file_exists(files.items[i].path))
            cJSON_AddItemToArray(list, cJSON_CreateString(files.items[i].path));
    label_files_free(&files);
}

static void print_json(const struct labelling *labelling, const struct job *jobs, int count)
{
    cJSON *json = cJSON_CreateObject(), *list;
    cJSON_AddItemToObject(json, "made_with", cJSON_Duplicate(labelling->made_with, true));
    list = cJSON_AddArrayToObject(json, "subjects");
    for (int i = 0; i < count; i++) {
        const struct job *job = &jobs[i];
        cJSON *subject = cJSON_CreateObject(), *files, *labels = NULL;
        cJSON_AddItemToArray(list, subject);
        cJSON_AddStringToObject(subject, "subject", job->name);
        cJSON_AddStringToObject(subject, "state", state_name(job));
        if (job->problem)
            cJSON_AddStringToObject(subject, "error", job->problem);
        if (job->state == JOB_DONE)
            labels = job_labels(labelling, job);
        else if (job->state == JOB_THERE)
            labels = job_read_labels(job);
        if (job->state != JOB_DONE && job->state != JOB_THERE)
            continue;
        files = cJSON_AddArrayToObject(subject, "files");
        list_files(labelling, job, files);
        if (labels)
            cJSON_AddItemToObject(subject, "labels", labels);
    }
    command_print_json(json);
}

static void print_line(const struct telling *telling)
{
    const int labelled = telling->done + telling->there;
    const char *out = telling->labelling->out;
    printf("%d subject%s labelled in %s", labelled, labelled == 1 ? "" : "s",
           out ? out : "their own folders");
    if (telling->there > 0)
        printf(" (%d of them earlier)", telling->there);
    if (telling->without_volume > 0)
        printf(", %d without a volume", telling->without_volume);
    if (telling->failed > 0)
        printf(", %d failed", telling->failed);
    printf("\n");
}

// Most likely the network's fault, so that it is said once.
static void print_empty(const struct telling *telling)
{
    fprintf(stderr, "%s", telling->first_empty);
    if (telling->empty > 1)
        fprintf(stderr, " and %d more", telling->empty - 1);
    fprintf(stderr,
            ": the network labels no vertex: was it trained to its end, and for these "
            "features and maps?\n");
}

struct telling telling_start(const struct labelling *labelling, int count, bool quiet, bool json)
{
    const double now = seconds_now();
    return (struct telling){
        .labelling = labelling,
        .count = count,
        .quiet = quiet,
        .json = json,
        .live = !quiet && terminal_live(STDERR_FILENO),
        .lines = {.fd = STDERR_FILENO},
        .started = now,
        .shown = now,
    };
}

void telling_end(struct telling *telling, const struct job *jobs)
{
    live_erase(&telling->lines);
    if (!telling->quiet && telling->done > 0)
        flatten_print_notes(&telling->notes);
    if (telling->doubted > 1)
        fprintf(stderr, "values far outside those of the training data: %d more subject%s\n",
                telling->doubted - 1, telling->doubted > 2 ? "s" : "");
    if (telling->empty > 0)
        print_empty(telling);
    if (jobs && telling->json)
        print_json(telling->labelling, jobs, telling->count);
    else if (jobs)
        print_line(telling);
}
