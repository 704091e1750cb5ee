// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/formats/image.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/check_weights.h"
#include "vkgrid/run/run.h"
#include "vkgrid/study/weights_note.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/data/label_map.h"
#include "vkgrid/train/train.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Keys of a cell that say nothing about its network, but that a cell must have.
static void fill_in(cJSON *options)
{
    static const char *const keys[] = {"lr", "gamma", "bce_weight", "batch_size"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (!json_member(options, keys[i]))
            cJSON_AddNumberToObject(options, keys[i], 1);
    }
}

static cJSON *split(const char *text)
{
    cJSON *list = cJSON_CreateArray();
    char *copy = text_copy(text), *rest = copy, *part;
    while ((part = strsep(&rest, ",")))
        cJSON_AddItemToArray(list, cJSON_CreateString(part));
    free(copy);
    return list;
}

// --inputs and --prediction: the name of a set, or the members of one that is made here.
static void put_set(cJSON *options, const char *key, const char *value)
{
    if (!value)
        return;
    if (!strchr(value, ',')) {
        put_option(options, key, cJSON_CreateString(value));
        return;
    }
    cJSON *features = json_member(options, "features");
    if (!features)
        features = cJSON_AddObjectToObject(options, "features");
    put_option(features, key, cJSON_CreateObject());
    cJSON_AddItemToObject(json_member(features, key), "listed", split(value));
    put_option(options, key, cJSON_CreateString("listed"));
}

// What is known of the network: from --options, else from the weights file; then from the
// command line.
static bool describe(const struct options *options, cJSON **json)
{
    const char *file = options->values[OPTION_OPTIONS], *weights = options->values[OPTION_WEIGHTS];
    if (file ? !json_read(file, json) : !weights_describe(weights, json))
        return false;
    if (!*json)
        *json = cJSON_CreateObject();
    if (!json_expect_object(*json, file ? file : weights))
        return false;
    put_set(*json, "inputs", options->values[OPTION_INPUTS]);
    put_set(*json, "prediction", options->values[OPTION_PREDICTION]);
    if (option_set(options, OPTION_BASE_MODEL))
        put_option(*json, "base_model", cJSON_CreateString(options->values[OPTION_BASE_MODEL]));
    if (options->rows)
        put_option(*json, "image_size",
                   cJSON_CreateIntArray((const int[]){options->rows, options->cols}, 2));
    static const char *const needed[] = {"base_model", "inputs", "prediction", "image_size"};
    static const char *const by[] = {"--base-model", "--inputs", "--prediction", "--size"};
    for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
        if (!json_member(*json, needed[i]))
            return error_set("%s: does not say its %s: %s or --options is needed",
                             file ? file : weights, needed[i], by[i]);
    }
    put_option(*json, "pretrained", cJSON_CreateFalse());
    // Whatever the weights were trained with: every device predicts in fp32.
    put_option(*json, "precision",
               cJSON_CreateString(option_set(options, OPTION_PRECISION)
                                      ? options->values[OPTION_PRECISION]
                                      : "auto"));
    fill_in(*json);
    return true;
}

static bool read_cell(const struct options *options, struct cell *cell)
{
    const char *file = options->values[OPTION_OPTIONS];
    cJSON *json = NULL;
    const bool read = describe(options, &json) &&
                      cell_from_options(json, file ? file : options->values[OPTION_WEIGHTS], cell);
    cJSON_Delete(json);
    return read;
}

struct samples_found {
    char **names;
    int count;
};

static void free_samples(struct samples_found *samples)
{
    for (int i = 0; i < samples->count; i++)
        free(samples->names[i]);
    free(samples->names);
}

// --samples, or all files of the first feature that has files.
static bool find_samples(const struct options *options, const struct cell *cell,
                         struct samples_found *samples)
{
    const char *folder = options->values[OPTION_DATA], *feature = NULL;
    if (option_set(options, OPTION_SAMPLES)) {
        char *copy = text_copy(options->values[OPTION_SAMPLES]), *rest = copy, *part;
        bool good = true;
        while (good && (part = strsep(&rest, ","))) {
            good = *part && *part != '.' && !strchr(part, '/');
            if (!good)
                error_set(
                    "--samples: \"%s\": names without / that do not begin with a dot are allowed",
                    part);
            samples->names =
                mem_grow(samples->names, (size_t)samples->count + 1, sizeof(*samples->names));
            samples->names[samples->count++] = text_copy(part);
        }
        free(copy);
        return good;
    }
    for (int i = 0; !feature && i < cell->features.count; i++) {
        if (strcmp(cell->features.names[i], "null") != 0)
            feature = cell->features.names[i];
    }
    if (!feature)
        return error_set("%s: the network has no feature with files: --samples is needed",
                         cell->inputs);
    if (!dataset_list(folder, feature, &samples->names, &samples->count))
        return false;
    return samples->count > 0 || error_set("%s/%s: no samples there", folder, feature);
}

