// SPDX-License-Identifier: MIT
// The grid file that is proposed.
#include "grid/proposal_parts.h"

#include "grid/feature_sets.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

// The built-in set that has just these members, as folders of those names.
static const char *built_in(const struct named_set *sets, const cJSON *members)
{
    for (; sets->name; sets++) {
        int count = 0;
        bool all = true;
        for (; sets->members[count]; count++) {
            const cJSON *member = json_member(members, sets->members[count]);
            all &= member && strcmp(member->valuestring, sets->members[count]) == 0;
        }
        if (all && count == cJSON_GetArraySize(members))
            return sets->name;
    }
    return NULL;
}

// A set is a list where its names are those of the folders.
static cJSON *set_of(const cJSON *members)
{
    const cJSON *member;
    cJSON *list = cJSON_CreateArray();
    cJSON_ArrayForEach(member, members)
    {
        if (strcmp(member->string, member->valuestring) != 0) {
            cJSON_Delete(list);
            return cJSON_Duplicate(members, true);
        }
        cJSON_AddItemToArray(list, cJSON_CreateString(member->valuestring));
    }
    return list;
}

static void put_set(cJSON *fixed, const char *key, const char *own, const struct named_set *sets,
                    const cJSON *members, struct text *told)
{
    const char *name = built_in(sets, members);
    const cJSON *member;
    cJSON_AddStringToObject(fixed, key, name ? name : own);
    text_add(told, "%s:", key);
    cJSON_ArrayForEach(member, members)
    {
        text_add(told, " %s", member->string);
        if (strcmp(member->string, member->valuestring) != 0)
            text_add(told, " (%s)", member->valuestring);
    }
    text_add(told, "%s%s%s\n", name ? ": the set \"" : "", name ? name : "", name ? "\"" : "");
    if (name)
        return;
    cJSON *features = json_member(fixed, "features");
    if (!features)
        features = cJSON_AddObjectToObject(fixed, "features");
    cJSON_AddItemToObject(cJSON_AddObjectToObject(features, key), own, set_of(members));
}

static void put_subjects(const struct split *split, cJSON *fixed, struct text *told)
{
    cJSON *partition = cJSON_AddArrayToObject(fixed, "partition"), *raters;
    const int training = split->count - split->validation;
    cJSON_AddItemToArray(partition,
                         cJSON_CreateStringArray((const char *const *)split->subjects, training));
    cJSON_AddItemToArray(partition,
                         cJSON_CreateStringArray((const char *const *)split->subjects + training,
                                                 split->validation));
    if (split->test_count > 0)
        cJSON_AddItemToArray(partition, cJSON_CreateStringArray((const char *const *)split->test,
                                                                split->test_count));
    raters = cJSON_AddArrayToObject(fixed, "raters");
    text_add(told, "subjects: %d for training, %d for validation", training, split->validation);
    if (split->test_count > 0)
        text_add(told, ", %d for a test", split->test_count);
    for (int i = 0; i < SPLIT_RATERS; i++) {
        char name[] = {'A', (char)('1' + i), 0};
        if (!split->raters[i])
            continue;
        cJSON_AddItemToArray(raters, cJSON_CreateString(name));
        text_add(told, ", %s", name);
    }
    text_add(told, "%s\n", split->by_folders ? ", as the folders say" : "");
    if (split->groups > 0)
        text_add(
            told,
            "together: the samples of one folder (%d folders) are never divided between these\n",
            split->groups);
    if (split->outside > 0)
        text_add(told, "left out: %d sample%s beside those folders (%s%s)\n", split->outside,
                 split->outside == 1 ? "" : "s", split->outsider,
                 split->outside > 1 ? ", ..." : "");
    if (split->left_out > 0)
        text_add(told, "left out: %d sample%s without a file in some folder (%s%s)\n",
                 split->left_out, split->left_out == 1 ? "" : "s", split->example,
                 split->left_out > 1 ? ", ..." : "");
}

static void put_folds(struct proposal *proposal, cJSON *fixed)
{
    const int folds = proposal->request->folds, subjects = proposal->split.count;
    if (folds == 0)
        return;
    cJSON_AddNumberToObject(fixed, "folds", folds);
    text_add(&proposal->told,
             "folds: %d, of the %d subjects for training and validation together: each validates "
             "once\n",
             folds, subjects);
}

