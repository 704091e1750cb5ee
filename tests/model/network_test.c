// SPDX-License-Identifier: MIT
// One batch through the whole network against PyTorch in float32 (tests/oracle/network.py): logits,
// loss, running statistics and every parameter's gradient, each tensor within 1e-4 of its norm.
// PyTorch's own float32 gradients are up to 2e-5 from its float64 ones here. In mixed precision a
// tensor may be twice as far from PyTorch's float32 as PyTorch's own autocast to 16-bit numbers is,
// and a little more.
//
// network_test            on a device (support.h); VKGRID_FULL=1: all configurations
// network_test mixed      on a device, in mixed precision; VKGRID_FULL=1 as well
// network_test reference  on the reference engine: few and small ones, for it is slow
#include "tests/test.h"
#include "tests/hash_weights.h"
#include "tests/model/support.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/tensors.h"
#include "vkgrid/model/unet.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TOLERANCE 1e-4
#define MIXED_PARTS 2 // times the error of autocast to bfloat16; half that where they are float16
#define MIXED_FLOOR 5e-3 // for tensors of few numbers, where autocast may be lucky
#define BATCH 2
#define LOSS_SCALE 1024.0f // where activations are float16

struct configuration {
    enum base_model base_model;
    int features, labels, rows, cols;
    bool quick;     // part of a short run on a device
    bool reference; // run by the reference engine
    bool mixed;     // part of a short run in mixed precision
};

static const struct configuration configurations[] = {
    {RESNET18, 2, 1, 64, 64},
    {RESNET18, 2, 3, 64, 64},
    {RESNET18, 2, 5, 64, 64, .quick = true},
    {RESNET18, 7, 1, 64, 64},
    {RESNET18, 7, 3, 64, 64, .quick = true, .mixed = true},
    {RESNET18, 7, 5, 64, 64},
    {RESNET18, 14, 1, 64, 64},
    {RESNET18, 14, 3, 64, 64},
    {RESNET18, 14, 5, 64, 64},
    {RESNET34, 2, 1, 64, 64, .quick = true},
    {RESNET34, 2, 3, 64, 64},
    {RESNET34, 2, 5, 64, 64},
    {RESNET34, 7, 1, 64, 64},
    {RESNET34, 7, 3, 64, 64},
    {RESNET34, 7, 5, 64, 64},
    {RESNET34, 14, 1, 64, 64},
    {RESNET34, 14, 3, 64, 64},
    {RESNET34, 14, 5, 64, 64},
    {RESNET18, 2, 1, 32, 96},
    {RESNET18, 2, 3, 32, 96},
    {RESNET18, 2, 5, 32, 96},
    {RESNET18, 7, 1, 32, 96, .reference = true},
    {RESNET18, 7, 3, 32, 96},
    {RESNET18, 7, 5, 32, 96},
    {RESNET18, 14, 1, 32, 96, .quick = true},
    {RESNET18, 14, 3, 32, 96},
    {RESNET18, 14, 5, 32, 96},
    {RESNET34, 2, 1, 32, 96},
    {RESNET34, 2, 3, 32, 96, .reference = true},
    {RESNET34, 2, 5, 32, 96},
    {RESNET34, 7, 1, 32, 96, .quick = true},
    {RESNET34, 7, 3, 32, 96},
    {RESNET34, 7, 5, 32, 96},
    {RESNET34, 14, 1, 32, 96},
    {RESNET34, 14, 3, 32, 96},
    {RESNET34, 14, 5, 32, 96, .quick = true, .mixed = true},
};

#define CONFIGURATIONS (sizeof(configurations) / sizeof(configurations[0]))

static struct engine *engine;
static enum precision precision;

static bool gradients_scaled(void)
{
    return precision == PRECISION_MIXED && engine_device(engine)->half == HALF_FLOAT16;
}

// Results of PyTorch, and what they are compared with.
struct comparison {
    struct tensors expected;
    struct graph *graph;
    struct unet_tensors at;
    struct program *program;
    double worst, worst_part; // relative error, and what part of the bound it is
    char worst_name[128];
};

