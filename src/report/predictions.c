// SPDX-License-Identifier: MIT
// What the best cell of each task makes of the validation images.
#include "report/parts.h"
#include "report/pictures.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/grid/folds.h"
#include "vkgrid/data/label_map.h"
#include "vkgrid/run/run.h"
#include "vkgrid/study/weights_note.h"
#include "vkgrid/train/train.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREDICT_IMAGES 24        // at most so many are predicted, spread over the validation half
#define PREDICT_PIXELS (1 << 24) // and so many pixels, when images are large
#define SHOW_IMAGES 6            // at most so many are shown, from the best to the worst
#define SHOW_COLS 256            // of an image that is shown
#define PREDICT_BATCH 4

struct predictions {
    const struct dataset *dataset;
    size_t pixels;
    struct label_group groups[LABEL_GROUPS];
    int group_count;
    uint8_t *labels, *maps; // [image][group][pixel], classes
    double dice[PREDICT_IMAGES];
};

// The loss of one sample: the mean over labels of 1 - (2 sum pt + 1) / (sum p2 + sum t2 + 1).
static double dice_loss(const float *probabilities, const float *targets, int labels, size_t pixels)
{
    double loss = 0;
    for (int k = 0; k < labels; k++) {
        double both = 0, squares = 0;
        for (size_t i = 0; i < pixels; i++) {
            const double p = (double)probabilities[(size_t)k * pixels + i];
            const double t = (double)targets[i * (size_t)labels + (size_t)k];
            both += p * t;
            squares += p * p + t * t;
        }
        loss += 1 - (2 * both + 1) / (squares + 1);
    }
    return loss / labels;
}

static uint8_t *map_of(const struct predictions *p, uint8_t *maps, int image, int group)
{
    return maps + ((size_t)image * (size_t)p->group_count + (size_t)group) * p->pixels;
}

static bool take_prediction(void *context, int sample, const float *probabilities)
{
    struct predictions *p = context;
    const size_t labels = (size_t)p->dataset->labels;
    const float *targets = p->dataset->targets + (size_t)sample * p->pixels * labels;
    p->dice[sample] = dice_loss(probabilities, targets, p->dataset->labels, p->pixels);
    for (int group = 0; group < p->group_count; group++) {
        const size_t first = (size_t)p->groups[group].first;
        const int count = p->groups[group].count;
        uint8_t *label = map_of(p, p->labels, sample, group),
                *map = map_of(p, p->maps, sample, group);
        for (size_t i = 0; i < p->pixels; i++) {
            label[i] = label_of(targets + i * labels + first, count, 1);
            map[i] = label_of(probabilities + first * p->pixels + i, count, p->pixels);
        }
    }
    return !interrupt_requested() || error_set("report: interrupted");
}

static void add_image(cJSON *images, const struct predictions *p, int image, int feature)
{
    const struct dataset *dataset = p->dataset;
    const int step = (dataset->cols + SHOW_COLS - 1) / SHOW_COLS;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", dataset->names[image]);
    cJSON_AddNumberToObject(json, "dice", p->dice[image]);
    picture_add_feature(json, "input", dataset, step, image, feature);
    cJSON *maps = cJSON_AddArrayToObject(json, "maps");
    for (int group = 0; group < p->group_count; group++) {
        const uint8_t *labels = map_of(p, p->labels, image, group),
                      *map = map_of(p, p->maps, image, group);
        cJSON *three = cJSON_CreateObject();
        picture_add_map(three, "labels", dataset, step, labels);
        picture_add_map(three, "prediction", dataset, step, map);
        picture_add_errors(three, "errors", dataset, step, labels, map);
        cJSON_AddItemToArray(maps, three);
    }
    cJSON_AddItemToArray(images, json);
}

static void add_groups(cJSON *json, const struct predictions *p)
{
    cJSON *groups = cJSON_AddArrayToObject(json, "groups");
    for (int i = 0; i < p->group_count; i++) {
        cJSON *group = cJSON_CreateObject();
        cJSON_AddStringToObject(group, "name", p->groups[i].name);
        cJSON *labels = cJSON_AddArrayToObject(group, "labels");
        for (int k = 0; k < p->groups[i].count; k++) {
            char *colour = picture_colour(k + 1);
            const char *const pair[] = {p->groups[i].names[k], colour};
            cJSON_AddItemToArray(labels, cJSON_CreateStringArray(pair, 2));
            free(colour);
        }
        cJSON_AddItemToArray(groups, group);
    }
}

