// SPDX-License-Identifier: MIT
// The first ten steps of a training against PyTorch (tests/oracle/training.py): same fresh weights,
// same order; losses within 1e-4. Adam's first steps have the size of the learning rate however
// small the gradient is, so rounding errors grow from step to step, with the learning rate:
// PyTorch's own float32 losses are up to 4e-5 from its float64 ones at 0.00005, and up to 4e-4 at
// 0.0002, where nothing could be told from ten steps.
#include "tests/test.h"
#include "tests/hash_weights.h"
#include "tests/model/support.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/model/unet.h"
#include "vkgrid/model/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TOLERANCE 1e-4
#define STEPS 10
#define LR "0.00005"

// Epochs of three batches.
static const struct unet_shape shape = {
    .base_model = RESNET18,
    .rows = 64,
    .cols = 64,
    .features = 7,
    .labels = 3,
    .count = 6,
    .training_count = 6,
    .batch_size = 2,
};

static struct engine *engine;

// PyTorch's metrics [STEPS][3], from these weights.
static void run_oracle(const struct tensors *weights, float metrics[STEPS][3])
{
    char *in = process_path("fresh.safetensors"), *out = process_path("metrics.safetensors");
    struct tensors results = {0};
    must(weights_write(in, weights, NULL));
    const bool done = oracle_run((const char *[]){"training.py", "resnet18", "7", "3", "64", "64",
                                                  "6", "2", "10", LR, in, out, NULL});
    const bool read = done && safetensors_read(out, &results);
    unlink(in);
    unlink(out);
    free(in);
    free(out);
    assert_true(done);
    must(read);
    assert_int_equal(results.items[0].count, STEPS * 3);
    memcpy(metrics, results.items[0].values, STEPS * 3 * sizeof(float));
    tensors_free(&results);
}

static void write_data(struct program *program, const struct graph *graph, int tensor,
                       void (*hash)(uint32_t seed, size_t count, float *values))
{
    const size_t count = graph->tensors[tensor].count;
    float *values = mem_alloc(count * sizeof(*values));
    hash(0, count, values);
    must(program_write(program, tensor, 0, 0, count, values));
    free(values);
}

static void run_steps(struct program *program, const struct unet_tensors *at,
                      float metrics[STEPS][3])
{
    const int steps = shape.training_count / shape.batch_size;
    for (int done = 0; done < STEPS; done += steps) {
        const uint32_t start[2] = {0, 0};
        const int now = STEPS - done < steps ? STEPS - done : steps;
        must(program_write(program, at->position, 0, 0, 2, start));
        for (int i = 0; i < now; i++)
            must(program_run(program, ROUTINE_TRAIN, shape.batch_size));
        must(program_read(program, at->training_metrics, 0, 0, 3 * (size_t)now, metrics[done]));
    }
}

static void test_ten_steps(void **state)
{
    (void)state;
    struct unet_tensors at;
    struct tensors weights;
    struct program *program;
    float wanted[STEPS][3], found[STEPS][3];
    struct graph *graph = unet_training_graph(&shape, &at);
    weights_initial(graph, random_stream(3, 0, 0, RANDOM_WEIGHTS), &weights);
    run_oracle(&weights, wanted);

    const struct program_options options = {.slots = 1, .batch = shape.batch_size};
    const uint32_t order[] = {0, 1, 2, 3, 4, 5};
    const float lr = strtof(LR, NULL), bce_weight = 0.5f;
    must(program_create(engine, graph, &options, &program));
    must(weights_upload(program, graph, BLOCK_STATE, 0, &weights));
    write_data(program, graph, at.inputs, hash_inputs);
    write_data(program, graph, at.targets, hash_targets);
    must(program_write(program, at.training_order, 0, 0, 6, order));
    must(program_write(program, at.lr, 0, 0, 1, &lr));
    must(program_write(program, at.bce_weight, 0, 0, 1, &bce_weight));
    run_steps(program, &at, found);

    double worst = 0;
    for (int i = 0; i < STEPS; i++) {
        for (int k = 0; k < 3; k++) {
            const double error = fabs(found[i][k] / (double)wanted[i][k] - 1);
            if (!(error <= TOLERANCE))
                fail_msg("step %d, metric %d: %.8g, PyTorch has %.8g", i, k, found[i][k],
                         wanted[i][k]);
            worst = fmax(worst, error);
        }
    }
    printf("loss %.6f to %.6f, worst relative error %.2g\n", found[0][2], found[STEPS - 1][2],
           worst);
    program_destroy(&program);
    tensors_free(&weights);
    graph_destroy(&graph);
}

// Download gives what upload took, with the count of batches.
static void test_weights_of_a_slot(void **state)
{
    (void)state;
    struct unet_tensors at;
    struct tensors weights[2], again;
    struct program *program;
    struct graph *graph = unet_training_graph(&shape, &at);
    const struct program_options options = {.slots = 2, .batch = 1};
    must(program_create(engine, graph, &options, &program));
    for (int slot = 0; slot < 2; slot++) {
        weights_initial(graph, random_stream(slot, 0, 0, RANDOM_WEIGHTS), &weights[slot]);
        must(weights_upload(program, graph, BLOCK_STATE, slot, &weights[slot]));
    }
    must(program_write(program, at.mark, 0, 0, 1, &(uint32_t){0}));
    must(program_write(program, at.mark, 1, 0, 1, &(uint32_t){1}));
    must(program_run(program, ROUTINE_KEEP, 1));
    must(weights_upload(program, graph, BLOCK_STATE, 1, &weights[0]));
    must(weights_download(program, graph, BLOCK_BEST, 1, 99, &again));
    assert_int_equal(again.count, weights[1].count);
    for (int i = 0; i < again.count; i++) {
        const struct named_tensor *a = &weights[1].items[i], *b = &again.items[i];
        assert_string_equal(a->name, b->name);
        if (b->type == TENSOR_INT)
            assert_int_equal(*(int64_t *)b->values, 99);
        else
            assert_memory_equal(a->values, b->values, a->count * sizeof(float));
    }
    tensors_free(&again);
    for (int slot = 0; slot < 2; slot++)
        tensors_free(&weights[slot]);
    program_destroy(&program);
    graph_destroy(&graph);
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!oracle_available())
        return SKIPPED;
    engine = test_engine(count > 1 ? arguments[1] : NULL);
    if (!engine)
        return SKIPPED;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_of_a_slot),
        cmocka_unit_test(test_ten_steps),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    engine_close(&engine);
    return failed != 0;
}