static void put_numbers(cJSON *object, const char *key, const double *values, int count)
{
    cJSON_AddItemToObject(object, key, cJSON_CreateDoubleArray(values, count));
}

// Folds have no training images in common.
static void put_normalize(const cJSON *features, bool folds, cJSON *fixed, struct text *told)
{
    const cJSON *feature;
    const char *before = "normalize:";
    if (!features->child)
        return;
    cJSON *normalize = cJSON_AddObjectToObject(fixed, "normalize");
    cJSON_ArrayForEach(feature, features)
    {
        cJSON_AddStringToObject(normalize, feature->string, folds ? "zscore" : "dataset");
        text_add(told, "%s %s", before, feature->string);
        before = "";
    }
    text_add(told, ": by mean and sd of %s, since values are far from 0 to 1\n",
             folds ? "each image" : "the training images");
}

// The first two whose last batch can be trained. False where none can.
static bool choose_batches(const struct proposal *proposal, double batches[2], int *count)
{
    static const int sizes[] = {2, 4, 3, 5, 6, 7, 8, 1};
    *count = 0;
    for (int i = 0; *count < 2 && i < (int)(sizeof(sizes) / sizeof(*sizes)); i++)
        if (proposal_can_train(proposal, sizes[i]))
            batches[(*count)++] = sizes[i];
    if (*count == 2 && batches[0] > batches[1]) {
        const double larger = batches[0];
        batches[0] = batches[1];
        batches[1] = larger;
    }
    return *count > 0 || error_prefix("--size %dx%d", proposal->rows, proposal->cols);
}

// One that the user has set.
static bool check_set_batches(const struct proposal *proposal, const cJSON *set)
{
    return !cJSON_IsNumber(set) || set->valuedouble < 1 || set->valuedouble > INT_MAX ||
           proposal_can_train(proposal, (int)set->valuedouble) || error_prefix("--set batch_size");
}

static void put_settings(const cJSON *settings, cJSON *fixed, cJSON *hyper)
{
    const cJSON *setting;
    cJSON_ArrayForEach(setting, settings)
    {
        cJSON_DeleteItemFromObjectCaseSensitive(fixed, setting->string);
        cJSON_DeleteItemFromObjectCaseSensitive(hyper, setting->string);
        cJSON_AddItemToObject(fixed, setting->string, cJSON_Duplicate(setting, true));
    }
}

struct cJSON *proposal_write(struct proposal *proposal)
{
    const double size[] = {proposal->rows, proposal->cols},
                 rates[] = {0.0005, 0.00125, 0.0025, 0.005};
    double batches[2];
    int batch_sizes;
    if (!choose_batches(proposal, batches, &batch_sizes) ||
        !check_set_batches(proposal, json_member(proposal->request->settings, "batch_size")))
        return NULL;
    cJSON *grid = cJSON_CreateObject(), *fixed = cJSON_AddObjectToObject(grid, "static"), *hyper;
    put_subjects(&proposal->split, fixed, &proposal->told);
    put_folds(proposal, fixed);
    put_numbers(fixed, "image_size", size, 2);
    put_set(fixed, "inputs", "features", feature_sets, proposal->features, &proposal->told);
    put_set(fixed, "prediction", "labels", label_sets, proposal->targets, &proposal->told);
    put_normalize(proposal->normalize, proposal->request->folds > 0, fixed, &proposal->told);
    cJSON_AddStringToObject(fixed, "base_model", "resnet18");
    cJSON_AddNumberToObject(fixed, "num_epochs", 10);
    cJSON_AddNumberToObject(fixed, "gamma", 0.9);
    cJSON_AddNumberToObject(fixed, "bce_weight", 0.67);
    cJSON_AddNumberToObject(fixed, "until", 1);
    cJSON_AddNumberToObject(fixed, "seed", (double)proposal->request->seed);
    hyper = cJSON_AddObjectToObject(grid, "hyper");
    put_numbers(hyper, "lr", rates, 4);
    put_numbers(hyper, "batch_size", batches, batch_sizes);
    put_settings(proposal->request->settings, fixed, hyper);
    return grid;
}
