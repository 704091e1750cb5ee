// SPDX-License-Identifier: MIT
#include "cli/search_args.h"

#include "cli/commands.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sample_grid[] = {
#include "sample-grid.inc"
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

static bool read_grid(struct search_args *args)
{
    const struct options *options = &args->options;
    const char *path = options->argument_count ? options->arguments[0] : NULL;
    const uint64_t seed = (uint64_t)options->numbers[OPTION_SEED];
    const struct grid_settings settings = {
        .data = args->data,
        .precision = options->values[OPTION_PRECISION],
        .pretrained = options->values[OPTION_PRETRAINED],
        .seed = option_set(options, OPTION_SEED) ? &seed : NULL,
        .sampler = option_set(options, OPTION_FROM_OPTUNA)                  ? SAMPLER_OPTUNA
                   : strcmp(options->values[OPTION_SAMPLER], "random") == 0 ? SAMPLER_RANDOM
                                                                            : SAMPLER_GRID,
        .trials = (int)options->numbers[OPTION_TRIALS],
    };
    if (args->bundled)
        return grid_parse(sample_grid, sizeof(sample_grid), "sample study", &settings, &args->grid);
    return grid_read(path ? path : "grid.json", &settings, &args->grid);
}

// --shard, or what a job array says of this task.
static bool select_shard(struct search_args *args)
{
    const struct options *options = &args->options;
    const char *text = options->values[OPTION_SHARD], *source = NULL;
    if (text)
        return shard_parse(text, &args->shard, &args->shards);
    if (!shard_from_environment(&args->shard, &args->shards, &source))
        return false;
    if (args->shards > 0 && !option_set(options, OPTION_QUIET))
        fprintf(stderr, "part %d of %d (counted from 0), as %s says\n", args->shard, args->shards,
                source);
    return true;
}

bool search_args_read(struct search_args *args)
{
    const struct options *options = &args->options;
    const char *out = options->values[OPTION_OUT];
    args->bundled = options->argument_count == 0 && !file_exists("grid.json");
    if (option_set(options, OPTION_DATA)) {
        if (option_set(options, OPTION_DRY_RUN) && !folder_exists(options->values[OPTION_DATA]))
            args->data = text_copy(options->values[OPTION_DATA]);
        else if (!absolute_path(options->values[OPTION_DATA], &args->data))
            return false;
    } else if (args->bundled) {
        char *base = without_slashes(out ? out : "vkgrid-out");
        args->data = text_format("%s-sample", base);
        free(base);
    }
    if (!read_grid(args))
        return false;
    tell_ignored(args->grid->where, json_member(args->grid->json, "static"));
    if (!out)
        out = args->grid->model_cache_path ? args->grid->model_cache_path : "vkgrid-out";
    args->out = without_slashes(out);
    return select_shard(args);
}

bool search_args_select(struct search_args *args)
{
    const char *text = args->options.values[OPTION_CELLS];
    int count = 0;
    if (args->grid->sampler == SAMPLER_OPTUNA)
        return !text || error_set("--cells: with --from-optuna Optuna chooses the cells");
    if (!select_cells(text, args->grid->cell_count, &args->cells, &args->cell_count))
        return false;
    for (int i = 0; i < args->cell_count; i++)
        if (!grid_outside(args->grid, args->cells[i]))
            args->cells[count++] = args->cells[i];
    args->cell_count = count;
    return count > 0 || error_set("--cells %s: selects only cells outside the grid", text);
}

void search_args_free(struct search_args *args)
{
    grid_free(&args->grid);
    free(args->out);
    free(args->data);
    free(args->cells);
}
