// SPDX-License-Identifier: MIT
#include "vkgrid/study/trials.h"

#include "vkgrid/grid/axis.h"
#include "vkgrid/study/folder.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// What changes the numbers or the files of a study, the grid aside.
static cJSON *binding_settings(const struct search *search)
{
    cJSON *settings = cJSON_CreateObject();
    cJSON_AddStringToObject(settings, "sampler", sampler_name(search->grid->sampler));
    cJSON_AddBoolToObject(settings, "log_steps", search->options->log_steps);
    cJSON_AddStringToObject(settings, "prune", prune_name(search->options->prune));
    cJSON_AddStringToObject(settings, "matrix",
                            search->options->matrix ? search->options->matrix : "auto");
    return settings;
}

static cJSON *all_settings(const struct search *search)
{
    const struct study_options *options = search->options;
    cJSON *settings = binding_settings(search);
    if (search->grid->sampler == SAMPLER_RANDOM)
        cJSON_AddNumberToObject(settings, "trials", search->grid->cell_count);
    cJSON_AddStringToObject(settings, "keep", keep_name(options->keep));
    if (options->shards > 0) {
        const int shard[] = {options->shard, options->shards};
        cJSON_AddItemToObject(settings, "shard", cJSON_CreateIntArray(shard, 2));
    }
    if (options->record)
        cJSON_AddItemToObject(settings, "command", cJSON_Duplicate(options->record, true));
    return settings;
}

bool contents_check(const struct search *search)
{
    static const char advice[] = "another folder (-o) or --overwrite is needed";
    static const char *const parts[] = {"static", "hyper"};
    cJSON *version = NULL, *grid = NULL, *settings = NULL, *mine = binding_settings(search),
          *theirs = cJSON_CreateObject();
    const cJSON *item;
    struct text list = {0};
    bool same = false;
    CHECK(store_get(search->store, "version", &version));
    CHECK(store_get(search->store, "grid", &grid));
    CHECK(store_get(search->store, "settings", &settings));
    if (!cJSON_IsString(version) || strcmp(version->valuestring, VKGRID_VERSION) != 0)
        text_add(&list, "; vkgrid " VKGRID_VERSION " instead of %s",
                 cJSON_IsString(version) ? version->valuestring : "?");
    for (int i = 0; i < 2; i++) {
        char *prefix = text_format("%s.", parts[i]);
        folder_differences(&list, prefix, json_member(search->grid->json, parts[i]),
                           json_member(grid, parts[i]));
        free(prefix);
    }
    cJSON_ArrayForEach(item, mine)
    {
        const cJSON *other = json_member(settings, item->string);
        if (other)
            cJSON_AddItemToObject(theirs, item->string, cJSON_Duplicate(other, true));
    }
    folder_differences(&list, "", mine, theirs);
    same = !list.bytes || error_set("%s: holds another study: %s: %s", search->options->out,
                                    list.bytes + 2, advice);
error:
    free(list.bytes);
    cJSON_Delete(version);
    cJSON_Delete(grid);
    cJSON_Delete(settings);
    cJSON_Delete(mine);
    cJSON_Delete(theirs);
    return same;
}

static double number(const cJSON *attributes, const char *key, double missing)
{
    const cJSON *value = json_member(attributes, key);
    return cJSON_IsNumber(value) ? value->valuedouble : missing;
}

