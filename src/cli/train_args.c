// SPDX-License-Identifier: MIT
#include "cli/train_args.h"

#include "cli/commands.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/plan_json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

// --- The files ----------------------------------------------------------------------------------

// The options and, where the file has one, the plan: of a file of options, or of one set of a
// hyperparameters file.
static bool pick_set(const cJSON *file, const char *path, int rank, const cJSON **options,
                     const cJSON **plan)
{
    *options = file;
    *plan = NULL;
    if (json_member(file, "static") || json_member(file, "hyper"))
        return error_set(
            "%s: is a grid: vkgrid search trains it; train takes the options of one "
            "cell",
            path);
    if (!cJSON_IsArray(file))
        return json_expect_object(file, path);
    const int sets = cJSON_GetArraySize(file);
    const cJSON *set = cJSON_GetArrayItem(file, rank - 1);
    if (sets == 0)
        return error_set(
            "%s: is an empty list: options, or a file of search's "
            "hyperparameters, is allowed",
            path);
    if (!set)
        return error_set("%s: has no set %d: --rank 1 to %d is allowed", path, rank, sets);
    *options = json_member(set, "options");
    *plan = json_member(set, "plan");
    if (!cJSON_IsObject(*options))
        return error_set(
            "%s: [%d].options: is missing: a file of options, or one of a study's "
            "hyperparameters, is allowed; a plan comes after it",
            path, rank - 1);
    return true;
}

// plan: of the set, or NULL.
static bool read_options(const char *path, int rank, cJSON **json, cJSON **plan)
{
    const cJSON *options, *rounds;
    cJSON *file;
    if (!json_read(path, &file))
        return false;
    const bool picked = pick_set(file, path, rank, &options, &rounds);
    if (picked) {
        *json = cJSON_Duplicate(options, true);
        *plan = rounds ? cJSON_Duplicate(rounds, true) : NULL;
    }
    cJSON_Delete(file);
    return picked;
}

// What its rounds leave out is known only with the options.
static bool read_plan(const char *path, cJSON **plan)
{
    const struct round unknown = {0};
    struct plan ignored;
    cJSON_Delete(*plan);
    *plan = NULL;
    return json_read(path, plan) && plan_from_json(*plan, path, &unknown, &ignored);
}

// --- What the command line says over them -------------------------------------------------------

