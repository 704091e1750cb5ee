// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include "vkgrid/engine/engine.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/report/report.h"
#include "vkgrid/data/sample.h"
#include "vkgrid/run/shard.h"
#include "vkgrid/run/run.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sample_grid[] = {
#include "sample-grid.inc"
};

// The bundled grid's subjects and image size.
#define SAMPLE_SUBJECTS 20
#define SAMPLE_ROWS 64
#define SAMPLE_COLS 128
#define SAMPLE_SEED 1

struct search {
    struct options options;
    struct grid *grid;
    bool bundled;
    char *out, *data;       // data: NULL where the grid says it
    int *cells, cell_count; // NULL: all, also those that are not known yet
    int shard, shards;      // 0: not split
};

static bool parse_part(const char **at, int fallback, int *number)
{
    char *end;
    if (**at < '0' || **at > '9') {
        *number = fallback;
        return **at == ':' || **at == 0;
    }
    const long value = strtol(*at, &end, 10);
    *at = end;
    *number = value > GRID_CELLS ? GRID_CELLS : (int)value;
    return *end == ':' || *end == 0;
}

// "A:B:STRIDE", any part of which may be left out, or "N".
static bool select_cells(const char *text, int cell_count, int **cells, int *count)
{
    const char *at = text ? text : ":";
    int first, end = cell_count, stride = 1;
    bool good = parse_part(&at, 0, &first);
    if (good && *at == 0) {
        good = at != text;
        end = first + 1;
    } else if (good) {
        at++;
        good = parse_part(&at, cell_count, &end);
        if (good && *at == ':') {
            at++;
            good = parse_part(&at, 1, &stride) && *at == 0;
        }
    }
    if (!good || stride < 1)
        return error_set(
            "--cells %s: A:B:STRIDE (cells A, A + STRIDE, ... below B) or a number is allowed",
            text);
    if (first >= cell_count || first >= end)
        return error_set("--cells %s: selects none of the cells 0 to %d", text, cell_count - 1);
    *cells = mem_alloc(sizeof(**cells) * (size_t)cell_count);
    *count = 0;
    for (int i = first; i < end && i < cell_count; i += stride)
        (*cells)[(*count)++] = i;
    return true;
}

static bool read_grid(struct search *search)
{
    const struct options *options = &search->options;
    const char *path = options->argument_count ? options->arguments[0] : NULL;
    const uint64_t seed = (uint64_t)options->numbers[OPTION_SEED];
    const struct grid_settings settings = {
        .data = search->data,
        .precision = options->values[OPTION_PRECISION],
        .pretrained = options->values[OPTION_PRETRAINED],
        .seed = option_set(options, OPTION_SEED) ? &seed : NULL,
        .sampler = option_set(options, OPTION_FROM_OPTUNA)                  ? SAMPLER_OPTUNA
                   : strcmp(options->values[OPTION_SAMPLER], "random") == 0 ? SAMPLER_RANDOM
                                                                            : SAMPLER_GRID,
        .trials = (int)options->numbers[OPTION_TRIALS],
    };
    if (search->bundled)
        return grid_parse(sample_grid, sizeof(sample_grid), "sample study", &settings,
                          &search->grid);
    return grid_read(path ? path : "grid.json", &settings, &search->grid);
}

// Where the sample study has its data: beside the output.
static bool write_sample(struct search *search)
{
    if (folder_exists(search->data))
        return true;
    char *unfinished = text_format("%s.unfinished", search->data);
    bool written = sample_write(unfinished, SAMPLE_SUBJECTS, SAMPLE_ROWS, SAMPLE_COLS, SAMPLE_SEED);
    if (written && rename(unfinished, search->data) != 0)
        written = error_set("%s: cannot be renamed to %s", unfinished, search->data);
    free(unfinished);
    return written;
}

static char *without_slashes(const char *path)
{
    char *text = text_copy(path);
    for (size_t n = strlen(text); n > 1 && text[n - 1] == '/'; n--)
        text[n - 1] = 0;
    return text;
}

