// SPDX-License-Identifier: MIT
// What evaluate says: tables for people, JSON, and a file of tab-separated values.
#include "cli/evaluate/evaluate.h"

#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[SCORE_COUNT] = {
    "Dice", "IoU", "dice loss", "bce loss", "95% Hausdorff", "surface distance",
};

// A name may come from anybody's weights.
static void print_name(const char *name)
{
    for (; *name; name++)
        putchar((unsigned char)*name < ' ' ? ' ' : *name);
}

static void print_rows(const struct scores *scores, int label)
{
    for (int kind = 0; kind < SCORE_COUNT; kind++) {
        const struct spread spread = scores_spread(scores, (enum score_kind)kind, label);
        printf("  %-17s", words[kind]);
        if (spread.count == 0)
            printf("%9s", "-");
        else
            printf("%9.4f", spread.mean);
        if (spread.count > 1)
            printf("  %8.4f to %8.4f", spread.low, spread.high);
        else
            printf("  %20s", "-");
        if (spread.count == 0)
            printf("%10s", "-");
        else
            printf("%10.4f", spread.median);
        printf("%8d", spread.count);
        if (spread.left_out > 0)
            printf("  (%d left out: nothing there)", spread.left_out);
        printf("\n");
    }
}

void scores_print(const struct scores *scores)
{
    const int labels = scores->dataset->labels;
    const bool part = scores->split && strcmp(scores->split, "all") != 0;
    printf("%d images%s%s, %d x %d; distances in pixels\n", scores->dataset->count,
           scores->folds ? ", each by the network that has not seen it"
           : part        ? " of the split "
                         : "",
           part && !scores->folds ? scores->split : "", scores->dataset->rows,
           scores->dataset->cols);
    for (int k = labels > 1 ? -1 : 0; k < labels; k++) {
        printf("\n");
        print_name(k < 0 ? "all labels" : scores->cell->labels.names[k]);
        printf("\n  %-17s%9s  %20s%10s%8s\n", "", "mean", "95% interval", "median", "images");
        print_rows(scores, k);
    }
    if (scores->folds) // whose batches are of one fold each
        return;
    printf("\nas in training (batches of %d): dice loss %.6f, bce loss %.6f\n", scores->batch_size,
           scores_dice_loss(scores), scores_bce_loss(scores));
}