struct prediction {
    const char *out;
    const struct dataset *dataset;
    int labels;
};

static bool write_sample(void *context, int sample, const float *probabilities)
{
    const struct prediction *prediction = context;
    const struct dataset *dataset = prediction->dataset;
    const int dims[] = {prediction->labels, dataset->rows, dataset->cols};
    const size_t pixels = (size_t)dataset->rows * (size_t)dataset->cols;
    char *npy = text_format("%s/%s.npy", prediction->out, dataset->names[sample]);
    char *png = text_format("%s/%s.png", prediction->out, dataset->names[sample]);
    uint8_t *map = mem_alloc(pixels);
    for (size_t i = 0; i < pixels; i++)
        map[i] = label_of(probabilities + i, prediction->labels, pixels);
    const bool written = npy_write(npy, 3, dims, probabilities) &&
                         png_write(png, dataset->rows, dataset->cols, 1, map);
    free(map);
    free(png);
    free(npy);
    return written && (!interrupt_requested() || error_set("apply: interrupted"));
}

static bool load_inputs(const struct options *options, const struct cell *cell,
                        struct dataset **dataset)
{
    struct samples_found samples = {0};
    bool loaded = find_samples(options, cell, &samples);
    if (loaded) {
        struct dataset_request request = cell_request(cell);
        request.folder = options->values[OPTION_DATA];
        request.labels = NULL; // they are what is asked for
        request.label_count = 0;
        request.training = (const char *const *)samples.names;
        request.training_count = samples.count;
        loaded = dataset_load(&request, dataset);
    }
    free_samples(&samples);
    return loaded;
}

static bool apply(const struct options *options, const struct cell *cell, const char *out,
                  int *written)
{
    const int batch_size = (int)options->numbers[OPTION_BATCH_SIZE];
    const bool quiet = option_set(options, OPTION_QUIET);
    struct dataset *dataset = NULL;
    struct tensors weights = {0};
    struct engine *engine = NULL;
    const char *file = options->values[OPTION_WEIGHTS];
    char *note = NULL;
    int device;
    if (!folder_exists(options->values[OPTION_DATA]))
        return error_set("%s: no such data folder", options->values[OPTION_DATA]);
    CHECK(load_inputs(options, cell, &dataset));
    CHECK(weights_load_unet(file, cell->base_model, cell->features.count, cell->labels.count,
                            &weights, &note));
    weights_tell(file, note);
    CHECK(pick_device(options, quiet, &device));
    CHECK(engine_open(device, &engine));
    CHECK(folder_make(out));
    CHECK(folder_check_writable(out));
    struct prediction prediction = {.out = out, .dataset = dataset, .labels = cell->labels.count};
    CHECK(predict(engine, cell->base_model, cell->precision, dataset, cell->labels.count, &weights,
                  batch_size, write_sample, &prediction));
    *written = dataset->count;
    engine_close(&engine);
    tensors_free(&weights);
    dataset_free(&dataset);
    return true;
error:
    engine_close(&engine);
    tensors_free(&weights);
    dataset_free(&dataset);
    return false;
}

int command_apply(int argc, char **argv)
{
    struct options options;
    struct cell cell;
    int status, written = 0;
    if (!options_parse(COMMAND_APPLY, argc, argv, &options, &status))
        return status;
    if (!option_set(&options, OPTION_WEIGHTS))
        return command_misused("apply", "-w FILE: is missing");
    if (!option_set(&options, OPTION_DATA))
        return command_misused("apply", "-d DIR: is missing");
    if (!read_cell(&options, &cell))
        return command_failed();
    const char *out =
        option_set(&options, OPTION_OUT) ? options.values[OPTION_OUT] : "vkgrid-predictions";
    const bool done = apply(&options, &cell, out, &written);
    cell_free(&cell);
    if (!done)
        return command_failed();
    printf("%d samples written to %s\n", written, out);
    return 0;
}