static void run_oracle(struct comparison *c, const struct configuration *of)
{
    char *path = process_path("network.safetensors");
    char *numbers[] = {text_format("%d", of->features), text_format("%d", of->labels),
                       text_format("%d", of->rows), text_format("%d", of->cols)};
    const bool done = oracle_ask((const char *[]){"network.py", base_model_name(of->base_model),
                                                  numbers[0], numbers[1], numbers[2], numbers[3],
                                                  path, precision_name(precision), NULL});
    const bool read = done && safetensors_read(path, &c->expected);
    unlink(path);
    free(path);
    for (int i = 0; i < 4; i++)
        free(numbers[i]);
    assert_true(done);
    must(read);
}

static const struct named_tensor *expected(const struct comparison *c, const char *kind,
                                           const char *name)
{
    char *full = text_format("%s%s", kind, name);
    const struct named_tensor *tensor = tensors_find(&c->expected, full);
    free(full);
    return tensor;
}

static double bound_of(const struct comparison *c, const char *kind, const char *name)
{
    if (precision == PRECISION_FP32)
        return TOLERANCE;
    char *full = text_format("error:%s%s", kind, name);
    const struct named_tensor *autocast = tensors_find(&c->expected, full);
    free(full);
    const double bound = MIXED_PARTS * *(const float *)autocast->values + MIXED_FLOOR;
    return engine_device(engine)->half == HALF_FLOAT16 ? bound / 2 : bound;
}

// |found - wanted| / |wanted| of a whole tensor.
static void compare(struct comparison *c, int tensor, size_t count, const char *kind,
                    const char *name)
{
    const struct named_tensor *wanted = expected(c, kind, name);
    if (!wanted)
        fail_msg("PyTorch has no %s%s", kind, name);
    assert_int_equal(wanted->count, count);
    float *found = mem_alloc(count * sizeof(*found));
    must(program_read(c->program, tensor, 0, 0, count, found));
    if (strcmp(kind, "gradient:") == 0 && gradients_scaled())
        for (size_t i = 0; i < count; i++)
            found[i] /= LOSS_SCALE;
    double difference = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        const double reference = ((const float *)wanted->values)[i];
        difference += (found[i] - reference) * (found[i] - reference);
        norm += reference * reference;
    }
    free(found);
    const double error = sqrt(difference / norm), bound = bound_of(c, kind, name);
    if (!(error <= bound)) // NaN too
        fail_msg("%s%s: relative error %g, at most %g is allowed", kind, name, error, bound);
    if (error / bound > c->worst_part) {
        c->worst = error;
        c->worst_part = error / bound;
        snprintf(c->worst_name, sizeof(c->worst_name), "%s%s", kind, name);
    }
}

static void write_state(struct comparison *c, uint32_t seed)
{
    for (int i = 0; i < c->graph->tensor_count; i++) {
        const struct tensor *tensor = &c->graph->tensors[i];
        if (tensor->block != BLOCK_STATE)
            continue;
        float *values = mem_alloc(tensor->count * sizeof(*values));
        const struct named_tensor *moved = expected(c, "state:", tensor->name);
        if (moved)
            memcpy(values, moved->values, tensor->count * sizeof(*values));
        else
            hash_state(tensor, seed, values);
        must(program_write(c->program, i, 0, 0, tensor->count, values));
        free(values);
    }
}

// The first targets of a data tensor, as many as a batch has.
static void write_samples(struct comparison *c, int tensor, uint32_t seed,
                          void (*hash)(uint32_t seed, size_t count, float *values))
{
    const struct tensor *t = &c->graph->tensors[tensor];
    const size_t count = (size_t)BATCH * (size_t)t->rows * (size_t)t->cols * (size_t)t->channels;
    float *values = mem_alloc(count * sizeof(*values));
    hash(seed, count, values);
    must(program_write(c->program, tensor, 0, 0, count, values));
    free(values);
}