// null for what is not there.
static void add_number(cJSON *object, const char *name, double value)
{
    cJSON_AddItemToObject(object, name,
                          isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

static cJSON *spreads_json(const struct scores *scores, int label)
{
    cJSON *json = cJSON_CreateObject();
    for (int kind = 0; kind < SCORE_COUNT; kind++) {
        const struct spread spread = scores_spread(scores, (enum score_kind)kind, label);
        cJSON *member = cJSON_AddObjectToObject(json, score_names[kind]),
              *interval = cJSON_CreateArray();
        add_number(member, "mean", spread.mean);
        if (spread.count > 1) {
            cJSON_AddItemToArray(interval, cJSON_CreateNumber(spread.low));
            cJSON_AddItemToArray(interval, cJSON_CreateNumber(spread.high));
            cJSON_AddItemToObject(member, "interval", interval);
        } else {
            cJSON_Delete(interval);
            cJSON_AddNullToObject(member, "interval");
        }
        add_number(member, "median", spread.median);
        cJSON_AddNumberToObject(member, "images", spread.count);
        cJSON_AddNumberToObject(member, "left_out", spread.left_out);
    }
    return json;
}

static cJSON *image_json(const struct scores *scores, int image)
{
    cJSON *json = cJSON_CreateObject(), *labels;
    cJSON_AddStringToObject(json, "sample", scores->dataset->names[image]);
    if (scores->folds)
        cJSON_AddItemToObject(json, "fold",
                              scores->folds[image] < 0 ? cJSON_CreateNull()
                                                       : cJSON_CreateNumber(scores->folds[image]));
    labels = cJSON_AddObjectToObject(json, "labels");
    for (int k = 0; k < scores->dataset->labels; k++) {
        const struct image_score *score = &scores->images[image * scores->dataset->labels + k];
        cJSON *label = cJSON_AddObjectToObject(labels, scores->cell->labels.names[k]);
        cJSON_AddNumberToObject(label, "both", (double)score->overlap.both);
        cJSON_AddNumberToObject(label, "predicted", (double)score->overlap.predicted);
        cJSON_AddNumberToObject(label, "target", (double)score->overlap.target);
        for (int kind = 0; kind < SCORE_COUNT; kind++)
            add_number(label, score_names[kind], score_of(score, (enum score_kind)kind));
    }
    return json;
}

// Batches of training are of one fold each: of several folds together there is no such number.
static void add_training(const struct scores *scores, cJSON *json)
{
    if (scores->folds) {
        cJSON_AddNullToObject(json, "as_in_training");
        return;
    }
    cJSON *training = cJSON_AddObjectToObject(json, "as_in_training");
    cJSON_AddNumberToObject(training, "batch_size", scores->batch_size);
    cJSON_AddNumberToObject(training, "dice_loss", scores_dice_loss(scores));
    cJSON_AddNumberToObject(training, "bce_loss", scores_bce_loss(scores));
}

struct cJSON *scores_json(const struct scores *scores)
{
    const struct dataset *dataset = scores->dataset;
    cJSON *json = cJSON_CreateObject(), *list;
    cJSON_AddNumberToObject(json, "images", dataset->count);
    cJSON_AddItemToObject(json, "split",
                          scores->split ? cJSON_CreateString(scores->split) : cJSON_CreateNull());
    cJSON_AddItemToObject(json, "network_size",
                          cJSON_CreateIntArray((const int[]){dataset->rows, dataset->cols}, 2));
    cJSON_AddNumberToObject(json, "resamples", SPREAD_RESAMPLES);
    add_training(scores, json);
    cJSON_AddItemToObject(json, "all_labels", spreads_json(scores, -1));
    list = cJSON_AddObjectToObject(json, "labels");
    for (int k = 0; k < dataset->labels; k++)
        cJSON_AddItemToObject(list, scores->cell->labels.names[k], spreads_json(scores, k));
    list = cJSON_AddArrayToObject(json, "samples");
    for (int i = 0; i < dataset->count; i++)
        cJSON_AddItemToArray(list, image_json(scores, i));
    return json;
}

static void add_name(struct text *text, const char *name)
{
    for (; *name; name++)
        text_add(text, "%c", (unsigned char)*name < ' ' ? ' ' : *name);
    text_add(text, "\t");
}

bool scores_write(const struct scores *scores, const char *path)
{
    struct text text = {0};
    const int labels = scores->dataset->labels;
    text_add(&text, "sample\tlabel\tboth\tpredicted\ttarget");
    for (int kind = 0; kind < SCORE_COUNT; kind++)
        text_add(&text, "\t%s", score_names[kind]);
    text_add(&text, scores->folds ? "\tfold\n" : "\n");
    for (int i = 0; i < scores->dataset->count * labels; i++) {
        const struct image_score *score = &scores->images[i];
        char number[NUMBER_TEXT];
        add_name(&text, scores->dataset->names[i / labels]);
        add_name(&text, scores->cell->labels.names[i % labels]);
        text_add(&text, "%zu\t%zu\t%zu", score->overlap.both, score->overlap.predicted,
                 score->overlap.target);
        for (int kind = 0; kind < SCORE_COUNT; kind++)
            text_add(&text, "\t%s", number_text(score_of(score, (enum score_kind)kind), number));
        if (scores->folds)
            text_add(&text, "\t%d", scores->folds[i / labels]);
        text_add(&text, "\n");
    }
    const bool written = file_write_text(path, text.bytes);
    free(text.bytes);
    return written;
}
