// SPDX-License-Identifier: MIT
// A cell from its options, and what follows from it.
#include "grid/cell_keys.h"

#include "grid/feature_sets.h"
#include "grid/normal_form.h"
#include "grid/raters.h"
#include "grid/round_keys.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What holds for a key that the options do not have; NULL when nothing does.
static cJSON *default_value(const cJSON *options, const struct cell_key *key)
{
    const cJSON *round = cJSON_GetArrayItem(json_member(options, "plan"), 0), *value = NULL;
    for (const char *const *name = round_keys; round && *name; name++) {
        if (strcmp(*name, key->name) == 0)
            value = json_member(round, key->name);
    }
    if (value)
        return cJSON_Duplicate(value, true);
    return key->fallback ? cJSON_Parse(key->fallback) : NULL;
}

static bool of_cell(const struct cell_key *key)
{
    return key->presence == KEY_REQUIRED || key->presence == KEY_OPTIONAL ||
           key->presence == KEY_STATIC;
}

// A copy in the order of the keys, with defaults.
static cJSON *complete(const cJSON *options)
{
    cJSON *all = cJSON_CreateObject();
    for (const struct cell_key *key = cell_keys; key->name; key++) {
        const cJSON *given = json_member(options, key->name);
        cJSON *value = given ? cJSON_Duplicate(given, true) : default_value(options, key);
        if (value && of_cell(key))
            cJSON_AddItemToObject(all, key->name, value);
        else
            cJSON_Delete(value);
    }
    return all;
}

static bool read_keys(const cJSON *options, const char *where, struct cell *cell)
{
    for (const struct cell_key *key = cell_keys; key->name; key++) {
        const cJSON *value = json_member(options, key->name);
        if (!value && key->presence != KEY_REQUIRED)
            continue;
        char *at = text_format("%s: %s", where, key->name);
        const bool read = key->read(value, at, cell);
        free(at);
        if (!read)
            return false;
    }
    if (json_member(options, "image_size"))
        cJSON_ReplaceItemInObjectCaseSensitive(
            cell->options, "image_size",
            cJSON_CreateIntArray((const int[]){cell->rows, cell->cols}, 2));
    return true;
}

// A value by itself.
static bool check_key(const struct cell_key *key, const cJSON *value, const char *where)
{
    struct cell ignored = {0};
    char *at = text_format("%s: %s", where, key->name);
    const bool good = key->read(value, at, &ignored);
    free(at);
    return good;
}

// Keys that are no part of the cell.
static bool check_others(const cJSON *options, const char *where)
{
    for (const struct cell_key *key = cell_keys; key->name; key++) {
        const cJSON *value = json_member(options, key->name);
        if (value && !of_cell(key) && !check_key(key, value, where))
            return false;
    }
    return true;
}

// Every round of a plan has its keys, or the options have them.
static bool check_rounds(const cJSON *options, const char *where)
{
    const cJSON *plan = json_member(options, "plan"), *round;
    int number = 0;
    if (plan && !check_key(cell_key_find("plan"), plan, where))
        return false;
    cJSON_ArrayForEach(round, plan)
    {
        for (const char *const *key = round_keys; *key; key++) {
            if (!json_member(round, *key) && !json_member(options, *key) &&
                !cell_key_find(*key)->fallback)
                return error_set("%s: plan[%d].%s: is missing, and the options do not have it",
                                 where, number, *key);
        }
        number++;
    }
    return true;
}

static bool unknown_set(const char *where, const char *kind, const char *name,
                        const struct named_set *built_in, const cJSON *sets)
{
    struct text allowed = {0};
    if (strcmp(kind, "inputs") == 0 && strcmp(name, "all") == 0)
        return error_set("%s: inputs: is \"all\": " ONE_SET, where);
    for (const struct named_set *set = built_in; set->name; set++)
        text_add(&allowed, "%s, ", set->name);
    for (const cJSON *set = sets ? sets->child : NULL; set; set = set->next)
        if (!named_set_find(built_in, set->string))
            text_add(&allowed, "%s, ", set->string);
    error_set("%s: %s: is \"%s\": %sor a set of features.%s is allowed", where, kind, name,
              allowed.bytes, kind);
    free(allowed.bytes);
    return false;
}