// Hard Dice of a label in one image: 2 |both| / (|labels| + |prediction|); NAN where neither has
// it.
static double hard_dice(const struct predictions *p, int image, int group, int class)
{
    const uint8_t *labels = map_of(p, p->labels, image, group),
                  *map = map_of(p, p->maps, image, group);
    size_t both = 0, all = 0;
    for (size_t i = 0; i < p->pixels; i++) {
        both += labels[i] == class && map[i] == class;
        all += (size_t)(labels[i] == class) + (size_t)(map[i] == class);
    }
    return all > 0 ? 2 * (double)both / (double)all : (double)NAN;
}

// Of each label, over the images in which it is, or is predicted.
static void add_overlaps(cJSON *json, const struct predictions *p)
{
    cJSON *list = cJSON_AddArrayToObject(json, "overlaps");
    for (int group = 0; group < p->group_count; group++)
        for (int k = 0; k < p->groups[group].count; k++) {
            double sum = 0, low = INFINITY;
            int images = 0;
            for (int i = 0; i < p->dataset->count; i++) {
                const double dice = hard_dice(p, i, group, k + 1);
                sum += isnan(dice) ? 0 : dice;
                low = fmin(low, dice); // of NAN and a number, the number
                images += !isnan(dice);
            }
            cJSON *item = cJSON_CreateArray();
            cJSON_AddItemToArray(item, cJSON_CreateString(p->groups[group].names[k]));
            cJSON_AddItemToArray(item, cJSON_CreateNumber(images));
            cJSON_AddItemToArray(item,
                                 images ? cJSON_CreateNumber(sum / images) : cJSON_CreateNull());
            cJSON_AddItemToArray(item, images ? cJSON_CreateNumber(low) : cJSON_CreateNull());
            cJSON_AddItemToArray(list, item);
        }
}

