// SPDX-License-Identifier: MIT
// What may stand under each key of a grid.
#include "grid/cell_keys.h"

#include "grid/names.h"
#include "grid/partition.h"
#include "grid/round_keys.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/source.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT 512    // bytes of a `where` made here
#define NAMES 255 // most features, labels or raters

static bool read_number(const cJSON *value, const char *where, struct cell *cell)
{
    return json_get_int(value, where, 0, GRID_CELLS - 1, &cell->number);
}

static bool read_base_model(const cJSON *value, const char *where, struct cell *cell)
{
    const char *text;
    if (!json_get_text(value, where, &text))
        return false;
    return base_model_parse(text, &cell->base_model) ||
           error_set("%s: is \"%s\": resnet18 or resnet34 is allowed", where, text);
}

static bool read_lr(const cJSON *value, const char *where, struct cell *cell)
{
    return round_read_key("lr", value, where, &cell->base);
}

static bool read_gamma(const cJSON *value, const char *where, struct cell *cell)
{
    return round_read_key("gamma", value, where, &cell->base);
}

static bool read_bce_weight(const cJSON *value, const char *where, struct cell *cell)
{
    return round_read_key("bce_weight", value, where, &cell->base);
}

static bool read_batch_size(const cJSON *value, const char *where, struct cell *cell)
{
    return round_read_key("batch_size", value, where, &cell->base);
}

static bool read_num_epochs(const cJSON *value, const char *where, struct cell *cell)
{
    return round_read_key("num_epochs", value, where, &cell->base);
}

static bool read_name(const cJSON *value, const char *where, const char **name)
{
    return json_get_text(value, where, name) && name_check(*name, where);
}

// A source may be a path; it is said to people as a name is.
static bool read_source(const cJSON *value, const char *where, const char **source)
{
    if (!json_get_text(value, where, source))
        return false;
    int plain = 0;
    while ((unsigned char)(*source)[plain] >= ' ' && (*source)[plain] != 127)
        plain++;
    return (!(*source)[plain] && plain <= NAME) ||
           error_set(
               "%s: is \"%.*s\"%s: a source without control characters, of at most %d bytes, "
               "is allowed",
               where, plain < NAME ? plain : NAME, *source, plain > NAME ? " and more" : "", NAME);
}

static bool check_source(const char *text, const char *where, bool label)
{
    struct source source;
    if (!source_parse(text, &source))
        return error_prefix("%s", where);
    const bool class = source.class >= 0;
    source_free(&source);
    return label || !class ||
           error_set("%s: is \"%s\": a class is allowed of labels only", where, text);
}

static bool read_inputs(const cJSON *value, const char *where, struct cell *cell)
{
    return value ? read_name(value, where, &cell->inputs)
                 : error_set("%s: is missing: " ONE_SET, where);
}

static bool read_prediction(const cJSON *value, const char *where, struct cell *cell)
{
    return read_name(value, where, &cell->prediction);
}

// {name: source}: names that differ, as keys of an object do.
static bool check_named_sources(const cJSON *set, const char *where, bool labels)
{
    const cJSON *item;
    if (cJSON_GetArraySize(set) < 1 || cJSON_GetArraySize(set) > NAMES)
        return error_set("%s: an object of %d sources: 1 to %d are allowed", where,
                         cJSON_GetArraySize(set), NAMES);
    cJSON_ArrayForEach(item, set)
    {
        char at[AT];
        const char *source;
        snprintf(at, sizeof(at), "%.380s.%.100s", where, item->string);
        if (!name_check(item->string, at) || !read_source(item, at, &source) ||
            !check_source(source, at, labels))
            return false;
        for (const cJSON *other = set->child; other != item; other = other->next) {
            if (strcmp(other->string, item->string) == 0)
                return error_set("%s: \"%s\" stands twice", where, item->string);
        }
    }
    return true;
}

// A list of names, none of them twice.
static bool check_names(const cJSON *list, const char *where, int least)
{
    const cJSON *item;
    int i = 0;
    if (!json_expect_list(list, where, least))
        return false;
    if (cJSON_GetArraySize(list) > NAMES)
        return error_set("%s: more than %d names", where, NAMES);
    cJSON_ArrayForEach(item, list)
    {
        char at[AT];
        const char *name;
        snprintf(at, sizeof(at), "%.480s[%d]", where, i++);
        if (!read_name(item, at, &name))
            return false;
        for (const cJSON *other = list->child; other != item; other = other->next) {
            if (strcmp(other->valuestring, name) == 0)
                return error_set("%s: \"%s\" stands twice in the list", at, name);
        }
    }
    return true;
}

