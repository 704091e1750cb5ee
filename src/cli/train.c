// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/run.h"
#include "vkgrid/grid/plan_json.h"
#include "vkgrid/study/model_folder.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The options and, where the file has one, the plan: of a file of options, or of one set of a
// hyperparameters file.
static bool pick_set(const cJSON *file, const char *path, int rank, const cJSON **options,
                     const cJSON **plan)
{
    *options = file;
    *plan = NULL;
    if (!cJSON_IsArray(file))
        return true;
    const cJSON *set = cJSON_GetArrayItem(file, rank - 1);
    if (!set)
        return error_set("%s: has no set %d: --rank 1 to %d is allowed", path, rank,
                         cJSON_GetArraySize(file));
    *options = json_member(set, "options");
    *plan = json_member(set, "plan");
    return *options || error_set("%s: [%d].options: is missing", path, rank - 1);
}

// What the command line says over the file.
static bool override(cJSON *json, const struct options *options)
{
    if (option_set(options, OPTION_SEED))
        put_option(json, "seed", cJSON_CreateNumber(options->numbers[OPTION_SEED]));
    if (option_set(options, OPTION_PRECISION))
        put_option(json, "precision", cJSON_CreateString(options->values[OPTION_PRECISION]));
    if (option_set(options, OPTION_NO_SHUFFLE))
        put_option(json, "shuffle", cJSON_CreateFalse());
    if (option_set(options, OPTION_DATA)) {
        char *data;
        if (!absolute_path(options->values[OPTION_DATA], &data))
            return false;
        put_option(json, "data_cache_path", cJSON_CreateString(data));
        free(data);
    }
    return true;
}

static bool read_plan(const char *path, struct cell *cell)
{
    cJSON *json;
    if (!json_read(path, &json))
        return false;
    const bool read = plan_from_json(json, path, &cell->plan);
    cJSON_Delete(json);
    return read;
}

static bool read_cell(const struct options *options, struct cell *cell)
{
    const char *path = options->arguments[0];
    const cJSON *set, *plan;
    cJSON *file = NULL, *json = NULL;
    *cell = (struct cell){0};
    CHECK(json_read(path, &file));
    CHECK(pick_set(file, path, (int)options->numbers[OPTION_RANK], &set, &plan));
    CHECK(json_expect_object(set, path));
    json = cJSON_Duplicate(set, true);
    CHECK(override(json, options));
    CHECK(cell_from_options(json, path, cell));
    if (options->argument_count > 1)
        CHECK(read_plan(options->arguments[1], cell));
    else if (plan)
        CHECK(plan_from_json(plan, path, &cell->plan));
    cJSON_Delete(json);
    cJSON_Delete(file);
    return true;
error:
    cJSON_Delete(json);
    cJSON_Delete(file);
    cell_free(cell);
    return false;
}

static void print_json(const struct train_options *train, const struct study_result *result)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "out", train->out);
    cJSON_AddNumberToObject(json, "failed_runs", result->failed_runs);
    command_print_json(json);
}

static int report(const struct train_options *train, const struct study_result *result, bool json)
{
    if (json)
        print_json(train, result);
    else
        printf("written to %s\n", train->out);
    if (result->failed_runs == 0)
        return 0;
    fprintf(stderr, "vkgrid: %d run%s failed: %s/training.log says why\n", result->failed_runs,
            result->failed_runs == 1 ? "" : "s", train->out);
    return STATUS_FAILED;
}

int command_train(int argc, char **argv)
{
    struct options options;
    struct cell cell;
    struct study_result result;
    int status;
    if (!options_parse(COMMAND_TRAIN, argc, argv, &options, &status))
        return status;
    if (!read_cell(&options, &cell))
        return command_failed();
    struct train_options train = {
        .out = option_set(&options, OPTION_OUT) ? options.values[OPTION_OUT] : "vkgrid-train",
        .pack = (int)options.numbers[OPTION_PACK],
        .init = options.values[OPTION_INIT],
        .log_steps = option_set(&options, OPTION_LOG_STEPS),
        .overwrite = option_set(&options, OPTION_OVERWRITE),
        .quiet = option_set(&options, OPTION_QUIET),
    };
    if (!pick_device(&options, train.quiet, &train.device)) {
        cell_free(&cell);
        return command_failed();
    }
    const bool torch = strcmp(options.values[OPTION_FORMAT], "pt") == 0;
    if (study_train(&cell, &train, &result) && (!torch || model_folder_write(train.out, train.out)))
        return report(&train, &result, option_set(&options, OPTION_JSON));
    if (!interrupt_requested())
        return command_failed();
    fprintf(stderr, "vkgrid: interrupted: nothing is finished; the same command starts again\n");
    return STATUS_INTERRUPTED;
}
