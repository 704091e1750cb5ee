// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/proposal.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALIDATION 0.2 // share of the subjects, unless it is said

// {key: value} of --set; what init itself decides is asked for otherwise.
static bool read_settings(const struct options *options, cJSON **settings)
{
    static const char *const own[][2] = {{"image_size", "--size"},
                                         {"partition", "--validation and --test"},
                                         {"folds", "--folds"},
                                         {"seed", "--seed"}};
    const char *pairs[OPTION_REPEATS];
    const int count = option_list(options, OPTION_SET, pairs);
    *settings = cJSON_CreateObject();
    for (int i = 0; i < count; i++) {
        const char *equals = strchr(pairs[i], '=');
        char *key = text_format("%.*s", (int)(equals - pairs[i]), pairs[i]),
             *where = text_format("--set %s", key);
        cJSON *value = NULL;
        bool good = true;
        for (size_t k = 0; good && k < sizeof(own) / sizeof(*own); k++)
            good = strcmp(key, own[k][0]) != 0 || error_set("%s: %s says that", where, own[k][1]);
        good = good && option_value(equals + 1, where, &value);
        if (good)
            put_option(*settings, key, value);
        free(where);
        free(key);
        if (!good)
            return false;
    }
    return true;
}

static bool propose(const struct options *options, const char *data, const cJSON *settings,
                    cJSON **grid, char **told)
{
    const struct proposal_request request = {
        .data = data,
        .labels = options->values[OPTION_LABELS],
        .classes = options->values[OPTION_CLASSES],
        .validation = option_set(options, OPTION_VALIDATION) ? options->numbers[OPTION_VALIDATION]
                                                             : VALIDATION,
        .test = option_set(options, OPTION_TEST) ? options->numbers[OPTION_TEST] : 0,
        .folds = option_set(options, OPTION_FOLDS) ? (int)options->numbers[OPTION_FOLDS] : 0,
        .settings = settings,
        .rows = options->rows,
        .cols = options->cols,
        .seed = option_set(options, OPTION_SEED) ? (uint64_t)options->numbers[OPTION_SEED] : 0,
    };
    struct survey survey;
    if (!survey_open(data, &survey))
        return false;
    const bool proposed = grid_propose(&request, &survey, grid, told);
    survey_close(&survey);
    return proposed;
}

static void print_next(const char *path, const char *data)
{
    char *grid = shell_word(path), *folder = shell_word(data);
    printf("%s: written\nnext: vkgrid search %s -d %s -o study\n", path, grid, folder);
    free(grid);
    free(folder);
}

static bool init(const struct options *options, const char *path)
{
    const char *given = options->values[OPTION_DATA];
    char *data, *told = NULL;
    cJSON *grid = NULL, *settings = NULL;
    if (file_exists(path) && !option_set(options, OPTION_OVERWRITE))
        return error_set("%s: is there already: another name (-o FILE) or --overwrite is needed",
                         path);
    if (option_set(options, OPTION_FOLDS) && option_set(options, OPTION_VALIDATION))
        return error_set(
            "--validation: with --folds each subject validates once, so that it is "
            "not allowed");
    data = without_slashes(given);
    const bool written = read_settings(options, &settings) &&
                         propose(options, data, settings, &grid, &told) && json_write(path, grid);
    if (written && !option_set(options, OPTION_QUIET))
        fputs(told, stderr);
    if (written)
        print_next(path, data);
    cJSON_Delete(settings);
    cJSON_Delete(grid);
    free(told);
    free(data);
    return written;
}

int command_init(int argc, char **argv)
{
    struct options options;
    int status;
    if (!options_parse(COMMAND_INIT, argc, argv, &options, &status))
        return status;
    if (!option_set(&options, OPTION_DATA))
        return command_misused("init", "-d DIR: is missing");
    const char *path = options.values[OPTION_OUT];
    return init(&options, path ? path : "grid.json") ? 0 : command_failed();
}
