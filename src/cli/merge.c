// SPDX-License-Identifier: MIT
#include "vkgrid/merge/merge.h"

#include "cli/commands.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

static void print_json(const struct merge_result *result)
{
    const struct {
        const char *name;
        int count;
    } counts[] = {
        {"folders", result->folders},     {"cells", result->cells},
        {"complete", result->complete},   {"failed", result->failed},
        {"pruned", result->pruned},       {"taken", result->taken},
        {"conflicts", result->conflicts},
    };
    cJSON *json = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
        cJSON_AddNumberToObject(json, counts[i].name, counts[i].count);
    command_print_json(json);
}

static void print_line(const struct merge_result *result, const char *out)
{
    const int finished = result->complete + result->failed + result->pruned;
    printf("%s: %d of %d cells finished", out, finished, result->cells);
    if (result->failed > 0)
        printf(", %d of them failed", result->failed);
    if (result->pruned > 0)
        printf(", %d of them pruned", result->pruned);
    printf("; %d taken from %d folder%s\n", result->taken, result->folders,
           result->folders == 1 ? "" : "s");
}

int command_merge(int argc, char **argv)
{
    struct options options;
    struct merge_result result;
    int status;
    if (!options_parse(COMMAND_MERGE, argc, argv, &options, &status))
        return status;
    if (!option_set(&options, OPTION_OUT))
        return command_misused("merge", "--out: is missing: the folder to join them in is needed");
    const struct merge_options merge = {
        .folders = options.arguments,
        .count = options.argument_count,
        .out = options.values[OPTION_OUT],
    };
    const bool merged = study_merge(&merge, &result);
    if (result.conflict)
        fprintf(stderr, "vkgrid: %s%s\n", result.conflict,
                result.conflicts > 1 ? ", and so on for others" : "");
    if (merged && option_set(&options, OPTION_JSON))
        print_json(&result);
    else if (merged && !option_set(&options, OPTION_QUIET))
        print_line(&result, merge.out);
    merge_result_free(&result);
    return merged ? 0 : command_failed();
}
