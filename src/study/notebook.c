// SPDX-License-Identifier: MIT
#include "study/notebook.h"

#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cJSON *notebook_options(const struct cell *cell)
{
    static const char *const keys[] = {"partition",        "pretrained",      "multiproc",  "until",
                                       "model_cache_path", "data_cache_path", "base_model", "gamma",
                                       "batch_size",       "inputs",          "prediction"};
    cJSON *options = cJSON_CreateObject();
    cJSON_AddStringToObject(options, "model_key", cell->name);
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        const cJSON *value = json_member(cell->options, keys[i]);
        if (value && strcmp(keys[i], "partition") == 0) // the original knows no third list
            cJSON_AddItemToObject(options, keys[i], partition_of_training(value));
        else if (value)
            cJSON_AddItemToObject(options, keys[i], cJSON_Duplicate(value, true));
        else if (strcmp(keys[i], "multiproc") == 0)
            cJSON_AddFalseToObject(options, keys[i]);
        else // of a column that is dropped: it must be there
            cJSON_AddNullToObject(options, keys[i]);
    }
    return options;
}

struct subject {
    const cJSON *name;
    bool training;
};

// Numbers by value, texts by their bytes: as Python sorts either.
static int by_name(const void *left, const void *right)
{
    const cJSON *a = ((const struct subject *)left)->name,
                *b = ((const struct subject *)right)->name;
    if (cJSON_IsString(a) && cJSON_IsString(b))
        return strcmp(a->valuestring, b->valuestring);
    if (cJSON_IsString(a) || cJSON_IsString(b))
        return cJSON_IsString(a) ? 1 : -1;
    return (a->valuedouble > b->valuedouble) - (a->valuedouble < b->valuedouble);
}

// The partition as a number in hexadecimal: a bit for each subject in their order, the first one
// the highest, 1 for training. The caller frees it.
static char *partition_id(const cJSON *partition)
{
    const cJSON *halves[] = {cJSON_GetArrayItem(partition, 0), cJSON_GetArrayItem(partition, 1)};
    const int count = cJSON_GetArraySize(halves[0]) + cJSON_GetArraySize(halves[1]);
    struct subject *subjects = mem_zalloc((size_t)count + 1, sizeof(*subjects));
    struct text id = {0};
    int at = 0, digit = 0;
    for (int half = 0; half < 2; half++) {
        const cJSON *name;
        cJSON_ArrayForEach(name, halves[half]) subjects[at++] = (struct subject){name, half == 0};
    }
    qsort(subjects, (size_t)count, sizeof(*subjects), by_name);
    text_add(&id, "0x");
    for (int i = 0; i < count; i++) {
        digit = 2 * digit + subjects[i].training;
        if ((count - 1 - i) % 4 != 0)
            continue;
        if (digit > 0 || id.size > 2) // no zeros in front
            text_add(&id, "%x", (unsigned)digit);
        digit = 0;
    }
    if (id.size == 2)
        text_add(&id, "0");
    free(subjects);
    return id.bytes;
}

static const char rule[] =
    "=====================================================================================";

#define COLUMN "%-22s" // the longest double has 24 characters, but few have so many

static void add_heads(struct text *out)
{
    static const char *const names[METRIC_COUNT] = {"bce", "dice", "loss"};
    text_add(out, "%-7s " COLUMN " %-8s", "epoch", "lr", "dt[s]");
    for (int half = 0; half < 2; half++) {
        text_add(out, " |");
        for (int i = 0; i < METRIC_COUNT; i++) {
            char name[16];
            snprintf(name, sizeof(name), "%s %s", half ? "val" : "trn", names[i]);
            text_add(out, " " COLUMN, name);
        }
    }
    text_add(out, "\n%s\n", rule);
}

static void add_metrics(struct text *out, const double *metrics)
{
    char text[NUMBER_TEXT];
    text_add(out, " |");
    for (int i = 0; i < METRIC_COUNT; i++)
        text_add(out, " " COLUMN, number_text(metrics[i], text));
}

static void add_epoch(struct text *out, const struct epoch_result *epoch, int epochs)
{
    char text[NUMBER_TEXT], place[32];
    snprintf(place, sizeof(place), "%d/%d", epoch->epoch + 1, epochs);
    text_add(out, "%-7s " COLUMN " %-8.1f", place, number_text(epoch->lr, text), epoch->seconds);
    add_metrics(out, epoch->training);
    add_metrics(out, epoch->validation);
    text_add(out, " %s\n", epoch->best ? "*" : "");
}

static void add_rounds(struct text *out, const struct plan *plan, const struct run_record *run)
{
    for (int round = 0; round < plan->count; round++) {
        double loss = INFINITY;
        char text[NUMBER_TEXT];
        if (round > 0)
            text_add(out, "\n");
        add_heads(out);
        for (int i = 0; i < run->epoch_count; i++) {
            const struct epoch_result *epoch = &run->epochs[i];
            if (epoch->round != round)
                continue;
            add_epoch(out, epoch, plan->rounds[round].num_epochs);
            loss = fmin(loss, epoch->validation[METRIC_LOSS]);
        }
        text_add(out, "Best val loss: %s\n", number_text(loss, text));
    }
}

void notebook_log(struct text *out, const struct record *record)
{
    const struct cell *cell = &record->cell;
    char *id = partition_id(json_member(cell->options, "partition"));
    for (int i = 0; i < cell_run_count(cell); i++) {
        const struct run_record *run = &record->runs[i];
        char number[32];
        if (run->state != TRIAL_COMPLETE) {
            text_add(out, "Run %d %s: it does not count (training.log)\n\n", i + 1,
                     run->state == TRIAL_PRUNED ? "was pruned" : "failed");
            continue;
        }
        snprintf(number, sizeof(number), "Iteration %d", i + 1);
        text_add(out, "%-15s%55s%s\n%s\n\n%s %.*s\n\n", number, "Partition ID: ", id, rule,
                 cell->inputs, 40, rule);
        add_rounds(out, &cell->plan, run);
        text_add(out, "\n");
    }
    free(id);
}