static bool check_set(const cJSON *set, const char *where, bool labels)
{
    const cJSON *item;
    if (cJSON_IsObject(set))
        return check_named_sources(set, where, labels);
    if (!check_names(set, where, 1))
        return false;
    cJSON_ArrayForEach(item, set)
    {
        if (!check_source(item->valuestring, where, labels))
            return false;
    }
    return true;
}

static bool read_features(const cJSON *value, const char *where, struct cell *cell)
{
    static const char *const kinds[] = {"inputs", "prediction", NULL};
    const cJSON *kind, *set;
    (void)cell; // looked up by name once all keys are known
    if (!json_expect_object(value, where) || !json_expect_keys(value, where, kinds))
        return false;
    cJSON_ArrayForEach(kind, value)
    {
        char at[AT];
        snprintf(at, sizeof(at), "%.300s.%s", where, kind->string);
        if (!json_expect_object(kind, at))
            return false;
        cJSON_ArrayForEach(set, kind)
        {
            snprintf(at, sizeof(at), "%.300s.%.60s.%.120s", where, kind->string, set->string);
            if (!name_check(set->string, at) ||
                !check_set(set, at, strcmp(kind->string, "prediction") == 0))
                return false;
        }
    }
    return true;
}

static bool read_normalize(const cJSON *value, const char *where, struct cell *cell)
{
    (void)cell; // normalize_resolve() needs the features too
    return normalize_check(value, where);
}

static bool read_partition(const cJSON *value, const char *where, struct cell *cell)
{
    (void)cell; // cell_samples() reads it from the options
    return partition_check(value, where);
}

static bool read_raters(const cJSON *value, const char *where, struct cell *cell)
{
    (void)cell;
    return cJSON_IsNull(value) || check_names(value, where, 0); // null: raters_found()
}

static bool read_until(const cJSON *value, const char *where, struct cell *cell)
{
    return json_get_int(value, where, 1, 10000, &cell->until);
}

static bool read_folds(const cJSON *value, const char *where, struct cell *cell)
{
    return json_get_int(value, where, 2, FOLDS_MOST, &cell->folds);
}

static bool read_pretrained(const cJSON *value, const char *where, struct cell *cell)
{
    (void)cell; // pretrained_resolve() needs the base model too
    return pretrained_check(value, where);
}

// N is [N, 2 N], as in the original, whose images have both hemispheres side by side.
static bool read_image_rows(const cJSON *value, const char *where, struct cell *cell)
{
    if (!json_get_int(value, where, 32, 2048, &cell->rows))
        return false;
    cell->cols = 2 * cell->rows;
    return cell->rows % 32 == 0 ||
           error_set("%s: is %d: a multiple of 32 is allowed", where, cell->rows);
}

static bool read_image_size(const cJSON *value, const char *where, struct cell *cell)
{
    int *const sizes[] = {&cell->rows, &cell->cols};
    if (cJSON_IsNumber(value))
        return read_image_rows(value, where, cell);
    if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) != 2)
        return error_set("%s: [rows, cols], both multiples of 32, or rows alone is allowed", where);
    for (int i = 0; i < 2; i++) {
        char at[AT];
        snprintf(at, sizeof(at), "%.480s[%d] (%s)", where, i, i == 0 ? "rows" : "cols");
        if (!json_get_int(cJSON_GetArrayItem(value, i), at, 32, 4096, sizes[i]))
            return false;
        if (*sizes[i] % 32 != 0)
            return error_set("%s: is %d: a multiple of 32 is allowed", at, *sizes[i]);
    }
    return true;
}

static bool read_seed(const cJSON *value, const char *where, struct cell *cell)
{
    double seed;
    if (!json_get_integer(value, where, 0, 0x1p53, &seed))
        return false;
    cell->seed = (uint64_t)seed;
    return true;
}

static bool read_shuffle(const cJSON *value, const char *where, struct cell *cell)
{
    return json_get_bool(value, where, &cell->shuffle);
}

