// SPDX-License-Identifier: MIT
// What a driver's compiler makes of every pipeline that training uses. Nothing is run, so a driver
// without its device will do (bench/compile_lab).
//
//   pipelines [--matrix auto|on|off] [BATCH]
//
// Takes the first Vulkan device. Prints one JSON object a line: first the device and its driver,
// then each kernel with its specialisation constants (shaders/*.glsl) and the driver's statistics.
#include "bench/published.h"
#include "engine/vulkan/create.h"
#include "engine/vulkan/device.h"
#include "engine/vulkan/kernels.h"
#include "engine/vulkan/pipelines.h"
#include "engine/vulkan/statistics.h"
#include "vkgrid/base/error.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_statistic(void *context, const char *name, double value)
{
    cJSON_AddNumberToObject(context, name, value);
}

static bool print_pipeline(struct vulkan_engine *engine, const struct pipeline *pipeline)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *constants = cJSON_CreateIntArray((const int *)pipeline->constants, KERNEL_CONSTANTS);
    cJSON_AddStringToObject(json, "kernel", vulkan_kernel_name(pipeline->kernel));
    cJSON_AddStringToObject(json, "activations", pipeline->half ? "fp16" : "fp32");
    cJSON_AddItemToObject(json, "constants", constants);
    cJSON_AddBoolToObject(json, "based", pipeline->based);
    cJSON *statistics = cJSON_AddObjectToObject(json, "statistics");
    const bool told = vulkan_statistics(engine, pipeline->pipeline, add_statistic, statistics);
    print_line(json);
    return told;
}

#define PACK 64 // slots

static bool compile(struct vulkan_engine *engine, enum base_model base_model,
                    enum precision precision, int slots, int batch)
{
    struct unet_tensors tensors;
    const struct unet_shape shape = published_shape(base_model, precision, batch);
    const struct program_options options = {.slots = slots, .batch = batch, .precision = precision};
    struct graph *training = unet_training_graph(&shape, &tensors);
    struct graph *prediction = unet_prediction_graph(&shape, &tensors);
    const bool made =
        vulkan_compile(engine, training, &options) && vulkan_compile(engine, prediction, &options);
    graph_destroy(&training);
    graph_destroy(&prediction);
    return made;
}

static bool print_all(int batch)
{
    struct engine *base = NULL;
    CHECK(vulkan_open_lab(0, &base));
    struct vulkan_engine *engine = (struct vulkan_engine *)base;
    if (!engine->capture)
        FAIL("%s: the driver tells no statistics of pipelines", base->device.name);
    cJSON *device = cJSON_CreateObject();
    cJSON_AddStringToObject(device, "device", base->device.name);
    cJSON_AddStringToObject(device, "driver", base->device.driver);
    print_line(device);
    for (int p = PRECISION_FP32; p <= PRECISION_MIXED; p++) {
        if (p == PRECISION_MIXED && base->device.half == HALF_NONE)
            continue;
        // Few slots, some and many: tiles differ.
        for (int slots = 1; slots <= PACK; slots *= 8) {
            CHECK(compile(engine, RESNET18, (enum precision)p, slots, batch));
            CHECK(compile(engine, RESNET34, (enum precision)p, slots, batch));
        }
    }
    for (int i = 0; i < engine->pipeline_count; i++)
        CHECK(print_pipeline(engine, &engine->pipelines[i]));
    vulkan_engine_ops.close(base);
    return true;
error:
    if (base)
        vulkan_engine_ops.close(base);
    return false;
}

int main(int count, char **arguments)
{
    enum matrix_use matrix = MATRIX_AUTO;
    int at = 1;
    if (count > 2 && strcmp(arguments[1], "--matrix") == 0) {
        if (!matrix_use_parse(arguments[2], &matrix)) {
            fprintf(stderr, "pipelines: --matrix: auto, on or off is allowed\n");
            return 2;
        }
        at = 3;
    }
    engine_matrix(matrix);
    const int batch = count > at ? atoi(arguments[at]) : 4;
    if (batch < 1 || batch > 1024) {
        fprintf(stderr, "pipelines: BATCH: 1 to 1024 is allowed\n");
        return 2;
    }
    if (print_all(batch))
        return 0;
    fprintf(stderr, "pipelines: %s\n", error_text());
    return 1;
}