// Takes the value; NULL or null: none.
static void put(cJSON *json, const char *key, cJSON *value)
{
    static const char *const data[] = {"data_cache_path", "dataset_cache_path"};
    if (strcmp(key, data[0]) == 0 || strcmp(key, data[1]) == 0) // the same
        for (int i = 0; i < 2; i++)
            cJSON_DeleteItemFromObjectCaseSensitive(json, data[i]);
    if (value && !cJSON_IsNull(value)) {
        put_option(json, key, value);
        return;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(json, key);
    cJSON_Delete(value);
}

// A file that the options name is found from anywhere.
static bool put_file(cJSON *json, const char *key, const char *file)
{
    char *path = realpath(file, NULL);
    if (!path)
        return error_set("%s: no such weights file", file);
    put(json, key, cJSON_CreateString(path));
    free(path);
    return true;
}

// The same of --pretrained: a file, or one for each base model.
static bool put_pretrained(cJSON *json, const char *text)
{
    cJSON *value, *file;
    if (!pretrained_parse(text, &value))
        return false;
    if (cJSON_IsString(value)) {
        cJSON_Delete(value);
        return put_file(json, "pretrained", text);
    }
    cJSON_ArrayForEach(file, value)
    {
        char *path = realpath(file->valuestring, NULL);
        if (path)
            cJSON_SetValuestring(file, path);
        free(path);
    }
    put(json, "pretrained", value);
    return true;
}

// A round's own number would stand over the one that is set.
static bool check_rounds(const cJSON *json, const char *key)
{
    const cJSON *round;
    cJSON_ArrayForEach(round, json_member(json, "plan"))
    {
        if (json_member(round, key))
            return error_set(
                "--set %s: the rounds of the plan have their own: another plan, or "
                "--set plan=null for the usual three rounds, is needed",
                key);
    }
    return true;
}

static bool set_pair(cJSON *json, const char *pair)
{
    const char *equals = strchr(pair, '=');
    char *key = text_format("%.*s", (int)(equals - pair), pair),
         *where = text_format("--set %s", key);
    cJSON *value;
    const bool good = option_value(equals + 1, where, &value);
    if (good)
        put(json, key, value);
    free(where);
    free(key);
    return good;
}

static bool set_pairs(cJSON *json, const struct options *options)
{
    const char *pairs[OPTION_REPEATS];
    const int count = option_list(options, OPTION_SET, pairs);
    bool good = true;
    for (int i = 0; good && i < count; i++)
        good = set_pair(json, pairs[i]);
    for (int i = 0; good && i < count; i++) { // once all of them are known
        char *key = text_format("%.*s", (int)strcspn(pairs[i], "="), pairs[i]);
        good = check_rounds(json, key);
        free(key);
    }
    return good;
}

// With the plan in the options, but where they make the same rounds by themselves: that is the same
// training then, to the bytes of its files.
static void keep_own_plan(cJSON **json, cJSON *own)
{
    struct cell with, without;
    cJSON *other = cJSON_Duplicate(*json, true);
    put(other, "plan", own);
    if (cell_from_options(*json, "", &with)) {
        if (cell_from_options(other, "", &without)) {
            if (plan_same(&with.plan, &without.plan)) {
                cJSON *swap = *json;
                *json = other;
                other = swap;
            }
            cell_free(&without);
        }
        cell_free(&with);
    }
    cJSON_Delete(other);
}

static bool override(cJSON *json, const struct options *options)
{
    const char *const *values = options->values;
    if (!set_pairs(json, options))
        return false;
    if (values[OPTION_SEED])
        put(json, "seed", cJSON_CreateNumber(options->numbers[OPTION_SEED]));
    if (values[OPTION_PRECISION])
        put(json, "precision", cJSON_CreateString(values[OPTION_PRECISION]));
    if (values[OPTION_NO_SHUFFLE])
        put(json, "shuffle", cJSON_CreateFalse());
    put_set(json, "inputs", values[OPTION_INPUTS]);
    put_set(json, "prediction", values[OPTION_PREDICTION]);
    if (values[OPTION_DATA]) {
        char *data;
        if (!absolute_path(values[OPTION_DATA], &data))
            return false;
        put(json, "data_cache_path", cJSON_CreateString(data));
        free(data);
    }
    return (!values[OPTION_INIT] || put_file(json, "init_weights", values[OPTION_INIT])) &&
           (!values[OPTION_PRETRAINED] || put_pretrained(json, values[OPTION_PRETRAINED]));
}

// --- All of it ----------------------------------------------------------------------------------

// --out, or as the original: the folder of models, and in it that of this one.
static char *choose_out(const struct options *options, const cJSON *json)
{
    const char *folder = cJSON_GetStringValue(json_member(json, "model_cache_path")),
               *key = cJSON_GetStringValue(json_member(json, "model_key"));
    if (options->values[OPTION_OUT])
        return without_slashes(options->values[OPTION_OUT]);
    if (!folder)
        return text_copy("vkgrid-train");
    char *base = without_slashes(folder);
    if (!key)
        return base;
    char *out = text_format("%s/%s", base, key);
    free(base);
    return out;
}

bool train_args_read(struct train_args *args)
{
    const struct options *options = &args->options;
    const char *path = options->arguments[0],
               *plan = options->argument_count > 1 ? options->arguments[1] : NULL;
    bool read = false;
    char *where = plan ? text_format("%s with %s", path, plan) : text_copy(path);
    cJSON *json = NULL, *rounds = NULL, *own = NULL;
    CHECK(read_options(path, (int)options->numbers[OPTION_RANK], &json, &rounds));
    CHECK(!plan || read_plan(plan, &rounds));
    own = cJSON_DetachItemFromObjectCaseSensitive(json, "plan");
    put(json, "plan", cJSON_Duplicate(rounds ? rounds : own, true));
    CHECK(override(json, options));
    keep_own_plan(&json, cJSON_Duplicate(own, true));
    CHECK(grid_of_cell(json, where, &args->grid));
    tell_ignored(path, json);
    args->out = choose_out(options, json);
    read = true;
error:
    cJSON_Delete(json);
    cJSON_Delete(rounds);
    cJSON_Delete(own);
    free(where);
    return read;
}

void train_args_free(struct train_args *args)
{
    grid_free(&args->grid);
    free(args->out);
}
