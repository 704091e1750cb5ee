// SPDX-License-Identifier: MIT
#include "cli/commands.h"
#include "cli/dry_run.h"
#include "cli/search_args.h"

#include "vkgrid/engine/engine.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/report/report.h"
#include "vkgrid/data/sample.h"
#include "vkgrid/run/run.h"
#include "vkgrid/study/labels.h"
#include "vkgrid/study/model_folder.h"
#include "vkgrid/study/paths.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The bundled grid's subjects and image size.
#define SAMPLE_SUBJECTS 20
#define SAMPLE_ROWS 64
#define SAMPLE_COLS 128
#define SAMPLE_SEED 1

// Where the sample study has its data: beside the output.
static bool write_sample(struct search_args *args)
{
    if (folder_exists(args->data))
        return true;
    char *unfinished = text_format("%s.unfinished", args->data);
    bool written = sample_write(unfinished, SAMPLE_SUBJECTS, SAMPLE_ROWS, SAMPLE_COLS, SAMPLE_SEED);
    if (written && rename(unfinished, args->data) != 0)
        written = error_set("%s: cannot be renamed to %s", unfinished, args->data);
    free(unfinished);
    return written;
}

// "lr 0.00375, gamma 0.9": what the cell has of what the grid varies.
static void print_values(const struct grid *grid, int number)
{
    cJSON *values = grid_values(grid, number), *value;
    const char *before = "    ";
    cJSON_ArrayForEach(value, values)
    {
        char *text = json_print_line(value);
        printf("%s%s %s", before, value->string, text);
        before = ", ";
        free(text);
    }
    if (values->child)
        printf("\n");
    cJSON_Delete(values);
}

// "Dice V1 0.912, V2 0.871": of the weights that are kept, where it is known.
static void print_labels(const struct leader *leader)
{
    char *text = labels_text(leader->labels);
    if (text)
        printf("    %s\n", text);
    free(text);
}

// The word for a shell that is the weights of a cell: one file, or those of all folds. NULL: they
// are not there. The caller frees it.
static char *weights_word(const char *folder, const struct cell *cell)
{
    bool there = false;
    for (int i = 0; i < cell_network_count(cell); i++) {
        char *path = study_weights(folder, cell, i);
        there = there || file_exists(path);
        free(path);
    }
    if (!there)
        return NULL;
    char *path = cell->folds > 0 ? text_format("%s/best_%s.fold", folder, cell->inputs)
                                 : study_weights(folder, cell, 0),
         *quoted = shell_word(path),
         *word = text_format("%s%s", quoted, cell->folds > 0 ? "*.safetensors" : "");
    free(quoted);
    free(path);
    return word;
}

// Those that go on with the best cell of a task.
static void print_commands(const struct search_args *args, const struct leader *leader,
                           const char *folder, const struct cell *cell)
{
    char *ranking = text_format("%s/" STUDY_RANKING "/%s.json", args->out, leader->task);
    char *best = shell_word(ranking), *weights = weights_word(folder, cell),
         *data = shell_word(cell->data ? cell->data : "DIR");
    const bool test = cJSON_GetArrayItem(json_member(cell->options, "partition"), 2);
    printf("    vkgrid train %s%s\n", best, cell->folds > 0 ? " --set folds=null" : "");
    if (!weights && strcmp(args->options.values[OPTION_KEEP], "none") != 0)
        printf("    (its weights were not kept: another cell led when it was trained)\n");
    if (weights)
        printf(
            "    vkgrid evaluate -w %s -d %s --split %s\n"
            "    vkgrid apply -w %s -d %s -o predictions\n",
            weights, data,
            test              ? "test"
            : cell->folds > 0 ? "folds"
                              : "validation",
            weights, data);
    free(data);
    free(weights);
    free(best);
    free(ranking);
}

// Which cells cannot be told apart from it.
static void print_best_set(const struct study_result *result, const char *task)
{
    const struct best_set *set = best_sets_of(&result->sets, task);
    cJSON *json = set ? best_set_json(set) : NULL;
    char *text = best_set_text(json);
    if (text)
        printf("    %s\n", text);
    free(text);
    cJSON_Delete(json);
}

// The best cell of a task.
static void print_leader(const struct search_args *args, const struct study_result *result,
                         const struct leader *leader)
{
    const struct score *score = &leader->score;
    struct cell cell;
    char *text = score_text(score, result->rank_by);
    printf("best %s: grid%05d, %s\n", leader->task, score->cell, text);
    free(text);
    if (!grid_cell(args->grid, score->cell, &cell))
        return;
    char *folder = study_cell_folder(args->out, score->cell);
    print_values(args->grid, score->cell);
    print_labels(leader);
    print_best_set(result, leader->task);
    print_commands(args, leader, folder, &cell);
    free(folder);
    cell_free(&cell);
}

