// SPDX-License-Identifier: MIT
#include "cli/held_study.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/run/shard.h"
#include "vkgrid/study/moved_data.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/study/weight_files.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool held_open(struct held_study *held, const char *out)
{
    if (held->store)
        return true;
    held->where = study_path(out, STUDY_DATABASE);
    const bool opened =
        store_open(held->where, &held->store) && identity_read(held->store, &held->identity);
    if (!opened)
        held_close(held);
    return opened;
}

void held_close(struct held_study *held)
{
    store_close(&held->store);
    identity_free(&held->identity);
    free(held->where);
    free(held->pretrained);
    free(held->trials);
    *held = (struct held_study){0};
}

static const char *data_before(const struct held_study *held)
{
    return cJSON_GetStringValue(
        json_member(json_member(held->identity.grid, "static"), "data_cache_path"));
}

bool held_is_sample(const struct held_study *held, const char *out)
{
    const char *data = data_before(held);
    char *sample = text_format("%s-sample", out);
    const bool is = data && strcmp(data, sample) == 0;
    free(sample);
    return is;
}

bool held_has_data(const struct held_study *held)
{
    const char *data = data_before(held);
    return data && folder_exists(data);
}

// --- Options ------------------------------------------------------------------------------------

static bool fill(const struct held_study *held, struct options *options, enum option_id id,
                 const cJSON *value)
{
    return !cJSON_IsString(value) || option_fill(options, id, value->valuestring, held->where);
}

static bool fill_sampler(const struct held_study *held, struct options *options)
{
    const cJSON *name = json_member(held->identity.settings, "sampler");
    enum sampler sampler = SAMPLER_GRID;
    if (cJSON_IsString(name) && !sampler_parse(name->valuestring, &sampler))
        return error_set("%s: its sampler is \"%.40s\"", held->where, name->valuestring);
    if (sampler == SAMPLER_CELL)
        return error_set("%s: is of one training: vkgrid train goes on with it", held->where);
    if (sampler == SAMPLER_OPTUNA)
        return option_given(options, OPTION_SAMPLER) ||
               option_fill(options, OPTION_FROM_OPTUNA, "", held->where);
    return option_given(options, OPTION_FROM_OPTUNA) || fill(held, options, OPTION_SAMPLER, name);
}

static bool fill_trials(struct held_study *held, struct options *options)
{
    const cJSON *trials = json_member(held->identity.settings, "trials");
    if (!cJSON_IsNumber(trials))
        return true;
    held->trials = text_format("%d", trials->valueint);
    return option_fill(options, OPTION_TRIALS, held->trials, held->where);
}

static bool is_all(const cJSON *cells)
{
    return cJSON_IsString(cells) && strcmp(cells->valuestring, ":") == 0;
}

bool held_fill_options(struct held_study *held, struct options *options)
{
    const cJSON *settings = held->identity.settings, *command = json_member(settings, "command"),
                *cells = json_member(command, "cells");
    const struct {
        enum option_id id;
        const cJSON *value;
    } texts[] = {
        {OPTION_PRUNE, json_member(settings, "prune")},
        {OPTION_MATRIX, json_member(settings, "matrix")},
        {OPTION_KEEP, json_member(settings, "keep")},
        {OPTION_FORMAT, json_member(command, "format")},
        {OPTION_CELLS, is_all(cells) ? NULL : cells},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (!fill(held, options, texts[i].id, texts[i].value))
            return false;
    held->pretrained = weight_files_pretrained(settings);
    return fill_sampler(held, options) && fill_trials(held, options) &&
           (!cJSON_IsTrue(json_member(settings, "log_steps")) ||
            option_fill(options, OPTION_LOG_STEPS, "", held->where)) &&
           (!held->pretrained ||
            option_fill(options, OPTION_PRETRAINED, held->pretrained, held->where));
}

bool held_shard(const struct held_study *held, int *shard, int *shards)
{
    const cJSON *list = json_member(held->identity.settings, "shard"),
                *part = cJSON_GetArrayItem(list, 0), *parts = cJSON_GetArrayItem(list, 1);
    *shards = 0;
    if (!list)
        return true;
    if (!cJSON_IsNumber(part) || !cJSON_IsNumber(parts) || part->valueint < 0 ||
        part->valueint >= parts->valueint || parts->valueint > SHARDS)
        return error_set("%s: its part of the search is none: [K, N] with 0 <= K < N is allowed",
                         held->where);
    *shard = part->valueint;
    *shards = parts->valueint;
    return true;
}

// --- Data ---------------------------------------------------------------------------------------

static bool take_data(struct grid *grid, const char *before, const char *now)
{
    if (before)
        fprintf(stderr, "data: %s: no such folder: those of the study are in %s\n", before, now);
    return grid_set_data(grid, now);
}

// Beside the study.
static bool look_beside(const struct held_study *held, const char *out, struct grid *grid,
                        const char *before)
{
    struct moved_data moved;
    bool good = moved_data_find(out, grid, held->store, &moved);
    if (good && moved.found) {
        fprintf(stderr, "data: %s: no such folder: found again by their fingerprint %s: %s\n",
                before, moved.fingerprint, moved.found);
        good = grid_set_data(grid, moved.found);
    } else if (good && moved.fingerprint[0]) {
        fprintf(stderr,
                "data: %s: no such folder; of those in %s %d have its files and none the study's "
                "fingerprint %s: -d DIR names where the data are now\n",
                before, moved.beside, moved.tried, moved.fingerprint);
    }
    moved_data_free(&moved);
    return good;
}

bool held_find_data(struct held_study *held, const char *out, struct grid *grid, bool *told)
{
    const char *given = grid_data(grid);
    if ((given && folder_exists(given)) ||
        json_member(json_member(grid->json, "hyper"), "data_cache_path"))
        return true;
    if (!held_open(held, out))
        return false;
    const char *const known[] = {
        data_before(held),
        cJSON_GetStringValue(json_member(held->identity.settings, "data")),
    };
    char *before = given ? text_copy(given) : NULL; // it may be taken from the grid
    bool good = true, found = false;
    for (int i = 0; i < 2 && !found; i++) {
        found = known[i] && folder_exists(known[i]);
        if (found)
            good = take_data(grid, before, known[i]);
    }
    if (!found && (before || known[0]))
        good = look_beside(held, out, grid, before ? before : known[0]);
    *told = before || !found;
    free(before);
    return good;
}