// --shard, or what a job array says of this task.
static bool select_shard(struct search *search)
{
    const struct options *options = &search->options;
    const char *text = options->values[OPTION_SHARD], *source = NULL;
    if (text)
        return shard_parse(text, &search->shard, &search->shards);
    if (!shard_from_environment(&search->shard, &search->shards, &source))
        return false;
    if (search->shards > 0 && !option_set(options, OPTION_QUIET))
        fprintf(stderr, "part %d of %d (counted from 0), as %s says\n", search->shard,
                search->shards, source);
    return true;
}

static bool prepare(struct search *search)
{
    const struct options *options = &search->options;
    const char *out = options->values[OPTION_OUT];
    search->bundled = options->argument_count == 0 && !file_exists("grid.json");
    if (option_set(options, OPTION_DATA)) {
        if (option_set(options, OPTION_DRY_RUN) && !folder_exists(options->values[OPTION_DATA]))
            search->data = text_copy(options->values[OPTION_DATA]);
        else if (!folder_path(options->values[OPTION_DATA], &search->data))
            return false;
    } else if (search->bundled) {
        char *base = without_slashes(out ? out : "vkgrid-out");
        search->data = text_format("%s-sample", base);
        free(base);
    }
    if (!read_grid(search))
        return false;
    if (!out)
        out = search->grid->model_cache_path ? search->grid->model_cache_path : "vkgrid-out";
    search->out = without_slashes(out);
    if (!select_shard(search))
        return false;
    if (search->grid->sampler == SAMPLER_OPTUNA)
        return !options->values[OPTION_CELLS] ||
               error_set("--cells: with --from-optuna Optuna chooses the cells");
    return select_cells(options->values[OPTION_CELLS], search->grid->cell_count, &search->cells,
                        &search->cell_count);
}

static bool dry_run(const struct search *search)
{
    const struct options *options = &search->options;
    struct groups groups = {0};
    struct engine *engine = NULL;
    char reason[1024];
    int device;
    if (!groups_make(search->grid, search->cells, search->cell_count, &groups))
        return false;
    if (search->shards > 1) {
        int count;
        shard_cells(&groups, search->shard, search->shards, search->cells, &count);
        groups_free(&groups);
        if (!groups_make(search->grid, search->cells, count, &groups))
            return false;
    }
    set_engines(options);
    if (!device_choose(options->values[OPTION_DEVICE], &device, reason, sizeof(reason)) ||
        !engine_open(device, &engine)) {
        snprintf(reason, sizeof(reason), "%s", error_text());
        engine = NULL;
    }
    print_dry_run(&groups, engine, reason, (int)options->numbers[OPTION_PACK],
                  option_set(options, OPTION_JSON));
    engine_close(&engine);
    groups_free(&groups);
    return true;
}

static void print_summary(const struct search *search, const struct study_result *result)
{
    printf("%d of %d cells finished (%d of them earlier%s)\n", result->finished, result->cells,
           result->earlier, search->shards > 1 ? "; one part of the study" : "");
    if (result->pruned > 0)
        printf("%d of them pruned: --unprune goes on with them\n", result->pruned);
    for (int i = 0; i < result->leaders.count; i++) {
        const struct leader *leader = &result->leaders.items[i];
        const struct score *score = &leader->score;
        if (score_ranks(score))
            printf(
                "best %s: grid%05d, validation dice %.4f, loss %.4f: "
                "%s/hyperparameters/%s.json\n",
                leader->task, score->cell, score->dice, score->loss, search->out, leader->task);
    }
}