static void write_all(struct comparison *c)
{
    const uint32_t seed = (uint32_t) * (int64_t *)tensors_find(&c->expected, "seed")->values;
    const uint32_t order[BATCH] = {0, 1};
    const float lr = 1e-3f, bce_weight = 0.5f, correction[2] = {0, 0},
                loss_scale[3] = {LOSS_SCALE, 0, 0};
    write_state(c, seed);
    write_samples(c, c->at.inputs, seed, hash_inputs);
    write_samples(c, c->at.targets, seed, hash_targets);
    must(program_write(c->program, c->at.training_order, 0, 0, BATCH, order));
    must(program_write(c->program, c->at.validation_order, 0, 0, BATCH, order));
    must(program_write(c->program, c->at.lr, 0, 0, 1, &lr));
    must(program_write(c->program, c->at.bce_weight, 0, 0, 1, &bce_weight));
    must(program_write(c->program, c->at.correction, 0, 0, 2, correction));
    must(program_write(c->program, c->at.loss_scale, 0, 0, 3, loss_scale));
}

static void run(struct comparison *c, enum routine routine)
{
    const uint32_t start[2] = {0, 0};
    must(program_write(c->program, c->at.position, 0, 0, 2, start));
    must(program_run(c->program, routine, BATCH));
    must(program_check_guards(c->program));
}

static void compare_logits(struct comparison *c, enum routine routine, const char *name)
{
    const int logits = c->at.logits[routine];
    compare(c, logits, BATCH * c->graph->tensors[logits].count, "", name);
}

static void compare_gradients(struct comparison *c)
{
    int wanted = 0, found = 0;
    for (int i = 0; i < c->expected.count; i++)
        wanted += strncmp(c->expected.items[i].name, "gradient:", 9) == 0;
    for (int i = 0; i < c->graph->tensor_count; i++) {
        const struct tensor *tensor = &c->graph->tensors[i];
        if (tensor->parameter) {
            compare(c, tensor->gradient, tensor->count, "gradient:", tensor->name);
            found++;
        } else if (tensor->block == BLOCK_STATE) {
            compare(c, i, tensor->count, "after:", tensor->name);
        }
    }
    assert_int_equal(found, wanted);
}

static void test_configuration(void **state)
{
    const struct configuration *of = *state;
    struct comparison c = {0};
    run_oracle(&c, of);
    const struct unet_shape shape = {
        .base_model = of->base_model,
        .rows = of->rows,
        .cols = of->cols,
        .features = of->features,
        .labels = of->labels,
        .count = 2 * BATCH, // the second half only gives validation_order its length
        .training_count = BATCH,
        .batch_size = BATCH,
    };
    c.graph = unet_training_graph(&shape, &c.at);
    const struct program_options options = {
        .slots = 1, .batch = BATCH, .inspect = true, .precision = precision};
    must(program_create(engine, c.graph, &options, &c.program));
    write_all(&c);
    run(&c, ROUTINE_EVALUATE);
    compare_logits(&c, ROUTINE_EVALUATE, "evaluation");
    run(&c, ROUTINE_TRAIN);
    compare_logits(&c, ROUTINE_TRAIN, "logits");
    compare(&c, c.at.training_metrics, 3, "", "metrics");
    compare_gradients(&c);
    printf("worst tensor: %s, %.2g, %.2f of the bound\n", c.worst_name, c.worst, c.worst_part);
    program_destroy(&c.program);
    graph_destroy(&c.graph);
    tensors_free(&c.expected);
}

static bool selected(const struct configuration *of, bool reference)
{
    if (reference)
        return of->reference;
    return (precision == PRECISION_MIXED ? of->mixed : of->quick) || getenv("VKGRID_FULL");
}

int main(int count, char **arguments)
{
    const char *wanted = count > 1 ? arguments[1] : NULL;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!oracle_available())
        return SKIPPED;
    precision = test_precision(wanted);
    engine = test_engine(wanted);
    if (!engine)
        return SKIPPED;
    int failed = 0;
    for (size_t i = 0; i < CONFIGURATIONS; i++) {
        struct configuration of = configurations[i];
        if (!selected(&of, wanted && strcmp(wanted, "reference") == 0))
            continue;
        char *name =
            text_format("%s, %d features, %d labels, %d x %d", base_model_name(of.base_model),
                        of.features, of.labels, of.rows, of.cols);
        const struct CMUnitTest test[] = {
            {.name = name, .test_func = test_configuration, .initial_state = &of}};
        failed += cmocka_run_group_tests(test, NULL, NULL);
        free(name);
    }
    engine_close(&engine);
    return failed != 0 || !oracle_end();
}