static void add_results(cJSON *json, const struct cell *cell, const struct predictions *p)
{
    const struct dataset *dataset = p->dataset;
    const int feature = cell_background(cell), count = dataset->count;
    int order[PREDICT_IMAGES];
    for (int i = 0; i < count; i++) { // by insertion: best first
        int at = i;
        for (; at > 0 && p->dice[order[at - 1]] > p->dice[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    add_groups(json, p);
    add_overlaps(json, p);
    cJSON_AddStringToObject(json, "background", cell->features.names[feature]);
    cJSON *dice = cJSON_AddArrayToObject(json, "dice"),
          *images = cJSON_AddArrayToObject(json, "images");
    for (int i = 0; i < count; i++) {
        cJSON *pair = cJSON_CreateArray();
        cJSON_AddItemToArray(pair, cJSON_CreateString(dataset->names[order[i]]));
        cJSON_AddItemToArray(pair, cJSON_CreateNumber(p->dice[order[i]]));
        cJSON_AddItemToArray(dice, pair);
    }
    const int shown = count < SHOW_IMAGES ? count : SHOW_IMAGES;
    for (int i = 0; i < shown; i++)
        add_image(images, p, order[shown > 1 ? i * (count - 1) / (shown - 1) : 0], feature);
}

// Some of the validation half, or of the fold that the network has not seen, evenly spread. They
// stand as training samples: a data set must have some.
static bool load_images(const struct cell *cell, int fold, cJSON *json, struct dataset **dataset)
{
    struct sample_names samples;
    const char *chosen[PREDICT_IMAGES];
    const int64_t fit = PREDICT_PIXELS / ((int64_t)cell->rows * cell->cols);
    if (!cell->data)
        return error_set("the study does not say where its data lies: -d DIR is needed");
    if (!json_member(cell->options, "partition"))
        return error_set("%s: has no partition", cell->name);
    if (cell->folds > 0)
        cell_fold_samples(cell, fold, &samples);
    else
        cell_samples(cell, &samples);
    const int all = samples.validation_count;
    int count = all < PREDICT_IMAGES ? all : PREDICT_IMAGES;
    count = count <= fit ? count : fit < 1 ? 1 : (int)fit;
    for (int i = 0; i < count; i++)
        chosen[i] = samples.validation[(int64_t)i * all / count];
    struct dataset_request request = cell_request(cell);
    request.training = chosen;
    request.training_count = count;
    cJSON_AddNumberToObject(json, "all", all);
    const bool loaded = dataset_load(&request, dataset);
    sample_names_free(&samples);
    return loaded;
}

static bool predict_cell(const char *path, const struct cell *cell, struct engine *engine,
                         cJSON *json)
{
    int fold;
    struct dataset *dataset = NULL;
    struct tensors weights = {0};
    struct predictions p = {0};
    CHECK(weights_fold(path, &fold));
    if (cell->folds > 0 && (fold < 0 || fold >= cell->folds))
        FAIL("%s: does not say which fold it is", path);
    if (cell->folds > 0) {
        cJSON_AddNumberToObject(json, "fold", fold);
        cJSON_AddNumberToObject(json, "folds", cell->folds);
    }
    CHECK(load_images(cell, fold, json, &dataset));
    CHECK(weights_read_unet(path, cell->base_model, cell->features.count, cell->labels.count,
                            &weights));
    p.dataset = dataset;
    p.pixels = (size_t)dataset->rows * (size_t)dataset->cols;
    p.group_count =
        label_groups(cell->prediction, cell->labels.names, cell->labels.count, p.groups);
    for (int i = 0; i < p.group_count; i++)
        if (p.groups[i].count >= LABEL_CLASSES)
            FAIL("%d labels are too many for a label map", p.groups[i].count);
    p.labels = mem_zalloc((size_t)(dataset->count * p.group_count), p.pixels);
    p.maps = mem_zalloc((size_t)(dataset->count * p.group_count), p.pixels);
    CHECK(predict(engine, cell->base_model, PRECISION_FP32, dataset, cell->labels.count, &weights,
                  PREDICT_BATCH, take_prediction, &p));
    add_results(json, cell, &p);
    free(p.labels);
    free(p.maps);
    tensors_free(&weights);
    dataset_free(&dataset);
    return true;
error:
    free(p.labels);
    free(p.maps);
    tensors_free(&weights);
    dataset_free(&dataset);
    return false;
}

// Beside its weights. data: NULL: where they were then or, if they are there no more, `moved`.
static bool read_cell(const char *weights, const char *data, const char *moved, struct cell *cell)
{
    const int length = (int)(strrchr(weights, '/') - weights);
    char *path = text_format("%.*s/options.json", length, weights);
    cJSON *options = NULL;
    bool read = json_read(path, &options) && json_expect_object(options, path);
    const char *before = cJSON_GetStringValue(json_member(options, "data_cache_path"));
    if (!data && moved && !(before && folder_exists(before)))
        data = moved;
    if (read && data) {
        cJSON_DeleteItemFromObjectCaseSensitive(options, "data_cache_path");
        cJSON_AddStringToObject(options, "data_cache_path", data);
    }
    read = read && cell_from_options(options, path, cell);
    cJSON_Delete(options);
    free(path);
    return read;
}

// A path below the study's folder, and nothing else.
static bool is_inside(const char *path)
{
    return *path && *path != '/' && strcmp(path, "..") != 0 && strncmp(path, "../", 3) != 0 &&
           !strstr(path, "/..");
}

// The cell that ranks first; of cells that rank equally the one with the lowest loss.
static const cJSON *best_cell(const cJSON *task)
{
    const cJSON *cell, *best = NULL;
    cJSON_ArrayForEach(cell, json_member(task, "cells"))
    {
        const char *state = cJSON_GetStringValue(json_member(cell, "state"));
        const double dice = cJSON_GetNumberValue(json_member(cell, "dice"));
        const cJSON *leader = best ? json_member(best, "dice") : NULL;
        if (state && strcmp(state, "COMPLETE") == 0 && !isnan(dice) &&
            (!leader || dice < cJSON_GetNumberValue(leader)))
            best = cell;
    }
    return best;
}

static bool predict_task(const char *out, const struct report_options *options, const cJSON *task,
                         const char *moved, cJSON *json)
{
    const cJSON *best = best_cell(task);
    const char *weights = best ? cJSON_GetStringValue(json_member(best, "weights")) : NULL;
    struct cell cell = {0};
    if (!best)
        return error_set("no cell is finished");
    const int number = (int)cJSON_GetNumberValue(json_member(best, "cell"));
    cJSON_AddNumberToObject(json, "cell", number);
    if (!weights)
        return error_set("the best cell's weights were not kept (--keep)");
    if (!is_inside(weights))
        return error_set("the weights \"%.80s\" do not lie in the study's folder", weights);
    if (!options->engine)
        return error_set("%s", options->no_engine ? options->no_engine : "no device was opened");
    char *path = text_format("%s/%s", out, weights);
    const bool predicted = read_cell(path, options->data, moved, &cell) &&
                           weights_read_statistics(path, &cell) &&
                           predict_cell(path, &cell, options->engine, json);
    free(path);
    cell_free(&cell);
    return predicted;
}

bool predictions_add(const char *out, const struct report_options *options, struct cJSON *data)
{
    // Where the study had its data last.
    const char *moved = cJSON_GetStringValue(json_member(json_member(data, "settings"), "data"));
    cJSON *task, *palette = cJSON_AddObjectToObject(data, "palette");
    cJSON_AddItemToObject(palette, "errors", picture_error_colours());
    cJSON_ArrayForEach(task, json_member(data, "tasks"))
    {
        cJSON *json = cJSON_AddObjectToObject(task, "predictions");
        if (predict_task(out, options, task, moved, json))
            continue;
        if (interrupt_requested())
            return false;
        cJSON_AddStringToObject(json, "why", error_text());
    }
    return true;
}
