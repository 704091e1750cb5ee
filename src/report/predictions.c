// SPDX-License-Identifier: MIT
// What the best cell of each task makes of the validation images.
#include "report/parts.h"

#include "vkgrid/base/base64.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/data/label_map.h"
#include "vkgrid/formats/image.h"
#include "vkgrid/run/run.h"
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

// Okabe and Ito's colours for the colour-blind; the page gets them with its data.
#define COLOURS 8
static const uint8_t colours[COLOURS][3] = {{230, 159, 0},   {0, 114, 178},  {0, 158, 115},
                                            {204, 121, 167}, {86, 180, 233}, {213, 94, 0},
                                            {240, 228, 66},  {128, 128, 128}};
// A label that was missed, one where there is none, one for another.
#define ERROR_COLOURS 3
static const uint8_t error_colours[ERROR_COLOURS][3] = {{0, 0, 0}, {160, 160, 160}, {213, 94, 0}};

struct predictions {
    const struct dataset *dataset;
    size_t pixels;
    uint8_t *labels, *maps; // [image][pixel]: 0: none, else 1 + label
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

static bool take_prediction(void *context, int sample, const float *probabilities)
{
    struct predictions *p = context;
    const int labels = p->dataset->labels;
    const size_t first = (size_t)sample * p->pixels;
    const float *targets = p->dataset->targets + first * (size_t)labels;
    p->dice[sample] = dice_loss(probabilities, targets, labels, p->pixels);
    for (size_t i = 0; i < p->pixels; i++) {
        p->labels[first + i] = label_of(targets + i * (size_t)labels, labels, 1);
        p->maps[first + i] = label_of(probabilities + i, labels, p->pixels);
    }
    return !interrupt_requested() || error_set("report: interrupted");
}

static void add_png(cJSON *json, const char *name, int rows, int cols, int channels,
                    const uint8_t *pixels)
{
    uint8_t *bytes;
    size_t size;
    if (!png_pack(rows, cols, channels, pixels, &bytes, &size))
        return; // no memory: the page shows a gap
    char *text = base64(bytes, size), *url = text_format("data:image/png;base64,%s", text);
    cJSON_AddStringToObject(json, name, url);
    free(url);
    free(text);
    free(bytes);
}

// Every `step`-th pixel of a label map in colours on white.
static void add_map(cJSON *json, const char *name, const struct dataset *dataset, int step,
                    const uint8_t *map, const uint8_t (*palette)[3], int palette_size)
{
    const int rows = (dataset->rows + step - 1) / step, cols = (dataset->cols + step - 1) / step;
    uint8_t *pixels = mem_alloc(3 * (size_t)rows * (size_t)cols), *out = pixels;
    for (int row = 0; row < dataset->rows; row += step)
        for (int col = 0; col < dataset->cols; col += step) {
            const uint8_t label = map[(size_t)row * (size_t)dataset->cols + (size_t)col];
            if (label)
                memcpy(out, palette[(label - 1) % palette_size], 3);
            else
                memset(out, 255, 3);
            out += 3;
        }
    add_png(json, name, rows, cols, 3, pixels);
    free(pixels);
}

// One feature as grey, from its lowest to its highest value, light, so that labels show on it.
static void add_input(cJSON *json, const struct dataset *dataset, int step, int image, int feature)
{
    const int rows = (dataset->rows + step - 1) / step, cols = (dataset->cols + step - 1) / step;
    const size_t features = (size_t)dataset->features;
    const size_t count = (size_t)dataset->rows * (size_t)dataset->cols;
    const float *values = dataset->inputs + (size_t)image * count * features + (size_t)feature;
    uint8_t *pixels = mem_alloc((size_t)rows * (size_t)cols), *out = pixels;
    float low = values[0], high = values[0];
    for (size_t i = 0; i < count; i++) {
        low = fminf(low, values[i * features]);
        high = fmaxf(high, values[i * features]);
    }
    for (int row = 0; row < dataset->rows; row += step)
        for (int col = 0; col < dataset->cols; col += step) {
            const size_t at = (size_t)row * (size_t)dataset->cols + (size_t)col;
            const float share = high > low ? (values[at * features] - low) / (high - low) : 1;
            *out++ = (uint8_t)(255 * fminf(fmaxf(share, 0), 1));
        }
    add_png(json, "input", rows, cols, 1, pixels);
    free(pixels);
}

static void add_image(cJSON *images, const struct predictions *p, int image, int feature)
{
    const struct dataset *dataset = p->dataset;
    const int step = (dataset->cols + SHOW_COLS - 1) / SHOW_COLS;
    const uint8_t *labels = p->labels + (size_t)image * p->pixels,
                  *map = p->maps + (size_t)image * p->pixels;
    uint8_t *errors = mem_alloc(p->pixels);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", dataset->names[image]);
    cJSON_AddNumberToObject(json, "dice", p->dice[image]);
    for (size_t i = 0; i < p->pixels; i++)
        errors[i] = labels[i] == map[i] ? 0 : !map[i] ? 1 : !labels[i] ? 2 : 3;
    add_input(json, dataset, step, image, feature);
    add_map(json, "labels", dataset, step, labels, colours, COLOURS);
    add_map(json, "prediction", dataset, step, map, colours, COLOURS);
    add_map(json, "errors", dataset, step, errors, error_colours, ERROR_COLOURS);
    cJSON_AddItemToArray(images, json);
    free(errors);
}

// Curvature shows a cortex best; any other feature has to do.
static int background(const struct cell *cell)
{
    int first = 0;
    for (int i = cell->features.count - 1; i >= 0; i--) {
        if (strcmp(cell->features.names[i], "curvature") == 0)
            return i;
        if (strcmp(cell->features.names[i], "null") != 0)
            first = i;
    }
    return first;
}

static void add_results(cJSON *json, const struct cell *cell, const struct predictions *p)
{
    const struct dataset *dataset = p->dataset;
    const int feature = background(cell), count = dataset->count;
    int order[PREDICT_IMAGES];
    for (int i = 0; i < count; i++) { // by insertion: best first
        int at = i;
        for (; at > 0 && p->dice[order[at - 1]] > p->dice[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    cJSON_AddItemToObject(json, "labels",
                          cJSON_CreateStringArray(cell->labels.names, cell->labels.count));
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

// Some of the validation half, evenly spread. They stand as training samples: a data set must have
// some.
static bool load_images(const struct cell *cell, cJSON *json, struct dataset **dataset)
{
    struct sample_names samples;
    const char *chosen[PREDICT_IMAGES];
    const int64_t fit = PREDICT_PIXELS / ((int64_t)cell->rows * cell->cols);
    if (!cell->data)
        return error_set("the study does not say where its data lies: -d DIR is needed");
    if (!json_member(cell->options, "partition"))
        return error_set("%s: has no partition", cell->name);
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
    struct dataset *dataset = NULL;
    struct tensors weights = {0};
    struct predictions p = {0};
    CHECK(load_images(cell, json, &dataset));
    CHECK(weights_read_unet(path, cell->base_model, cell->features.count, cell->labels.count,
                            &weights));
    p.dataset = dataset;
    p.pixels = (size_t)dataset->rows * (size_t)dataset->cols;
    p.labels = mem_alloc((size_t)dataset->count * p.pixels);
    p.maps = mem_alloc((size_t)dataset->count * p.pixels);
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

// Beside its weights.
static bool read_cell(const char *weights, const char *data, struct cell *cell)
{
    const int length = (int)(strrchr(weights, '/') - weights);
    char *path = text_format("%.*s/options.json", length, weights);
    cJSON *options = NULL;
    bool read = json_read(path, &options) && json_expect_object(options, path);
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
                         cJSON *json)
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
    const bool predicted =
        read_cell(path, options->data, &cell) && predict_cell(path, &cell, options->engine, json);
    free(path);
    cell_free(&cell);
    return predicted;
}

static void add_colours(cJSON *palette, const char *name, const uint8_t (*list)[3], int count)
{
    cJSON *json = cJSON_AddArrayToObject(palette, name);
    for (int i = 0; i < count; i++) {
        char *colour = text_format("#%02x%02x%02x", list[i][0], list[i][1], list[i][2]);
        cJSON_AddItemToArray(json, cJSON_CreateString(colour));
        free(colour);
    }
}

bool predictions_add(const char *out, const struct report_options *options, struct cJSON *data)
{
    cJSON *task, *palette = cJSON_AddObjectToObject(data, "palette");
    add_colours(palette, "labels", colours, COLOURS);
    add_colours(palette, "errors", error_colours, ERROR_COLOURS);
    cJSON_ArrayForEach(task, json_member(data, "tasks"))
    {
        cJSON *json = cJSON_AddObjectToObject(task, "predictions");
        if (predict_task(out, options, task, json))
            continue;
        if (interrupt_requested())
            return false;
        cJSON_AddStringToObject(json, "why", error_text());
    }
    return true;
}
