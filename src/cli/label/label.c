// SPDX-License-Identifier: MIT
// vkgrid label: the command line, and what is said.
#include "cli/label/label.h"

#include "cli/apply/apply.h"
#include "cli/commands.h"
#include "cli/cortex_args.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/processors.h"
#include "vkgrid/base/terminal.h"
#include "vkgrid/study/weights_note.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLAIN_SECONDS 30.0

// What is said while subjects are labelled.
struct telling {
    const struct labelling *labelling;
    int count, done, there, failed;
    bool quiet, json, live;
    struct live_lines lines;
    double started, shown;
};

static void show_progress(struct telling *telling, bool last)
{
    char took[DURATION_TEXT], rest[DURATION_TEXT];
    const double now = seconds_now(), seconds = now - telling->started;
    const int over = telling->done + telling->there + telling->failed;
    if (telling->quiet || (!telling->live && !last && now - telling->shown < PLAIN_SECONDS))
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

// "s01: lh V1 2401 mm2, V2 1820 mm2; rh V1 ..."
static void print_extents(const struct labelling *labelling, const struct job *job)
{
    printf("%s:", job->name);
    for (int side = 0; side < HEMISPHERES; side++) {
        printf("%s %s", side ? ";" : "", hemisphere_names[side]);
        for (int k = 0; k < labelling->request.label_count; k++)
            printf("%s %s %.0f mm2", k ? "," : "", labelling->request.labels[k],
                   job->extents[side][k].area);
    }
    printf("\n");
    fflush(stdout);
}

static void tell(void *context, const struct job *job)
{
    struct telling *telling = context;
    live_erase(&telling->lines);
    if (job->state == JOB_FAILED) {
        telling->failed++;
        fprintf(stderr, "vkgrid: %s: %s\n", job->name, text_clean(job->problem));
    } else if (job->state == JOB_DONE) {
        telling->done++;
        if (!telling->json)
            print_extents(telling->labelling, job);
    } else if (job->state == JOB_THERE) {
        telling->there++;
        return;
    }
    show_progress(telling, false);
}

static const char *state_name(const struct job *job)
{
    static const char *const names[] = {"waiting", "there", "done", "failed"};
    return names[job->state];
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
        for (int k = 0; k < job->files.count; k++)
            cJSON_AddItemToArray(files, cJSON_CreateString(job->files.items[k].path));
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
    if (telling->failed > 0)
        printf(", %d failed", telling->failed);
    printf("\n");
}

// The radius and rows of the maps: of the command line, else as the weights' training data were
// flattened, else the defaults.
static bool read_settings(const struct options *options, struct labelling *labelling)
{
    const char *weights = options->values[OPTION_WEIGHTS];
    struct flat_settings said, *settings = &labelling->settings;
    bool found;
    if (!weights_flat_settings(weights, &said, &found))
        return false;
    *settings = found ? said : (struct flat_settings){.radius = FLAT_RADIUS, .rows = FLAT_ROWS};
    if (option_set(options, OPTION_RADIUS))
        settings->radius = options->numbers[OPTION_RADIUS];
    if (options->rows)
        settings->rows = options->rows;
    if (settings->rows > FLAT_ROWS_MOST || (options->rows && options->cols != 2 * options->rows))
        return error_set(
            "--size: %d x %d: twice as many columns as rows, and at most %d rows, "
            "are allowed",
            options->rows, options->cols, FLAT_ROWS_MOST);
    if (!found)
        fprintf(stderr,
                "%s: does not say how its training data were flattened: radius %.4g, %d x %d "
                "pixels are taken (--radius, --size)\n",
                weights, settings->radius, settings->rows, 2 * settings->rows);
    else if (settings->radius != said.radius || settings->rows != said.rows)
        fprintf(stderr,
                "radius %.4g, %d x %d pixels, though the training data had radius %.4g, %d x %d\n",
                settings->radius, settings->rows, 2 * settings->rows, said.radius, said.rows,
                2 * said.rows);
    return true;
}

static const struct flat_source *find_source(const struct flat_sources *sources, const char *name)
{
    for (int i = 0; i < sources->count; i++)
        if (strcmp(sources->items[i].name, name) == 0)
            return &sources->items[i];
    return NULL;
}

static bool has_feature(const struct cell *cell, const char *name)
{
    for (int i = 0; i < cell->features.count; i++)
        if (strcmp(cell->features.names[i], name) == 0)
            return true;
    return false;
}

// The files of the network's features, in their order: as --feature says, else those of their own,
// else surf/lh.NAME and so on.
static bool read_sources(const struct options *options, struct labelling *labelling)
{
    const struct cell *cell = &labelling->cell;
    struct flat_sources sources;
    if (!feature_sources_read(options, &sources))
        return false;
    for (int i = 0; i < sources.count; i++) {
        const struct flat_source *source = &sources.items[i];
        if (source->pattern && !has_feature(cell, source->name))
            FAIL("--feature %s: is none of the network's features", source->name);
    }
    labelling->sources = mem_zalloc((size_t)cell->features.count, sizeof(*labelling->sources));
    for (int i = 0; i < cell->features.count; i++) {
        const char *name = cell->features.names[i];
        const struct flat_source *source = find_source(&sources, name);
        const char *pattern = source ? source->pattern : name;
        labelling->sources[i].name = text_copy(name);
        labelling->sources[i].pattern = pattern ? text_copy(pattern) : NULL;
    }
    flat_sources_free(&sources);
    return true;
error:
    flat_sources_free(&sources);
    return false;
}

// Parts of a file's name.
static bool check_name(const char *what, const char *name)
{
    return (*name && *name != '.' && !strchr(name, '/')) ||
           error_set("%s \"%s\": a name that does not begin with a dot and has no / is allowed",
                     what, name);
}

static bool read_request(const struct options *options, struct labelling *labelling)
{
    const struct cell *cell = &labelling->cell;
    struct label_request *request = &labelling->request;
    *request = (struct label_request){
        .tag = options->values[OPTION_TAG],
        .labels = cell->labels.names,
        .label_count = cell->labels.count,
        .probabilities = option_set(options, OPTION_PROBABILITIES),
        .gifti = option_set(options, OPTION_GIFTI),
        .volume = option_set(options, OPTION_VOLUME),
    };
    request->group_count =
        label_groups(cell->prediction, cell->labels.names, cell->labels.count, request->groups);
    if (cell->cols != 2 * cell->rows)
        return error_set(
            "%s: a network for images of %d x %d: twice as many columns as rows are "
            "needed for two hemispheres",
            options->values[OPTION_WEIGHTS], cell->rows, cell->cols);
    return check_name("--tag", request->tag);
}

static void describe(struct labelling *labelling, const struct tensors *weights)
{
    const struct cell *cell = &labelling->cell;
    char hash[HASH_TEXT];
    cJSON *made = cJSON_CreateObject(), *files;
    cJSON_AddStringToObject(made, "weights", hash_print(tensors_hash(weights), hash));
    cJSON_AddStringToObject(made, "base_model", base_model_name(cell->base_model));
    cJSON_AddItemToObject(made, "labels",
                          cJSON_CreateStringArray(cell->labels.names, cell->labels.count));
    cJSON_AddItemToObject(made, "image_size",
                          cJSON_CreateIntArray((const int[]){cell->rows, cell->cols}, 2));
    cJSON_AddNumberToObject(made, "radius", labelling->settings.radius);
    cJSON_AddNumberToObject(made, "rows", labelling->settings.rows);
    files = cJSON_AddObjectToObject(made, "features");
    for (int i = 0; i < cell->features.count; i++) {
        const char *pattern = labelling->sources[i].pattern;
        cJSON_AddItemToObject(files, cell->features.names[i],
                              pattern ? cJSON_CreateString(pattern) : cJSON_CreateNull());
    }
    for (int i = 0; i < SUBJECT_FILES; i++)
        if (labelling->patterns.files[i])
            cJSON_AddStringToObject(made, subject_file_names[i], labelling->patterns.files[i]);
    labelling->made_with = made;
}

static void labelling_free(struct labelling *labelling)
{
    for (int i = 0; labelling->sources && i < labelling->cell.features.count; i++)
        flat_source_free(&labelling->sources[i]);
    free(labelling->sources);
    cJSON_Delete(labelling->made_with);
    cell_free(&labelling->cell);
}

// Only when there is something to do.
static bool compute(const struct options *options, const struct labelling *labelling,
                    const struct tensors *weights, struct job *jobs, int count,
                    struct telling *telling)
{
    struct label_run run = {
        .weights = weights,
        .batch_size = (int)options->numbers[OPTION_BATCH_SIZE],
        .threads = option_set(options, OPTION_THREADS) ? (int)options->numbers[OPTION_THREADS]
                                                       : processor_count(),
        .told = tell,
        .context = telling,
    };
    struct cortex_template *cortex_template = NULL;
    int device;
    CHECK(template_open(options->values[OPTION_FSAVERAGE], &cortex_template));
    if (!telling->quiet)
        fprintf(stderr, "fsaverage: %s\n", template_folder(cortex_template));
    run.cortex_template = cortex_template;
    CHECK(pick_device(options, telling->quiet, &device));
    CHECK(engine_open(device, &run.engine));
    CHECK(jobs_run(labelling, &run, jobs, count));
    engine_close(&run.engine);
    template_close(&cortex_template);
    return true;
error:
    engine_close(&run.engine);
    template_close(&cortex_template);
    return false;
}

static bool label(const struct options *options, struct labelling *labelling,
                  const struct tensors *weights, struct telling *telling)
{
    const int count = options->argument_count;
    struct job *jobs = NULL;
    int waiting = 0;
    if (!jobs_list(labelling, options->arguments, count, &jobs))
        return false;
    telling->count = count;
    telling->started = telling->shown = seconds_now();
    for (int i = 0; i < count; i++) {
        if (jobs[i].state == JOB_WAITING)
            job_look(labelling, &jobs[i]);
        waiting += jobs[i].state == JOB_WAITING;
        tell(telling, &jobs[i]);
    }
    const bool good = waiting == 0 || compute(options, labelling, weights, jobs, count, telling);
    live_erase(&telling->lines);
    if (good && telling->json)
        print_json(labelling, jobs, count);
    else if (good)
        print_line(telling);
    jobs_free(&jobs, count);
    return good;
}

static bool run(const struct options *options, int *failed)
{
    struct labelling labelling = {.overwrite = option_set(options, OPTION_OVERWRITE)};
    struct tensors weights = {0};
    struct telling telling = {
        .labelling = &labelling,
        .quiet = option_set(options, OPTION_QUIET),
        .json = option_set(options, OPTION_JSON),
        .lines = {.fd = STDERR_FILENO},
    };
    telling.live = !telling.quiet && terminal_live(STDERR_FILENO);
    if (!option_set(options, OPTION_IN_PLACE))
        labelling.out =
            option_set(options, OPTION_OUT) ? options->values[OPTION_OUT] : "vkgrid-labels";
    CHECK(apply_read_cell(options, &labelling.cell));
    CHECK(read_request(options, &labelling));
    CHECK(read_settings(options, &labelling));
    CHECK(subject_patterns_read(options, &labelling.patterns));
    CHECK(read_sources(options, &labelling));
    CHECK(weights_read_unet(options->values[OPTION_WEIGHTS], labelling.cell.base_model,
                            labelling.cell.features.count, labelling.cell.labels.count, &weights));
    describe(&labelling, &weights);
    CHECK(label(options, &labelling, &weights, &telling));
    *failed = telling.failed;
    tensors_free(&weights);
    labelling_free(&labelling);
    return true;
error:
    tensors_free(&weights);
    labelling_free(&labelling);
    return false;
}

int command_label(int argc, char **argv)
{
    struct options options;
    int status, failed = 0;
    if (!options_parse(COMMAND_LABEL, argc, argv, &options, &status))
        return status;
    if (!option_set(&options, OPTION_WEIGHTS))
        return command_misused("label", "-w FILE: is missing");
    if (option_set(&options, OPTION_OUT) && option_set(&options, OPTION_IN_PLACE))
        return command_misused("label", "--out and --in-place: only one of them is allowed");
    if (!run(&options, &failed))
        return command_failed();
    return failed > 0 ? STATUS_FAILED : 0;
}
