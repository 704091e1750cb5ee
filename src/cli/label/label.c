// SPDX-License-Identifier: MIT
#include "cli/label/label.h"

#include "cli/apply/apply.h"
#include "cli/commands.h"
#include "cli/cortex_args.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/processors.h"
#include "vkgrid/grid/statistics_json.h"
#include "vkgrid/run/check_weights.h"
#include "vkgrid/study/weights_note.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What the weights file says of the maps, or else the options beside it, or those of --options.
static bool find_settings(const struct options *options, struct flat_settings *said, bool *found)
{
    const char *weights = options->values[OPTION_WEIGHTS], *file = options->values[OPTION_OPTIONS];
    if (!weights_flat_settings(weights, said, found))
        return false;
    if (*found)
        return true;
    char *beside = file ? text_copy(file) : weights_options_beside(weights);
    const bool good = !beside || options_flat_settings(beside, said, found);
    free(beside);
    return good;
}

// The radius and rows of the maps: of the command line, else as the weights' training data were
// flattened, else the defaults.
static bool read_settings(const struct options *options, struct labelling *labelling)
{
    const char *weights = options->values[OPTION_WEIGHTS];
    struct flat_settings said, *settings = &labelling->settings;
    bool found;
    if (!find_settings(options, &said, &found))
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

static void describe(struct labelling *labelling, const struct tensors *weights,
                     const struct cortex_template *cortex_template)
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
    cJSON_AddStringToObject(made, "fsaverage", template_identity(cortex_template));
    cJSON_AddNumberToObject(made, "radius", labelling->settings.radius);
    cJSON_AddNumberToObject(made, "rows", labelling->settings.rows);
    files = cJSON_AddObjectToObject(made, "features");
    for (int i = 0; i < cell->features.count; i++) {
        const char *pattern = labelling->sources[i].pattern;
        cJSON_AddItemToObject(files, cell->features.names[i],
                              pattern ? cJSON_CreateString(pattern) : cJSON_CreateNull());
    }
    const cJSON *normalize = json_member(cell->options, "normalize");
    if (normalize) {
        cJSON_AddItemToObject(made, "normalize", cJSON_Duplicate(normalize, true));
        if (cell->trained)
            cJSON_AddItemToObject(made, "statistics", statistics_to_json(cell, cell->trained));
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
                    const struct tensors *weights, const struct cortex_template *cortex_template,
                    struct job *jobs, int count, struct telling *telling)
{
    struct label_run run = {
        .weights = weights,
        .cortex_template = cortex_template,
        .batch_size = (int)options->numbers[OPTION_BATCH_SIZE],
        .threads = option_set(options, OPTION_THREADS) ? (int)options->numbers[OPTION_THREADS]
                                                       : processor_count(),
        .told = telling_tell,
        .context = telling,
    };
    int device;
    CHECK(pick_device(options, telling->quiet, &device));
    CHECK(engine_open(device, &run.engine));
    CHECK(jobs_run(labelling, &run, jobs, count));
    engine_close(&run.engine);
    return true;
error:
    engine_close(&run.engine);
    return false;
}

// Which subjects there is something to do for, before anything is computed.
static bool look(const struct labelling *labelling, struct job *jobs, int count, int *waiting)
{
    *waiting = 0;
    for (int i = 0; i < count; i++) {
        if (jobs[i].state == JOB_WAITING)
            job_look(labelling, &jobs[i]);
        *waiting += jobs[i].state == JOB_WAITING;
    }
    // Once, not with every subject.
    if (*waiting > 0 && labelling->out && !folder_check_target(labelling->out))
        return false;
    for (int i = 0; i < count; i++) {
        if (jobs[i].state != JOB_WAITING)
            continue;
        job_check_target(&jobs[i]);
        *waiting -= jobs[i].state != JOB_WAITING;
    }
    return true;
}

static bool label(const struct options *options, const struct labelling *labelling,
                  const struct tensors *weights, const struct cortex_template *cortex_template,
                  bool *good)
{
    const int count = options->argument_count;
    struct telling telling = telling_start(labelling, count, option_set(options, OPTION_QUIET),
                                           option_set(options, OPTION_JSON));
    struct job *jobs = NULL;
    int waiting;
    if (!jobs_list(labelling, options->arguments, count, &jobs))
        return false;
    if (!look(labelling, jobs, count, &waiting)) {
        jobs_free(&jobs, count);
        return false;
    }
    for (int i = 0; i < count; i++)
        telling_tell(&telling, &jobs[i]);
    const bool done = waiting == 0 ||
                      compute(options, labelling, weights, cortex_template, jobs, count, &telling);
    telling_end(&telling, done ? jobs : NULL);
    if (!done && interrupt_requested())
        error_set(
            "label: interrupted: %d of %d subjects are labelled; the same command goes on with the "
            "rest",
            telling.done + telling.there, count);
    *good = telling_good(&telling);
    jobs_free(&jobs, count);
    return done;
}

static bool run(const struct options *options, bool *good)
{
    struct labelling labelling = {.overwrite = option_set(options, OPTION_OVERWRITE)};
    struct tensors weights = {0};
    struct cortex_template *cortex_template = NULL;
    const char *file = options->values[OPTION_WEIGHTS];
    char *note;
    if (!option_set(options, OPTION_IN_PLACE))
        labelling.out =
            option_set(options, OPTION_OUT) ? options->values[OPTION_OUT] : "vkgrid-labels";
    CHECK(apply_read_cell(options, file, &labelling.cell));
    CHECK(read_request(options, &labelling));
    CHECK(read_settings(options, &labelling));
    CHECK(subject_patterns_read(options, &labelling.patterns));
    CHECK(read_sources(options, &labelling));
    CHECK(weights_load_unet(file, labelling.cell.base_model, labelling.cell.features.count,
                            labelling.cell.labels.count, &weights, &note));
    weights_tell(file, note);
    CHECK(fsaverage_open(options, &cortex_template));
    describe(&labelling, &weights, cortex_template);
    CHECK(label(options, &labelling, &weights, cortex_template, good));
    template_close(&cortex_template);
    tensors_free(&weights);
    labelling_free(&labelling);
    return true;
error:
    template_close(&cortex_template);
    tensors_free(&weights);
    labelling_free(&labelling);
    return false;
}

int command_label(int argc, char **argv)
{
    struct options options;
    int status;
    bool good = false;
    if (!options_parse(COMMAND_LABEL, argc, argv, &options, &status))
        return status;
    if (!option_set(&options, OPTION_WEIGHTS))
        return command_misused("label", "-w FILE: is missing");
    const char *files[OPTION_REPEATS];
    if (option_list(&options, OPTION_WEIGHTS, files) > 1)
        return command_misused("label", "-w FILE: only one is allowed");
    if (option_set(&options, OPTION_OUT) && option_set(&options, OPTION_IN_PLACE))
        return command_misused("label", "--out and --in-place: only one of them is allowed");
    if (!run(&options, &good))
        return command_failed();
    return good ? 0 : STATUS_FAILED;
}
