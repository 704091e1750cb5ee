// SPDX-License-Identifier: MIT
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>

#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"

// [pixel][label] logits to [label][pixel] probabilities.
static void probabilities(const float *logits, size_t pixels, int labels, float *out)
{
    for (int k = 0; k < labels; k++)
        for (size_t i = 0; i < pixels; i++)
            out[(size_t)k * pixels + i] =
                (float)(1 / (1 + exp(-(double)logits[i * (size_t)labels + (size_t)k])));
}

// The device holds one batch of the data set at a time, so that any number of samples fits.
static bool predict_batch(struct program *program, const struct unet_tensors *tensors,
                          const struct dataset *dataset, int first, int n, size_t logit_count,
                          float *logits)
{
    const uint32_t start[2] = {0, 0};
    const size_t sample = (size_t)dataset->rows * (size_t)dataset->cols * (size_t)dataset->features;

    return program_write(program, tensors->inputs, 0, 0, (size_t)n * sample,
                         dataset->inputs + (size_t)first * sample) &&
           program_write(program, tensors->position, 0, 0, 2, start) &&
           program_run(program, ROUTINE_PREDICT, n) &&
           program_read(program, tensors->logits[ROUTINE_PREDICT], 0, 0, logit_count, logits);
}

static bool predict_all(struct program *program, const struct unet_tensors *tensors,
                        const struct dataset *dataset, int labels, int batch,
                        bool (*each)(void *, int, const float *), void *context)
{
    const size_t pixels = (size_t)dataset->rows * (size_t)dataset->cols;
    const size_t size = pixels * (size_t)labels;
    float *logits = mem_zalloc((size_t)batch * size, sizeof *logits);
    float *out = mem_zalloc(size, sizeof *out);

    for (int first = 0; first < dataset->count; first += batch) {
        const int n = dataset->count - first < batch ? dataset->count - first : batch;
        if (interrupt_requested())
            FAIL("prediction: interrupted");
        CHECK(predict_batch(program, tensors, dataset, first, n, (size_t)n * size, logits));
        for (int i = 0; i < n; i++) {
            probabilities(logits + (size_t)i * size, pixels, labels, out);
            CHECK(each(context, first + i, out));
        }
    }
    free(logits);
    free(out);
    return true;
error:
    free(logits);
    free(out);
    return false;
}

bool predict(struct engine *engine, enum base_model base_model, enum precision precision,
             const struct dataset *dataset, int labels, const struct tensors *weights,
             int batch_size, bool (*each)(void *context, int sample, const float *probabilities),
             void *context)
{
    const int batch = batch_size < dataset->count ? batch_size : dataset->count;
    const struct unet_shape shape = {
        .base_model = base_model,
        .rows = dataset->rows,
        .cols = dataset->cols,
        .features = dataset->features,
        .labels = labels,
        .count = batch,
        .batch_size = batch,
    };
    const struct program_options options = {.slots = 1, .batch = batch, .precision = precision};
    struct unet_tensors tensors;
    struct graph *graph = NULL;
    struct program *program = NULL;
    uint32_t *order = NULL;

    if (batch < 1)
        FAIL("prediction: %d samples in batches of %d: at least 1 is needed of each",
             dataset->count, batch_size);
    graph = unet_prediction_graph(&shape, &tensors);
    order = mem_zalloc((size_t)batch, sizeof *order);
    order_identity(order, 0, batch);
    CHECK(program_create(engine, graph, &options, &program));
    CHECK(weights_upload(program, graph, BLOCK_STATE, 0, weights));
    CHECK(program_write(program, tensors.training_order, 0, 0, (size_t)batch, order));
    CHECK(predict_all(program, &tensors, dataset, labels, batch, each, context));
    program_destroy(&program);
    graph_destroy(&graph);
    free(order);
    return true;
error:
    program_destroy(&program);
    graph_destroy(&graph);
    free(order);
    return false;
}
