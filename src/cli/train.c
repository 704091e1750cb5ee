// SPDX-License-Identifier: MIT
#include "cli/commands.h"
#include "cli/train_args.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/run/run.h"
#include "vkgrid/store/queries.h"
#include "vkgrid/study/labels.h"
#include "vkgrid/study/model_folder.h"
#include "vkgrid/study/score.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- What it came to ----------------------------------------------------------------------------

// {"kept", "labels": as record_describe_kept() has them, "weights": path, "fold_weights": [name
// of each fold's file in the folder...],
// "runs": [{"run", "dice_loss", "loss", "round", "seconds"} or {"run", "failure"}], "best": run}.
struct scores {
    cJSON *json, *runs;
    double dice; // of the best
};

static bool read_run(void *context, const struct view_run *row)
{
    struct scores *scores = context;
    cJSON *run = cJSON_CreateObject();
    cJSON_AddNumberToObject(run, "run", row->run);
    if (row->state && strcmp(row->state, trial_state_name(TRIAL_COMPLETE)) == 0) {
        score_add_dice_loss(run, row->dice);
        cJSON_AddItemToObject(run, "loss", view_number_json(row->loss));
        cJSON_AddItemToObject(run, "round", view_number_json(row->best_round));
        cJSON_AddItemToObject(run, "seconds", view_number_json(row->seconds));
        if (row->dice < scores->dice) {
            scores->dice = row->dice;
            put_option(scores->json, "best", cJSON_CreateNumber(row->run));
        }
    } else {
        cJSON_AddItemToObject(run, "failure", view_text_json(row->failure));
    }
    cJSON_AddItemToArray(scores->runs, run);
    return true;
}

static bool read_attribute(void *context, const struct view_attribute *row)
{
    static const char *const keys[] = {"weights", "fold_weights", "kept", "labels"};
    struct scores *scores = context;
    for (size_t i = 0; row->key && i < sizeof(keys) / sizeof(*keys); i++) {
        if (strcmp(row->key, keys[i]) != 0)
            continue;
        cJSON *value = json_text_parse(&row->json, keys[i]);
        if (!value)
            return false;
        put_option(scores->json, keys[i], value);
    }
    return true;
}

// Of the one cell in the study. The caller deletes it.
static bool read_scores(const char *out, cJSON **json)
{
    struct store_view *view;
    struct scores scores = {.json = cJSON_CreateObject(), .dice = INFINITY};
    cJSON_AddStringToObject(scores.json, "out", out);
    scores.runs = cJSON_AddArrayToObject(scores.json, "runs");
    *json = scores.json;
    if (!store_view_open(out, &view))
        return false;
    const bool read =
        view_runs(view, read_run, &scores) && view_attributes(view, read_attribute, &scores);
    store_view_close(&view);
    return read;
}

static void print_scores(const char *out, const cJSON *json, bool earlier)
{
    const cJSON *runs = json_member(json, "runs"), *best = json_member(json, "best"), *run,
                *list = json_member(json, "fold_weights"), *path;
    const int folds = cJSON_GetArraySize(list);
    int fold = 0;
    const char *weights = cJSON_GetStringValue(json_member(json, "weights"));
    if (earlier)
        printf("%s: this training is finished\n", out);
    cJSON_ArrayForEach(run, runs)
    {
        const int number = json_member(run, "run")->valueint;
        printf("run %d of %d", number + 1, cJSON_GetArraySize(runs));
        if (folds > 0)
            printf(", fold %d of %d", number % folds + 1, folds);
        printf(": ");
        if (json_member(run, "dice_loss"))
            printf("validation dice loss %.4f, loss %.4f, in round %d%s\n",
                   cJSON_GetNumberValue(json_member(run, "dice_loss")),
                   cJSON_GetNumberValue(json_member(run, "loss")),
                   (int)cJSON_GetNumberValue(json_member(run, "round")) + 1,
                   best && best->valueint == number ? ", the best" : "");
        else
            printf("failed: %s\n", cJSON_GetStringValue(json_member(run, "failure")));
    }
    char *labels = labels_text(json_member(json, "labels"));
    if (weights && folds == 0)
        printf("weights of the best: %s/%s\n", out, weights);
    cJSON_ArrayForEach(path, list)
    {
        fold++;
        if (cJSON_IsString(path))
            printf("weights of fold %d: %s/%s\n", fold, out, path->valuestring);
    }
    if (labels)
        printf("their %s\n", labels);
    free(labels);
}

static int print_end(const struct train_args *args, const struct study_result *result)
{
    cJSON *json;
    const bool read = read_scores(args->out, &json);
    if (!read) {
        cJSON_Delete(json);
        return command_failed();
    }
    if (option_set(&args->options, OPTION_JSON)) {
        cJSON_AddNumberToObject(json, "failed_runs", result->failed_runs);
        command_print_json(json);
    } else {
        print_scores(args->out, json, result->earlier > 0);
        cJSON_Delete(json);
    }
    if (result->failed_runs == 0)
        return 0;
    fprintf(stderr, "vkgrid: %d run%s failed: %s/training.log says why%s\n", result->failed_runs,
            result->failed_runs == 1 ? "" : "s", args->out,
            result->failed > 0 ? "; --retry-failed tries again" : "");
    return STATUS_FAILED;
}

// --- Doing it -----------------------------------------------------------------------------------

static int train(struct train_args *args)
{
    const struct options *options = &args->options;
    int device;
    struct study_options study = {
        .out = args->out,
        .devices = &device,
        .device_count = 1,
        .pack = (int)options->numbers[OPTION_PACK],
        .keep = KEEP_ALL,
        .log_steps = option_set(options, OPTION_LOG_STEPS),
        .overwrite = option_set(options, OPTION_OVERWRITE),
        .quiet = option_set(options, OPTION_QUIET),
        .always = strcmp(options->values[OPTION_CHECKPOINT], "always") == 0,
        .retry_failed = option_set(options, OPTION_RETRY_FAILED),
        .matrix = options->values[OPTION_MATRIX],
    };
    struct study_result result;
    if (!pick_device(options, study.quiet, &device))
        return command_failed();
    cJSON *invocation = options_invocation(COMMAND_TRAIN, options);
    study.invocation = invocation;
    const bool done = study_run(args->grid, &study, &result) &&
                      (strcmp(options->values[OPTION_FORMAT], "pt") != 0 ||
                       model_folder_write(args->out, args->out));
    int status = STATUS_INTERRUPTED;
    if (done)
        status = print_end(args, &result);
    else if (interrupt_requested())
        fprintf(stderr, "vkgrid: interrupted: the same command goes on from here\n");
    else
        status = command_failed();
    cJSON_Delete(invocation);
    study_result_free(&result);
    return status;
}

int command_train(int argc, char **argv)
{
    struct train_args args = {0};
    int status;
    if (!options_parse(COMMAND_TRAIN, argc, argv, &args.options, &status))
        return status;
    status = train_args_read(&args) ? train(&args) : command_failed();
    train_args_free(&args);
    return status;
}