static bool read_trial(void *context, const struct store_trial *trial)
{
    struct search *search = context;
    struct cell cell;
    cJSON *attributes = NULL, *values = NULL;
    CHECK(json_parse(trial->attributes, strlen(trial->attributes), "study.db", &attributes));
    if (search->grid->sampler == SAMPLER_OPTUNA) {
        CHECK(json_parse(trial->options, strlen(trial->options), "study.db", &values));
        CHECK(grid_add_cell(search->grid, values));
        search->scores =
            mem_grow(search->scores, (size_t)search->grid->cell_count, sizeof(*search->scores));
        search->scores[search->grid->cell_count - 1] = (struct score){.run = -1};
    }
    search->known = trial->cell + 1;
    if (trial->cell < 0 || trial->cell >= search->grid->cell_count)
        FAIL("%s: has %d cells and more, the grid has %d: more --trials are needed",
             search->options->out, trial->cell + 1, search->grid->cell_count);
    struct score *score = &search->scores[trial->cell];
    *score = (struct score){
        .cell = trial->cell,
        .state = trial->state,
        .failed = (int)number(attributes, "failed_runs", 0),
        .dice = trial->value,
        .loss = number(attributes, "loss", INFINITY),
        .run = (int)number(attributes, "run", -1),
        .round = (int)number(attributes, "round", 0),
        .epoch = (int)number(attributes, "epoch", 0),
    };
    if ((score->state == TRIAL_FAIL && search->options->retry_failed) ||
        (score->state == TRIAL_PRUNED && search->options->unprune))
        score->again = true;
    if (score_finished(score)) {
        CHECK(grid_cell(search->grid, trial->cell, &cell));
        search_score(search, &cell, score);
        cell_free(&cell);
    }
    cJSON_Delete(attributes);
    cJSON_Delete(values);
    return true;
error:
    cJSON_Delete(attributes);
    cJSON_Delete(values);
    return false;
}

// The model of a cell: "<inputs>_<prediction>". The caller frees it.
static char *model_of(const struct grid *grid, const cJSON *values)
{
    static const char *const parts[] = {"inputs", "prediction"};
    const char *texts[2];
    for (int i = 0; i < 2; i++) {
        const cJSON *value = json_member(values, parts[i]);
        if (!value)
            value = json_member(json_member(grid->json, "static"), parts[i]);
        texts[i] = cJSON_IsString(value) ? value->valuestring : "?";
    }
    return text_format("%s_%s", texts[0], texts[1]);
}

static int choices(const struct grid *grid, const char *key, const cJSON **list)
{
    *list = json_member(json_member(grid->json, "hyper"), key);
    return *list ? cJSON_GetArraySize(*list) : 1;
}

// Calls `each` with every model of the grid and the values of inputs and prediction that make it.
static bool each_model(const struct grid *grid,
                       bool (*each)(void *context, const char *model, const cJSON *values),
                       void *context)
{
    const cJSON *inputs, *predictions;
    const int input_count = choices(grid, "inputs", &inputs),
              prediction_count = choices(grid, "prediction", &predictions);
    bool good = true;
    for (int i = 0; good && i < input_count * prediction_count; i++) {
        cJSON *values = cJSON_CreateObject();
        if (inputs)
            cJSON_AddItemToObject(
                values, "inputs",
                cJSON_Duplicate(cJSON_GetArrayItem(inputs, i % input_count), true));
        if (predictions)
            cJSON_AddItemToObject(
                values, "prediction",
                cJSON_Duplicate(cJSON_GetArrayItem(predictions, i / input_count), true));
        char *model = model_of(grid, values);
        good = each(context, model, values);
        free(model);
        cJSON_Delete(values);
    }
    return good;
}

struct wanted_model {
    const char *name;
    cJSON *values;
};

static bool match_model(void *context, const char *model, const cJSON *values)
{
    struct wanted_model *wanted = context;
    if (!wanted->values && strcmp(model, wanted->name) == 0)
        wanted->values = cJSON_Duplicate(values, true);
    return true;
}

// A trial that Optuna has put in the queue becomes a cell, or is refused.
static bool read_request(void *context, const struct store_request *request)
{
    struct search *search = context;
    struct answer answer = {.trial = request->id, .cell = -1};
    struct wanted_model wanted = {.name = request->model};
    cJSON *given = NULL;
    const cJSON *item;
    if (!each_model(search->grid, match_model, &wanted))
        return false;
    bool taken = wanted.values || error_set("%s: no model of the grid", request->model);
    taken = taken && (*request->values || error_set("it has no fixed_params")) &&
            json_parse(request->values, strlen(request->values), "fixed_params", &given) &&
            json_expect_object(given, "fixed_params");
    for (item = taken ? given->child : NULL; item; item = item->next)
        if (!json_member(wanted.values, item->string))
            cJSON_AddItemToObject(wanted.values, item->string, cJSON_Duplicate(item, true));
    if (taken && grid_add_cell(search->grid, wanted.values)) {
        answer.cell = search->grid->cell_count - 1;
        search->scores =
            mem_grow(search->scores, (size_t)search->grid->cell_count, sizeof(*search->scores));
        search->scores[answer.cell] = (struct score){.cell = answer.cell, .run = -1};
    } else {
        answer.why = text_copy(error_text());
    }
    search->answers = mem_grow(search->answers, (size_t)search->answer_count + 1, sizeof(answer));
    search->answers[search->answer_count++] = answer;
    cJSON_Delete(given);
    cJSON_Delete(wanted.values);
    return true;
}

