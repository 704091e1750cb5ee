// SPDX-License-Identifier: MIT
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>

#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"

struct predictor {
    struct unet_shape shape; // its batch_size: most images at once
    struct unet_tensors tensors;
    struct graph *graph;
    struct program *program;
    float *logits; // [batch][pixel][label]
    float *output; // [label][pixel]
};

static size_t pixels_of(const struct predictor *predictor)
{
    return (size_t)predictor->shape.rows * (size_t)predictor->shape.cols;
}

// [pixel][label] logits to [label][pixel] probabilities.
static void probabilities(const float *logits, size_t pixels, int labels, float *out)
{
    for (int k = 0; k < labels; k++)
        for (size_t i = 0; i < pixels; i++)
            out[(size_t)k * pixels + i] =
                (float)(1 / (1 + exp(-(double)logits[i * (size_t)labels + (size_t)k])));
}

static void labels_first(const float *logits, size_t pixels, int labels, float *out)
{
    for (int k = 0; k < labels; k++)
        for (size_t i = 0; i < pixels; i++)
            out[(size_t)k * pixels + i] = logits[i * (size_t)labels + (size_t)k];
}

bool predictor_open(struct engine *engine, const struct unet_shape *shape,
                    const struct tensors *weights, struct predictor **predictor)
{
    struct predictor *made = mem_zalloc(1, sizeof *made);
    const int batch = shape->batch_size;
    const struct program_options options = {
        .slots = 1, .batch = batch, .precision = shape->precision};
    uint32_t *order = NULL;
    *predictor = NULL;
    made->shape = *shape;
    made->shape.count = batch; // the device holds one batch at a time, so that any number fits
    if (batch < 1)
        FAIL("prediction: in batches of %d: at least 1 is needed", batch);
    made->graph = unet_prediction_graph(&made->shape, &made->tensors);
    order = mem_zalloc((size_t)batch, sizeof *order);
    order_identity(order, 0, batch);
    CHECK(program_create(engine, made->graph, &options, &made->program));
    CHECK(weights_upload(made->program, made->graph, BLOCK_STATE, 0, weights));
    CHECK(program_write(made->program, made->tensors.training_order, 0, 0, (size_t)batch, order));
    const size_t size = pixels_of(made) * (size_t)shape->labels;
    made->logits = mem_zalloc((size_t)batch * size, sizeof *made->logits);
    made->output = mem_zalloc(size, sizeof *made->output);
    free(order);
    *predictor = made;
    return true;
error:
    free(order);
    predictor_close(&made);
    return false;
}

void predictor_close(struct predictor **predictor)
{
    struct predictor *old = *predictor;
    if (!old)
        return;
    program_destroy(&old->program);
    graph_destroy(&old->graph);
    free(old->logits);
    free(old->output);
    free(old);
    *predictor = NULL;
}

static bool predict_batch(struct predictor *predictor, const float *inputs, int n)
{
    const uint32_t start[2] = {0, 0};
    const struct unet_tensors *tensors = &predictor->tensors;
    const size_t pixels = (size_t)n * pixels_of(predictor);
    return program_write(predictor->program, tensors->inputs, 0, 0,
                         pixels * (size_t)predictor->shape.features, inputs) &&
           program_write(predictor->program, tensors->position, 0, 0, 2, start) &&
           program_run(predictor->program, ROUTINE_PREDICT, n) &&
           program_read(predictor->program, tensors->logits[ROUTINE_PREDICT], 0, 0,
                        pixels * (size_t)predictor->shape.labels, predictor->logits);
}

static bool run(struct predictor *predictor, bool as_logits, const float *inputs, int count,
                bool (*each)(void *context, int sample, const float *values), void *context)
{
    const struct unet_shape *shape = &predictor->shape;
    const size_t pixels = pixels_of(predictor);
    for (int first = 0; first < count; first += shape->batch_size) {
        const int n = count - first < shape->batch_size ? count - first : shape->batch_size;
        if (interrupt_requested())
            return error_set("prediction: interrupted");
        if (!predict_batch(predictor, inputs + (size_t)first * pixels * (size_t)shape->features, n))
            return false;
        for (int i = 0; i < n; i++) {
            const float *logits = predictor->logits + (size_t)i * pixels * (size_t)shape->labels;
            (as_logits ? labels_first : probabilities)(logits, pixels, shape->labels,
                                                       predictor->output);
            if (!each(context, first + i, predictor->output))
                return false;
        }
    }
    return true;
}

bool predictor_run(struct predictor *predictor, const float *inputs, int count,
                   bool (*each)(void *context, int sample, const float *probabilities),
                   void *context)
{
    return run(predictor, false, inputs, count, each, context);
}

bool predictor_run_logits(struct predictor *predictor, const float *inputs, int count,
                          bool (*each)(void *context, int sample, const float *logits),
                          void *context)
{
    return run(predictor, true, inputs, count, each, context);
}

bool predict(struct engine *engine, enum base_model base_model, enum precision precision,
             const struct dataset *dataset, int labels, const struct tensors *weights,
             int batch_size, bool (*each)(void *context, int sample, const float *probabilities),
             void *context)
{
    const struct unet_shape shape = {
        .base_model = base_model,
        .rows = dataset->rows,
        .cols = dataset->cols,
        .features = dataset->features,
        .labels = labels,
        .batch_size = batch_size < dataset->count ? batch_size : dataset->count,
        .precision = precision,
    };
    struct predictor *predictor;
    if (!predictor_open(engine, &shape, weights, &predictor))
        return false;
    const bool predicted = predictor_run(predictor, dataset->inputs, dataset->count, each, context);
    predictor_close(&predictor);
    return predicted;
}
