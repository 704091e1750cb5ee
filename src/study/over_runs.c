// SPDX-License-Identifier: MIT
#include "vkgrid/study/over_runs.h"

#include "study/kept.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/store/view.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

// --- Of numbers ---------------------------------------------------------------------------------

struct sample {
    int count;
    double mean, squares; // around the mean
    double lowest;
};

// Every step-th value from the first on, those that are numbers.
static struct sample sample_of(const double *values, int count, int first, int step)
{
    struct sample sample = {.lowest = INFINITY};
    for (int i = first; i < count; i += step) {
        if (isnan(values[i]))
            continue;
        const double before = values[i] - sample.mean;
        sample.mean += before / ++sample.count;
        sample.squares += before * (values[i] - sample.mean);
        sample.lowest = values[i] < sample.lowest ? values[i] : sample.lowest;
    }
    return sample;
}

static double deviation(double squares, int freedom)
{
    return freedom > 0 ? sqrt(squares / freedom) : (double)NAN;
}

static void take_folds(const double *values, int count, int folds, struct over_runs *result)
{
    double *means = mem_alloc((size_t)folds * sizeof(*means)), within = 0, best = 0;
    int freedom = 0;
    for (int fold = 0; fold < folds; fold++) {
        const struct sample sample = sample_of(values, count, fold, folds);
        result->folds += sample.count > 0;
        means[fold] = sample.count > 0 ? sample.mean : (double)NAN;
        best += sample.count > 0 ? sample.lowest / folds : 0;
        within += sample.squares;
        freedom += sample.count > 0 ? sample.count - 1 : 0;
    }
    const struct sample between = sample_of(means, folds, 0, 1);
    const bool whole = result->folds == folds;
    result->best = whole ? best : (double)NAN;
    result->mean = whole ? between.mean : (double)NAN;
    result->sd_within_folds = deviation(within, freedom);
    if (freedom > 0)
        result->sd_between_folds = deviation(between.squares, between.count - 1);
    free(means);
}

void over_runs_of(const double *values, int count, int folds, struct over_runs *result)
{
    const struct sample all = sample_of(values, count, 0, 1);
    *result = (struct over_runs){
        .runs = all.count,
        .best = all.count > 0 ? all.lowest : (double)NAN,
        .mean = all.count > 0 ? all.mean : (double)NAN,
        .sd = deviation(all.squares, all.count - 1),
        .sd_between_folds = NAN,
        .sd_within_folds = NAN,
    };
    if (folds > 0)
        take_folds(values, count, folds, result);
}

// --- Of a cell ----------------------------------------------------------------------------------

// The epoch with the lowest dice loss of those that improved the loss; NULL: the run is not
// complete.
static const struct epoch_result *best_epoch(const struct run_record *run)
{
    const struct epoch_result *best = NULL;
    for (int i = 0; run->state == TRIAL_COMPLETE && i < run->epoch_count; i++) {
        const struct epoch_result *epoch = &run->epochs[i];
        if (epoch->best && isfinite(epoch->validation[METRIC_DICE]) &&
            (!best || epoch->validation[METRIC_DICE] < best->validation[METRIC_DICE]))
            best = epoch;
    }
    return best;
}

// What is asked of the runs: a metric of the best epoch, or a number of the weights of which label
// -1 is the mean over the labels.
struct question {
    int metric; // -1: the weights
    int label;
    bool iou;
};

static double of_weights(const struct record *record, const struct run_record *run,
                         const struct question *question)
{
    const struct overlaps *overlaps = run->state == TRIAL_COMPLETE ? kept_overlaps_of(run) : NULL;
    const int labels = record->cell.labels.count;
    double sum = 0;
    int count = 0;
    for (int i = 0; overlaps && i < labels; i++) {
        struct label_mean mean = {0};
        if (question->label >= 0 && question->label != i)
            continue;
        kept_add_images(overlaps, i, &mean);
        if (mean.images == 0)
            continue;
        sum += (question->iou ? mean.iou : mean.dice) / mean.images;
        count++;
    }
    return count > 0 ? sum / count : (double)NAN;
}

