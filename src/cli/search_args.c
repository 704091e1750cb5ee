// SPDX-License-Identifier: MIT
#include "cli/search_args.h"

#include "cli/commands.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/shard.h"
#include "vkgrid/study/paths.h"

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

// A folder in the place of the grid is most likely that of a study.
static bool check_grid_file(const char *path)
{
    char *folder = folder_exists(path) ? without_slashes(path) : file_folder(path);
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    const bool study = study_holds(folder, STUDY_DATABASE) &&
                       (folder_exists(path) || strcmp(name, STUDY_DATABASE) == 0);
    bool good = !study && !folder_exists(path);
    if (study)
        error_set("%s: is a study, no grid file: vkgrid search -o %s goes on with it", path,
                  folder);
    else if (!good)
        error_set(
            "%s: is a folder: a grid file (.json) is allowed; -d DIR names the data, -o DIR "
            "where the study goes",
            path);
    free(folder);
    return good;
}

static bool read_held_grid(struct search_args *args, const struct grid_settings *settings)
{
    char *text = json_print(args->held.identity.grid);
    const bool read = grid_parse(text, strlen(text), args->held.where, settings, &args->grid);
    free(text);
    return read;
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
    if (args->goes_on)
        return read_held_grid(args, &settings);
    if (path && !check_grid_file(path))
        return false;
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
    if (args->goes_on && args->shards == 0)
        return held_shard(&args->held, &args->shard, &args->shards);
    if (args->shards > 0 && !option_set(options, OPTION_QUIET))
        fprintf(stderr, "part %d of %d (counted from 0), as %s says\n", args->shard, args->shards,
                source);
    return true;
}

// Whether --out holds a study that is not to be written over.
static bool holds_study(const struct search_args *args, const char *out)
{
    return study_holds(out, STUDY_DATABASE) && !option_set(&args->options, OPTION_OVERWRITE);
}

// Takes grid and options of the study, and says what may be unexpected.
static bool go_on(struct search_args *args, const char *out)
{
    const struct options *options = &args->options;
    const bool cells = option_given(options, OPTION_CELLS);
    if (!held_fill_options(&args->held, &args->options))
        return false;
    if (file_exists("grid.json") && !option_set(options, OPTION_QUIET))
        fprintf(stderr,
                "grid.json: is not read: the study's own grid is (vkgrid search grid.json -o %s "
                "takes it)\n",
                out);
    if (option_set(options, OPTION_CELLS) && !cells)
        fprintf(stderr, "cells: %s, as the search before (--cells : takes all)\n",
                options->values[OPTION_CELLS]);
    return true;
}

// The sample study takes the place of no other one.
static bool check_overwrite(struct search_args *args, const char *out)
{
    const bool other = study_holds(out, STUDY_DATABASE) && held_open(&args->held, out) &&
                       !held_is_sample(&args->held, out);
    return !other ||
           error_set(
               "%s: holds another study than the sample study: --overwrite needs the grid "
               "(GRID.json) that is to take its place",
               out);
}

// Without a grid: that of the study in --out, ./grid.json, the sample study.
static bool choose_grid(struct search_args *args)
{
    const struct options *options = &args->options;
    const bool none = options->argument_count == 0, given = option_set(options, OPTION_OUT);
    char *out = without_slashes(given ? options->values[OPTION_OUT] : "vkgrid-out");
    bool good = true;
    args->bundled = none && !file_exists("grid.json");
    if (none && given && holds_study(args, out)) {
        good = held_open(&args->held, out);
        args->goes_on = good && !(held_is_sample(&args->held, out) && !held_has_data(&args->held));
        args->bundled = args->bundled && !args->goes_on; // whose data are written again
        good = good && (!args->goes_on || go_on(args, out));
    } else if (args->bundled && option_set(options, OPTION_OVERWRITE)) {
        good = check_overwrite(args, out);
    }
    free(out);
    return good;
}

// A study that goes on without its data where the grid says they are.
static bool find_data(struct search_args *args)
{
    return args->bundled || option_set(&args->options, OPTION_DATA) ||
           !holds_study(args, args->out) ||
           held_find_data(&args->held, args->out, args->grid, &args->data_told);
}

bool search_args_read(struct search_args *args)
{
    const struct options *options = &args->options;
    const char *out = options->values[OPTION_OUT];
    if (!choose_grid(args))
        return false;
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
    if (!find_data(args) || !select_shard(args))
        return false;
    store_close(&args->held.store);
    return true;
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
    held_close(&args->held);
    free(args->out);
    free(args->data);
    free(args->cells);
}