// The members of a set as a list, or NULL with a message.
static cJSON *resolve_set(const cJSON *features, const char *where, const char *kind,
                          const char *name, const struct named_set *built_in)
{
    const cJSON *sets = json_member(features, kind), *own = json_member(sets, name);
    const struct named_set *set = named_set_find(built_in, name);
    int count = 0;
    if (own)
        return cJSON_Duplicate(own, true);
    if (!set) {
        unknown_set(where, kind, name, built_in, sets);
        return NULL;
    }
    while (set->members[count])
        count++;
    return cJSON_CreateStringArray(set->members, count);
}

static void list_names(const cJSON *list, struct name_list *names)
{
    const cJSON *item;
    names->names = mem_zalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*names->names));
    names->sources = mem_zalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*names->sources));
    cJSON_ArrayForEach(item, list)
    {
        names->names[names->count] = cJSON_IsObject(list) ? item->string : item->valuestring;
        names->sources[names->count++] = item->valuestring;
    }
}

// Puts the names of the cell's own sets in the place of "features".
static bool resolve_features(struct cell *cell, const char *where)
{
    const cJSON *given = json_member(cell->options, "features");
    cJSON *inputs = resolve_set(given, where, "inputs", cell->inputs, feature_sets);
    cJSON *prediction =
        inputs ? resolve_set(given, where, "prediction", cell->prediction, label_sets) : NULL;
    if (!prediction) {
        cJSON_Delete(inputs);
        return false;
    }
    list_names(inputs, &cell->features);
    list_names(prediction, &cell->labels);
    if (!normalize_resolve(cell, json_member(given, "inputs"), where)) {
        cJSON_Delete(inputs);
        cJSON_Delete(prediction);
        return false;
    }
    cJSON *features = cJSON_CreateObject();
    cJSON_AddItemToObject(cJSON_AddObjectToObject(features, "inputs"), cell->inputs, inputs);
    cJSON_AddItemToObject(cJSON_AddObjectToObject(features, "prediction"), cell->prediction,
                          prediction);
    if (given)
        cJSON_ReplaceItemInObjectCaseSensitive(cell->options, "features", features);
    else
        cJSON_AddItemToObject(cell->options, "features", features);
    return true;
}

// A mean of training samples would be another one in each fold.
static bool check_folds(const struct cell *cell, const char *where)
{
    for (int i = 0; cell->folds > 0 && i < cell->features.count; i++)
        if (cell->normalize[i] == NORMALIZE_DATASET)
            return error_set(
                "%s: normalize: is dataset: that is of the training samples, which "
                "differ from fold to fold: beside folds none or zscore is allowed",
                where);
    return folds_check(json_member(cell->options, "partition"), cell->folds, where);
}

// Whom the files name, where the options do not say.
static void resolve_raters(struct cell *cell)
{
    if (!cJSON_IsNull(json_member(cell->options, "raters")))
        return;
    const bool built_in = named_set_find(feature_sets, cell->inputs);
    cJSON_ReplaceItemInObjectCaseSensitive(cell->options, "raters",
                                           raters_found(cell, built_in, &cell->raters_guessed));
}

char *cell_name(int number, char name[CELL_NAME])
{
    snprintf(name, CELL_NAME, "grid%05d", number);
    return name;
}

char *cell_task(const struct cell *cell)
{
    return text_format("%s_%s", cell->inputs, cell->prediction);
}

// Takes over the options, which are in normal form.
static bool read_options(cJSON *options, const char *where, struct cell *cell)
{
    cell->options = options;
    CHECK(read_keys(options, where, cell));
    CHECK(resolve_features(cell, where));
    CHECK(check_folds(cell, where));
    CHECK(pretrained_resolve(cell, where));
    resolve_raters(cell);
    if (cell->plan.count == 0)
        cell->plan = plan_default(cell->base.lr, cell->base.gamma, cell->base.bce_weight,
                                  cell->base.batch_size, cell->base.num_epochs);
    cell->stream = cell->number;
    cell_name(cell->number, cell->name);
    return true;
error:
    cell_free(cell);
    return false;
}