static bool read_precision(const cJSON *value, const char *where, struct cell *cell)
{
    const char *text;
    if (!json_get_text(value, where, &text))
        return false;
    return precision_parse(text, &cell->precision) ||
           error_set("%s: is \"%s\": auto, fp32 or mixed is allowed", where, text);
}

static bool read_plan(const cJSON *value, const char *where, struct cell *cell)
{
    return plan_from_json(value, where, &cell->base, &cell->plan);
}

static bool read_data(const cJSON *value, const char *where, struct cell *cell)
{
    return json_get_text(value, where, &cell->data);
}

static bool read_init(const cJSON *value, const char *where, struct cell *cell)
{
    return json_get_text(value, where, &cell->init);
}

static bool read_folder(const cJSON *value, const char *where, struct cell *cell)
{
    const char *folder;
    (void)cell;
    return json_get_text(value, where, &folder);
}

static bool read_model_key(const cJSON *value, const char *where, struct cell *cell)
{
    const char *key;
    (void)cell;
    return read_name(value, where, &key);
}

static bool ignore_bool(const cJSON *value, const char *where, struct cell *cell)
{
    bool ignored;
    (void)cell;
    return json_get_bool(value, where, &ignored);
}

static bool ignore_int(const cJSON *value, const char *where, struct cell *cell)
{
    int ignored;
    (void)cell;
    return json_get_int(value, where, -100000, 100000, &ignored);
}

// PyTorch takes a name or a number.
static bool ignore_device(const cJSON *value, const char *where, struct cell *cell)
{
    const char *ignored;
    return cJSON_IsNumber(value) ? ignore_int(value, where, cell)
                                 : json_get_text(value, where, &ignored);
}

const struct cell_key cell_keys[] = {
    {"cell", read_number, KEY_OPTIONAL, "0"},
    {"base_model", read_base_model, KEY_OPTIONAL, "\"resnet18\""},
    {"lr", read_lr, KEY_REQUIRED},
    {"gamma", read_gamma, KEY_REQUIRED},
    {"bce_weight", read_bce_weight, KEY_REQUIRED},
    {"batch_size", read_batch_size, KEY_REQUIRED},
    {"num_epochs", read_num_epochs, KEY_OPTIONAL, "10"},
    {"plan", read_plan, KEY_OPTIONAL}, // after those that its rounds may leave out
    {"inputs", read_inputs, KEY_REQUIRED},
    {"prediction", read_prediction, KEY_REQUIRED},
    {"features", read_features, KEY_OPTIONAL},
    {"normalize", read_normalize, KEY_OPTIONAL},
    {"image_size", read_image_size, KEY_OPTIONAL, "[128, 256]"},
    {"partition", read_partition, KEY_OPTIONAL},
    {"raters", read_raters, KEY_OPTIONAL, "null"},
    {"until", read_until, KEY_OPTIONAL, "1"},
    {"folds", read_folds, KEY_STATIC},
    {"seed", read_seed, KEY_OPTIONAL, "0"},
    {"shuffle", read_shuffle, KEY_OPTIONAL, "true"},
    {"pretrained", read_pretrained, KEY_OPTIONAL, "false"},
    {"init_weights", read_init, KEY_OPTIONAL},
    {"precision", read_precision, KEY_OPTIONAL, "\"auto\""},
    {"data_cache_path", read_data, KEY_OPTIONAL},
    {"model_cache_path", read_folder, KEY_OF_STUDY},
    {"model_key", read_model_key, KEY_OF_STUDY},
    {"device", ignore_device, KEY_IGNORED},
    {"nthreads", ignore_int, KEY_IGNORED},
    {"nice", ignore_int, KEY_IGNORED},
    {"multiproc", ignore_bool, KEY_IGNORED},
    {NULL},
};

const struct cell_key *cell_key_find(const char *name)
{
    for (const struct cell_key *key = cell_keys; key->name; key++) {
        if (strcmp(key->name, name) == 0)
            return key;
    }
    return NULL;
}

const char *const *cell_key_names(bool options)
{
    static _Thread_local const char *names[sizeof(cell_keys) / sizeof(*cell_keys)];
    int count = 0;
    for (const struct cell_key *key = options ? cell_keys : cell_keys + 1; key->name; key++)
        names[count++] = key->name;
    names[count] = NULL;
    return names;
}