static void ask(const struct record *record, const struct question *question,
                struct over_runs *result)
{
    const int count = cell_run_count(&record->cell);
    double *values = mem_alloc((size_t)count * sizeof(*values));
    for (int i = 0; i < count; i++) {
        const struct run_record *run = &record->runs[i];
        const struct epoch_result *epoch = best_epoch(run);
        values[i] = question->metric < 0 ? of_weights(record, run, question)
                    : epoch              ? epoch->validation[question->metric]
                                         : (double)NAN;
    }
    over_runs_of(values, count, record->cell.folds, result);
    free(values);
}

void record_dice_losses(const struct record *record, struct over_runs *result)
{
    ask(record, &(struct question){.metric = METRIC_DICE}, result);
}

// --- JSON ---------------------------------------------------------------------------------------

static cJSON *numbers(const struct over_runs *of)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "mean", view_number_json(of->mean));
    cJSON_AddItemToObject(json, "sd", view_number_json(of->sd));
    if (!isnan(of->sd_between_folds))
        cJSON_AddNumberToObject(json, "sd_between_folds", of->sd_between_folds);
    if (!isnan(of->sd_within_folds))
        cJSON_AddNumberToObject(json, "sd_within_folds", of->sd_within_folds);
    return json;
}

struct cJSON *over_runs_json(const struct over_runs *dice_loss)
{
    cJSON *json = cJSON_CreateObject(), *dice = numbers(dice_loss);
    cJSON_AddNumberToObject(json, "runs", dice_loss->runs);
    if (dice_loss->folds > 0)
        cJSON_AddNumberToObject(json, "folds", dice_loss->folds);
    cJSON_AddItemToObject(dice, "best", view_number_json(dice_loss->best));
    cJSON_AddItemToObject(json, "dice_loss", dice);
    return json;
}

static void add_answer(cJSON *json, const char *key, const struct record *record,
                       struct question question)
{
    struct over_runs answer;
    ask(record, &question, &answer);
    cJSON_AddItemToObject(json, key, numbers(&answer));
}

static void add_overlaps(cJSON *json, const struct record *record, int label)
{
    add_answer(json, "hard_dice", record, (struct question){.metric = -1, .label = label});
    add_answer(json, "iou", record, (struct question){.metric = -1, .label = label, .iou = true});
}

void record_describe_over_runs(const struct record *record, struct cJSON *json)
{
    struct over_runs dice;
    record_dice_losses(record, &dice);
    if (dice.runs < 2)
        return;
    cJSON *over = over_runs_json(&dice);
    cJSON_AddItemToObject(json, "over_runs", over);
    add_answer(over, "loss", record, (struct question){.metric = METRIC_LOSS});
    add_overlaps(over, record, -1);
    cJSON *labels = cJSON_AddObjectToObject(over, "labels");
    for (int i = 0; i < record->cell.labels.count; i++)
        add_overlaps(cJSON_AddObjectToObject(labels, record->cell.labels.names[i]), record, i);
}

static double number_of(const cJSON *json, const char *key)
{
    const cJSON *number = json_member(json, key);
    return cJSON_IsNumber(number) && isfinite(number->valuedouble) ? number->valuedouble
                                                                   : (double)NAN;
}

static int count_of(const cJSON *json, const char *key)
{
    const double count = number_of(json, key);
    return count >= 0 && count <= 1e9 ? (int)count : 0;
}

void over_runs_read(const struct cJSON *json, struct over_runs *result)
{
    const cJSON *dice = json_member(json, "dice_loss");
    *result = (struct over_runs){
        .runs = count_of(json, "runs"),
        .folds = count_of(json, "folds"),
        .best = number_of(dice, "best"),
        .mean = number_of(dice, "mean"),
        .sd = number_of(dice, "sd"),
        .sd_between_folds = number_of(dice, "sd_between_folds"),
        .sd_within_folds = number_of(dice, "sd_within_folds"),
    };
}
