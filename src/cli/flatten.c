// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include "cli/cortex_args.h"
#include "cli/flatten_run.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/processors.h"
#include "vkgrid/data/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAME_RADIUS 1e-6 // radii that people write with so few digits are the same

// What a run of the command works with.
struct flatten {
    struct flat_sources features, labels;
    struct flat_request request;
    const char *const *folders;
    char **names; // [count] of the subjects
    int count;
    bool overwrite;
};

static bool same_settings(const struct flat_settings *a, const struct flat_settings *b)
{
    return a->rows == b->rows && fabs(a->radius - b->radius) < SAME_RADIUS;
}

static bool read_options(const struct options *options, struct flatten *flatten)
{
    struct flat_request *request = &flatten->request;
    request->data = options->values[OPTION_OUT];
    request->settings = (struct flat_settings){.radius = FLAT_RADIUS, .rows = FLAT_ROWS};
    if (option_set(options, OPTION_RADIUS))
        request->settings.radius = options->numbers[OPTION_RADIUS];
    if (options->rows)
        request->settings.rows = options->rows;
    if (options->rows && (options->cols != 2 * options->rows || options->rows > FLAT_ROWS_MOST))
        return error_set(
            "--size: is %dx%d: twice as many columns as rows, and at most %d rows, "
            "are allowed",
            options->rows, options->cols, FLAT_ROWS_MOST);
    if (!subject_patterns_read(options, &request->patterns) ||
        !feature_sources_read(options, &flatten->features) ||
        !label_sources_read(options, &flatten->labels))
        return false;
    for (int i = 0; i < flatten->labels.count; i++)
        for (int j = 0; j < flatten->features.count; j++)
            if (strcmp(flatten->labels.items[i].name, flatten->features.items[j].name) == 0)
                return error_set("--label %s: is a feature too", flatten->labels.items[i].name);
    request->features = flatten->features.items;
    request->feature_count = flatten->features.count;
    request->labels = flatten->labels.items;
    request->label_count = flatten->labels.count;
    return true;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Their names, sorted; images of two subjects of one name would be one. A folder that cannot be
// read is told of when it is its turn.
static bool read_names(struct flatten *flatten)
{
    flatten->names = mem_zalloc((size_t)flatten->count, sizeof(*flatten->names));
    int named = 0;
    for (int i = 0; i < flatten->count; i++) {
        struct subject subject;
        if (!subject_open(flatten->folders[i], &flatten->request.patterns, &subject))
            continue;
        flatten->names[named++] = text_copy(subject.name);
        subject_close(&subject);
    }
    flatten->count = named;
    if (named > 0)
        qsort(flatten->names, (size_t)named, sizeof(*flatten->names), compare_texts);
    for (int i = 1; i < named; i++)
        if (strcmp(flatten->names[i - 1], flatten->names[i]) == 0)
            return error_set(
                "%s: two subjects have this name: their folders' last parts must "
                "differ",
                flatten->names[i]);
    return true;
}

// All images of a data set are made in one way: those of others would stay as they are. Fails when
// the data set has others, or any where `any` says so.
static bool check_others(const struct flatten *flatten, bool any, const char *why)
{
    char **there = NULL;
    int count = 0;
    bool good = true;
    char *folder = text_format("%s/%s", flatten->request.data, flat_features[0]);
    if (folder_exists(folder))
        good = dataset_list(flatten->request.data, flat_features[0], &there, &count);
    for (int i = 0; i < count; i++) {
        const char *name = there[i];
        if (good && !(flatten->count > 0 && bsearch(&name, flatten->names, (size_t)flatten->count,
                                                    sizeof(*flatten->names), compare_texts)))
            good = error_set(
                "%s: has images of %s, which is not named here, and %s: all of its subjects, or "
                "another folder, are needed",
                flatten->request.data, name, why);
        free(there[i]);
    }
    if (good && any && count > 0)
        good = error_set("%s: has images, and %s: another folder, or --overwrite, is needed",
                         flatten->request.data, why);
    free(there);
    free(folder);
    return good;
}

// The data set has images that were made in another way.
static bool check_overwrite(const struct flatten *flatten, const char *how)
{
    char *why = text_format("they were made %s", how);
    const bool good =
        flatten->overwrite
            ? check_others(flatten, false, why)
            : error_set(
                  "%s: has images, and %s: the same, another folder, or --overwrite is needed",
                  flatten->request.data, why);
    free(why);
    return good;
}

// The features and labels, and where they come from.
static bool check_sources(const struct flatten *flatten)
{
    const char *data = flatten->request.data;
    enum flat_likeness likeness;
    char *what, *why = NULL;
    bool good = flat_record_compare(&flatten->request, &likeness, &what);
    if (good && likeness == FLAT_DIFFERS) {
        good = check_overwrite(flatten, what);
    } else if (good && likeness == FLAT_LACKS) {
        good = error_set(
            "%s: has images of %s, which is not named here: all of its features and labels, or "
            "another folder, are needed",
            data, what);
    } else if (good && likeness == FLAT_ADDS) {
        why = text_format("%s is new", what);
        good = check_others(flatten, false, why);
    }
    free(why);
    free(what);
    return good;
}

// Whether the images may go to where they shall.
static bool prepare_data(struct flatten *flatten)
{
    const struct flat_request *request = &flatten->request;
    struct flat_settings before;
    bool found, good = true;
    if (!folder_check_target(request->data) || !flat_record_read(request->data, &before, &found))
        return false;
    if (found && !same_settings(&before, &request->settings)) {
        char *how = text_format("with --radius %.6g --size %d", before.radius, before.rows);
        good = check_overwrite(flatten, how);
        free(how);
    } else if (!found) {
        good = check_others(flatten, !flatten->overwrite,
                            "there is no flatten.json that says how they were made");
    }
    good = good && (!found || check_sources(flatten));
    // What is there by other settings goes first: going on after an interrupt must not keep it.
    for (int i = 0; good && i < flatten->count && flatten->overwrite; i++)
        good = flat_images_remove(request, flatten->names[i]);
    return good;
}

static bool make_folders(const struct flat_request *request)
{
    bool made = folder_make(request->data);
    for (int i = 0; made && i < request->feature_count + request->label_count; i++) {
        const bool label = i >= request->feature_count;
        char *path = text_format("%s/%s", request->data,
                                 label ? request->labels[i - request->feature_count].name
                                       : request->features[i].name);
        made = folder_make(path);
        free(path);
    }
    return made && flat_record_write(request);
}

static void print_result(const struct flat_request *request, const struct flatten_result *result)
{
    printf("%s: %d subject%s of %d x %d pixels written", request->data, result->written,
           result->written == 1 ? "" : "s", request->settings.rows, 2 * request->settings.rows);
    if (result->there > 0)
        printf(", %d %s there already", result->there, result->there == 1 ? "was" : "were");
    if (result->failed > 0)
        printf(", %d failed", result->failed);
    printf("\n");
    if (request->label_count > 0 && result->failed == 0)
        printf("next: vkgrid init -d %s (writes grid.json)\n", request->data);
}

static bool flatten_all(const struct options *options, struct flatten *flatten, int *failed)
{
    const int threads = option_set(options, OPTION_THREADS) ? (int)options->numbers[OPTION_THREADS]
                                                            : processor_count();
    const bool quiet = option_set(options, OPTION_QUIET);
    struct cortex_template *cortex_template = NULL;
    struct flatten_result result;
    CHECK(read_options(options, flatten));
    CHECK(read_names(flatten));
    CHECK(fsaverage_open(options, &cortex_template));
    flatten->request.fsaverage = template_identity(cortex_template);
    CHECK(prepare_data(flatten));
    CHECK(make_folders(&flatten->request));
    flat_images_sweep(&flatten->request, flatten->names, flatten->count);
    CHECK(flatten_run(&flatten->request, cortex_template, flatten->folders, options->argument_count,
                      threads, flatten->overwrite, quiet, &result));
    if (!quiet)
        flatten_print_notes(&result);
    print_result(&flatten->request, &result);
    *failed = result.failed;
    template_close(&cortex_template);
    return true;
error:
    template_close(&cortex_template);
    return false;
}

int command_flatten(int argc, char **argv)
{
    struct options options;
    int status, failed = 0;
    if (!options_parse(COMMAND_FLATTEN, argc, argv, &options, &status))
        return status;
    if (!option_set(&options, OPTION_OUT))
        return command_misused("flatten", "-o DIR: is missing");
    struct flatten flatten = {.folders = options.arguments,
                              .count = options.argument_count,
                              .overwrite = option_set(&options, OPTION_OVERWRITE)};
    const bool done = flatten_all(&options, &flatten, &failed);
    for (int i = 0; flatten.names && i < flatten.count; i++)
        free(flatten.names[i]);
    free(flatten.names);
    flat_sources_free(&flatten.features);
    flat_sources_free(&flatten.labels);
    if (!done)
        return command_failed();
    return failed > 0 ? STATUS_FAILED : 0;
}