static void print_summary(const struct search_args *args, const struct study_result *result)
{
    printf("%d of %d cells finished (%d of them earlier%s)\n", result->finished, result->cells,
           result->earlier, args->shards > 1 ? "; one part of the study" : "");
    if (result->unable > 0)
        printf("%d of %d cells could not be trained\n", result->unable, result->cells);
    if (result->refused > 0)
        printf("%d trials of Optuna's refused\n", result->refused);
    if (result->pruned > 0)
        printf("%d of them pruned: --unprune goes on with them\n", result->pruned);
    for (int i = 0; i < result->leaders.count; i++)
        if (score_ranks(&result->leaders.items[i].score))
            print_leader(args, result, &result->leaders.items[i]);
}

static void print_json_summary(const struct search_args *args, const struct study_result *result)
{
    cJSON *json = cJSON_CreateObject(), *tasks = cJSON_CreateArray();
    cJSON_AddStringToObject(json, "out", args->out);
    cJSON_AddNumberToObject(json, "cells", result->cells);
    cJSON_AddNumberToObject(json, "finished", result->finished);
    cJSON_AddNumberToObject(json, "finished_earlier", result->earlier);
    cJSON_AddNumberToObject(json, "failed", result->failed);
    cJSON_AddNumberToObject(json, "unable", result->unable);
    cJSON_AddNumberToObject(json, "pruned", result->pruned);
    cJSON_AddNumberToObject(json, "refused", result->refused);
    cJSON_AddNumberToObject(json, "failed_runs", result->failed_runs);
    cJSON_AddStringToObject(json, "rank_by", rank_by_name(result->rank_by));
    cJSON_AddItemToObject(json, "tasks", tasks);
    for (int i = 0; i < result->leaders.count; i++) {
        const struct leader *leader = &result->leaders.items[i];
        if (!score_ranks(&leader->score))
            continue;
        cJSON *task = cJSON_CreateObject();
        cJSON_AddStringToObject(task, "task", leader->task);
        cJSON_AddNumberToObject(task, "cell", leader->score.cell);
        score_add_dice_loss(task, leader->score.value);
        cJSON_AddNumberToObject(task, "loss", leader->score.loss);
        cJSON_AddItemToObject(task, "labels", labels_checked(leader->labels));
        if (leader->score.runs.runs > 1)
            cJSON_AddItemToObject(task, "over_runs", over_runs_json(&leader->score.runs));
        const struct best_set *set = best_sets_of(&result->sets, leader->task);
        if (set)
            cJSON_AddItemToObject(task, "best_set", best_set_json(set));
        cJSON_AddItemToArray(tasks, task);
    }
    command_print_json(json);
}

// Of a search that runs: its device has no time for predictions. One that cannot be written now
// can be later.
static void write_live_report(void *context)
{
    const struct search_args *args = context;
    report_write(args->out, &(struct report_options){
                                .no_engine = "they are made when the search is finished"});
}

// A report that cannot be made is no failure of the search.
static void write_report(const struct search_args *args, int device)
{
    struct report_options report = {0};
    struct engine *engine = NULL;
    if (engine_open(device, &engine))
        report.engine = engine;
    if (!report_write(args->out, &report))
        fprintf(stderr, "vkgrid: report: %s\n", error_text());
    else if (!option_set(&args->options, OPTION_QUIET))
        fprintf(stderr, "report: %s/report.html\n", args->out);
    engine_close(&engine);
}

// The best weights of each task for PyTorch: OUT/models/<inputs>_<prediction>.
static bool write_models(const struct search_args *args, const struct study_result *result)
{
    bool written = true;
    for (int i = 0; written && i < result->leaders.count; i++) {
        const struct score *score = &result->leaders.items[i].score;
        if (!score_ranks(score))
            continue;
        char *folder = study_cell_folder(args->out, score->cell);
        written = model_folder_write(args->out, folder);
        free(folder);
    }
    return written;
}

static int print_end(const struct search_args *args, const struct study_result *result, bool done)
{
    int status = 0;
    if (!done && interrupt_requested()) {
        fprintf(stderr,
                "vkgrid: interrupted: %d of %d cells are finished; "
                "the same command goes on from here\n",
                result->finished, result->cells);
        status = STATUS_INTERRUPTED;
    } else if (!done) {
        status = command_failed();
    } else if (option_set(&args->options, OPTION_JSON)) {
        print_json_summary(args, result);
    } else {
        print_summary(args, result);
    }
    if (done && result->failed_runs > 0) {
        fprintf(stderr,
                "vkgrid: %d run%s failed: training.log of the cell says why; "
                "--retry-failed tries cells again all of whose runs failed\n",
                result->failed_runs, result->failed_runs == 1 ? "" : "s");
        status = STATUS_FAILED;
    }
    if (done && result->unable > 0) {
        fprintf(stderr,
                "vkgrid: %d of %d cells could not be trained: vkgrid status %s says why; "
                "the same command tries them again\n",
                result->unable, result->cells, args->out);
        status = STATUS_FAILED;
    }
    if (done && result->refused > 0) {
        fprintf(
            stderr,
            "vkgrid: %d trial%s refused that Optuna asked for: vkgrid status %s says why; the study has "
            "%s as failed\n",
            result->refused, result->refused == 1 ? " was" : "s were", args->out,
            result->refused == 1 ? "it" : "them");
        status = STATUS_FAILED;
    }
    return status;
}