bool contents_read(struct search *search)
{
    return store_trials(search->store, read_trial, search) &&
           (search->grid->sampler != SAMPLER_OPTUNA ||
            store_requests(search->store, read_request, search));
}

// Inputs and prediction name the model; the other axes are the trial's parameters.
static int list_params(const struct grid *grid, const cJSON *values, struct store_param *params)
{
    int count = 0;
    for (int i = 0; i < grid->axis_count; i++) {
        const struct axis *axis = &grid->axes[i];
        if (strcmp(axis->key, "inputs") == 0 || strcmp(axis->key, "prediction") == 0)
            continue;
        params[count++] = (struct store_param){
            .name = axis->key,
            .distribution = axis_distribution(axis),
            .value = axis_value(axis, json_member(values, axis->key)),
        };
    }
    return count;
}

// trial: that which Optuna made for the cell, or -1 for a new one.
static bool write_trial(struct search *search, int cell, int64_t trial)
{
    cJSON *values = grid_values(search->grid, cell);
    struct store_param *params = mem_zalloc((size_t)search->grid->axis_count + 1, sizeof(*params));
    char *model = model_of(search->grid, values);
    const int count = list_params(search->grid, values, params);
    int64_t id;
    bool written;
    cJSON_DeleteItemFromObjectCaseSensitive(values, "inputs"); // not in Optuna's sense
    cJSON_DeleteItemFromObjectCaseSensitive(values, "prediction");
    cJSON *whole = grid_values(search->grid, cell);
    if (trial < 0)
        written = store_model(search->store, model, &id) &&
                  store_add_trial(search->store, id, cell, whole, values, params, count);
    else
        written = store_adopt(search->store, trial, cell, whole, params, count);
    for (int i = 0; i < count; i++)
        free((char *)params[i].distribution);
    free(params);
    free(model);
    cJSON_Delete(values);
    cJSON_Delete(whole);
    return written;
}

static bool write_model(void *context, const char *model, const cJSON *values)
{
    const struct search *search = context;
    int64_t id;
    (void)values;
    return store_model(search->store, model, &id);
}

static bool write_study(struct search *search)
{
    cJSON *version = cJSON_CreateString(VKGRID_VERSION), *settings = all_settings(search);
    const bool written = store_put(search->store, "version", version) &&
                         store_put(search->store, "grid", search->grid->json) &&
                         store_put(search->store, "settings", settings);
    cJSON_Delete(version);
    cJSON_Delete(settings);
    return written && each_model(search->grid, write_model, search);
}

static bool write_answers(struct search *search)
{
    for (int i = 0; i < search->answer_count; i++) {
        const struct answer *answer = &search->answers[i];
        if (!(answer->why ? store_refuse(search->store, answer->trial, answer->why)
                          : write_trial(search, answer->cell, answer->trial)))
            return false;
        if (answer->why)
            progress_say(&search->progress, "trial %lld of Optuna's is refused: %s",
                         (long long)answer->trial, answer->why);
    }
    return true;
}

static bool write_cells(struct search *search)
{
    for (int i = 0; i < search->grid->cell_count; i++) {
        const bool fresh = search->grid->sampler != SAMPLER_OPTUNA && i >= search->known;
        const bool retried = search->scores[i].again && search->scores[i].state == TRIAL_FAIL;
        if ((fresh && !write_trial(search, i, -1)) ||
            (retried && (!store_clear_cell(search->store, i) || !write_trial(search, i, -1))))
            return false;
    }
    return true;
}

bool contents_write(struct search *search)
{
    return write_study(search) && write_answers(search) && write_cells(search);
}