bool cell_from_options(const struct cJSON *options, const char *where, struct cell *cell)
{
    cJSON *given = NULL;
    *cell = (struct cell){0};
    CHECK(json_expect_object(options, where));
    given = cJSON_Duplicate(options, true);
    CHECK(normal_form(given, where));
    CHECK(json_expect_keys(given, where, cell_key_names(true)));
    CHECK(check_others(given, where));
    CHECK(check_rounds(given, where));
    CHECK(read_options(complete(given), where, cell));
    cJSON_Delete(given);
    return true;
error:
    cJSON_Delete(given);
    return false;
}

char *cell_ignored_keys(const struct cJSON *values)
{
    struct text list = {0};
    const cJSON *value;
    cJSON_ArrayForEach(value, values)
    {
        const struct cell_key *key = cell_key_find(value->string);
        if (key && key->presence == KEY_IGNORED && !cJSON_IsNull(value))
            text_add(&list, "%s%s", list.size ? ", " : "", key->name);
    }
    return list.bytes;
}

void cell_free(struct cell *cell)
{
    cJSON_Delete(cell->options);
    free(cell->features.names);
    free(cell->features.sources);
    free(cell->labels.names);
    free(cell->labels.sources);
    free(cell->normalize);
    free(cell->trained);
    *cell = (struct cell){0};
}

static void add_options(struct text *key, const struct cell *cell, const char *const *names)
{
    for (; *names; names++) {
        cJSON *trained = strcmp(*names, "partition") == 0 // but for the test subjects
                             ? partition_of_training(json_member(cell->options, *names))
                             : NULL;
        const cJSON *value = trained ? trained : json_member(cell->options, *names);
        char *line = value ? json_print_line(value) : text_copy("");
        text_add(key, " %s", line);
        free(line);
        cJSON_Delete(trained);
    }
}

static const char *const data_options[] = {"features", "image_size", "partition", "raters", NULL};

// Keys of studies that know no "normalize" stay as they are.
static void add_data_options(struct text *key, const struct cell *cell)
{
    static const char *const normalize[] = {"normalize", NULL}, *const folder[] = {
                                                                    "data_cache_path", NULL};
    add_options(key, cell, data_options);
    if (cell->data_varies)
        add_options(key, cell, folder);
    if (cell->folds > 0)
        text_add(key, " folds %d of %" PRIu64, cell->folds, cell->seed);
    if (cell_normalizes(cell))
        add_options(key, cell, normalize);
}

char *cell_data_key(const struct cell *cell)
{
    struct text key = {0};
    add_data_options(&key, cell);
    return key.bytes;
}

char *cell_group_key(const struct cell *cell)
{
    struct text key = {0};
    text_add(&key, "%s %s %d", base_model_name(cell->base_model), precision_name(cell->precision),
             cell->plan.rounds[0].batch_size);
    for (int i = 0; i < cell->plan.count; i++)
        text_add(&key, " %d", cell->plan.rounds[i].num_epochs);
    add_data_options(&key, cell);
    return key.bytes;
}

struct unet_shape cell_shape(const struct cell *cell)
{
    const cJSON *partition = json_member(cell->options, "partition");
    const int raters = cJSON_GetArraySize(json_member(cell->options, "raters")),
              each = raters ? raters : 1;
    const int training = each * cJSON_GetArraySize(cJSON_GetArrayItem(partition, 0)),
              validation = each * cJSON_GetArraySize(cJSON_GetArrayItem(partition, 1));
    return (struct unet_shape){
        .base_model = cell->base_model,
        .rows = cell->rows,
        .cols = cell->cols,
        .features = cell->features.count,
        .labels = cell->labels.count,
        .count = training + validation,
        .training_count = cell->folds > 0 ? training + validation : training,
        .batch_size = cell->plan.rounds[0].batch_size,
        .precision = cell->precision,
    };
}