// Which grid and data it takes, and where it writes.
static void tell_start(const struct search_args *args)
{
    const struct grid *grid = args->grid;
    const cJSON *data = json_member(json_member(grid->json, "static"), "data_cache_path");
    char *database = study_path(args->out, STUDY_DATABASE);
    const bool goes_on = file_exists(database) && !option_set(&args->options, OPTION_OVERWRITE);
    fprintf(stderr, "grid: %s", grid->where);
    if (args->cells)
        fprintf(stderr, ", %d of %d cells", args->cell_count, grid->cell_count);
    fprintf(stderr, "; data: %s\nresults: %s%s\n",
            cJSON_IsString(data) ? data->valuestring : "as the grid says", args->out,
            goes_on ? ", which goes on" : "");
    tell_folds(grid);
    free(database);
}

static struct study_options study_of(const struct search_args *args)
{
    const struct options *options = &args->options;
    struct study_options study = {
        .out = args->out,
        .pack = (int)options->numbers[OPTION_PACK],
        .log_steps = option_set(options, OPTION_LOG_STEPS),
        .overwrite = option_set(options, OPTION_OVERWRITE),
        .quiet = option_set(options, OPTION_QUIET),
        .always = strcmp(options->values[OPTION_CHECKPOINT], "always") == 0,
        .retry_failed = option_set(options, OPTION_RETRY_FAILED),
        .unprune = option_set(options, OPTION_UNPRUNE),
        .data_told = args->data_told,
        .cells = option_set(options, OPTION_CELLS) ? args->cells : NULL,
        .cell_count = args->cell_count,
        .shard = args->shard,
        .shards = args->shards,
        .matrix = options->values[OPTION_MATRIX],
        .from = options->values[OPTION_FROM],
    };
    keep_parse(options->values[OPTION_KEEP], &study.keep);
    prune_parse(options->values[OPTION_PRUNE], &study.prune);
    if (option_set(options, OPTION_RANK_BY))
        rank_by_parse(options->values[OPTION_RANK_BY], &study.rank_by);
    return study;
}

static int run_study(struct search_args *args)
{
    const struct options *options = &args->options;
    struct study_options study = study_of(args);
    struct study_result result;
    int *devices;
    if (study.keep == KEEP_NONE && strcmp(options->values[OPTION_FORMAT], "pt") == 0) {
        error_set("--format pt: with --keep none there are no weights to write");
        return command_failed();
    }
    if (!pick_devices(options, study.quiet, &devices, &study.device_count) ||
        (args->bundled && !option_set(options, OPTION_DATA) && !write_sample(args))) {
        free(devices);
        return command_failed();
    }
    if (!study.quiet)
        tell_start(args);
    cJSON *invocation = options_invocation(COMMAND_SEARCH, options);
    study.invocation = invocation;
    study.devices = devices;
    study.report = write_live_report;
    study.report_context = args;
    bool done = study_run(args->grid, &study, &result);
    if (done && strcmp(options->values[OPTION_FORMAT], "pt") == 0)
        done = write_models(args, &result);
    if (done)
        write_report(args, devices[0]);
    cJSON_Delete(invocation);
    free(devices);
    const int status = print_end(args, &result, done);
    study_result_free(&result);
    return status;
}

// The numbers of the cells, which may be others in a study that is there, where they are asked for.
static bool look(const struct search_args *args, struct grown *grown)
{
    const struct study_options study = study_of(args);
    return (!option_set(&args->options, OPTION_DRY_RUN) &&
            !option_set(&args->options, OPTION_CELLS)) ||
           study_look(args->grid, &study, grown);
}

int command_search(int argc, char **argv)
{
    struct search_args args = {0};
    int status;
    if (!options_parse(COMMAND_SEARCH, argc, argv, &args.options, &status))
        return status;
    struct grown grown = {0};
    if (!search_args_read(&args) || !look(&args, &grown) || !search_args_select(&args))
        status = command_failed();
    else if (option_set(&args.options, OPTION_DRY_RUN))
        status = dry_run(&args, &grown) ? 0 : command_failed();
    else
        status = run_study(&args);
    grown_free(&grown);
    search_args_free(&args);
    return status;
}