static void print_json_summary(const struct search *search, const struct study_result *result)
{
    cJSON *json = cJSON_CreateObject(), *tasks = cJSON_CreateArray();
    cJSON_AddStringToObject(json, "out", search->out);
    cJSON_AddNumberToObject(json, "cells", result->cells);
    cJSON_AddNumberToObject(json, "finished", result->finished);
    cJSON_AddNumberToObject(json, "finished_earlier", result->earlier);
    cJSON_AddNumberToObject(json, "failed", result->failed);
    cJSON_AddNumberToObject(json, "pruned", result->pruned);
    cJSON_AddNumberToObject(json, "failed_runs", result->failed_runs);
    cJSON_AddItemToObject(json, "tasks", tasks);
    for (int i = 0; i < result->leaders.count; i++) {
        const struct leader *leader = &result->leaders.items[i];
        if (!score_ranks(&leader->score))
            continue;
        cJSON *task = cJSON_CreateObject();
        cJSON_AddStringToObject(task, "task", leader->task);
        cJSON_AddNumberToObject(task, "cell", leader->score.cell);
        cJSON_AddNumberToObject(task, "dice", leader->score.dice);
        cJSON_AddNumberToObject(task, "loss", leader->score.loss);
        cJSON_AddItemToArray(tasks, task);
    }
    command_print_json(json);
}

// A report that cannot be made is no failure of the search.
static void write_report(const struct search *search, int device)
{
    struct report_options report = {0};
    struct engine *engine = NULL;
    if (engine_open(device, &engine))
        report.engine = engine;
    if (!report_write(search->out, &report))
        fprintf(stderr, "vkgrid: report: %s\n", error_text());
    else if (!option_set(&search->options, OPTION_QUIET))
        fprintf(stderr, "report: %s/report.html\n", search->out);
    engine_close(&engine);
}

static int print_end(const struct search *search, const struct study_result *result, bool done)
{
    int status = 0;
    if (!done && interrupt_requested()) {
        fprintf(stderr,
                "vkgrid: interrupted: %d of %d cells are finished; the same command goes on from "
                "here\n",
                result->finished, result->cells);
        status = STATUS_INTERRUPTED;
    } else if (!done) {
        status = command_failed();
    } else if (option_set(&search->options, OPTION_JSON)) {
        print_json_summary(search, result);
    } else {
        print_summary(search, result);
    }
    if (done && result->failed_runs > 0) {
        fprintf(stderr,
                "vkgrid: %d run%s failed: training.log of the cell says why; --retry-failed tries "
                "cells again all of whose runs failed\n",
                result->failed_runs, result->failed_runs == 1 ? "" : "s");
        status = STATUS_FAILED;
    }
    return status;
}

static int run_study(struct search *search)
{
    const struct options *options = &search->options;
    struct study_options study = {
        .out = search->out,
        .pack = (int)options->numbers[OPTION_PACK],
        .log_steps = option_set(options, OPTION_LOG_STEPS),
        .overwrite = option_set(options, OPTION_OVERWRITE),
        .quiet = option_set(options, OPTION_QUIET),
        .always = strcmp(options->values[OPTION_CHECKPOINT], "always") == 0,
        .retry_failed = option_set(options, OPTION_RETRY_FAILED),
        .unprune = option_set(options, OPTION_UNPRUNE),
        .cells = search->cells,
        .cell_count = search->cell_count,
        .shard = search->shard,
        .shards = search->shards,
        .matrix = options->values[OPTION_MATRIX],
    };
    struct study_result result;
    int *devices;
    keep_parse(options->values[OPTION_KEEP], &study.keep);
    prune_parse(options->values[OPTION_PRUNE], &study.prune);
    if (!pick_devices(options, study.quiet, &devices, &study.device_count) ||
        (search->bundled && !option_set(options, OPTION_DATA) && !write_sample(search))) {
        free(devices);
        return command_failed();
    }
    cJSON *record = options_record(COMMAND_SEARCH, options);
    study.record = record;
    study.devices = devices;
    const bool done = study_run(search->grid, &study, &result);
    if (done)
        write_report(search, devices[0]);
    cJSON_Delete(record);
    free(devices);
    const int status = print_end(search, &result, done);
    study_result_free(&result);
    return status;
}

int command_search(int argc, char **argv)
{
    struct search search = {0};
    int status;
    if (!options_parse(COMMAND_SEARCH, argc, argv, &search.options, &status))
        return status;
    if (!prepare(&search))
        status = command_failed();
    else if (option_set(&search.options, OPTION_DRY_RUN))
        status = dry_run(&search) ? 0 : command_failed();
    else
        status = run_study(&search);
    grid_free(&search.grid);
    free(search.out);
    free(search.data);
    free(search.cells);
    return status;
}
