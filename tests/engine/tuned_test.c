// SPDX-License-Identifier: MIT
// No tile that tuning may choose changes a bit: every candidate by itself against the kernels
// without shared memory, and steps of a whole network without a tuning file and with two that have
// nothing in common.
#include "tests/test.h"
#include "engine/fuse.h"
#include "engine/vulkan/candidates.h"
#include "engine/vulkan/ops.h"
#include "engine/vulkan/tuning.h"
#include "tests/engine/op_case.h"
#include "tests/formats/scratch.h"
#include "tests/hash_weights.h"
#include "tests/test_device.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/model/unet.h"

enum { STEPS = 2 };

static struct vulkan_engine *open_with(const char *variable, const char *value)
{
    setenv(variable, value, true);
    struct engine *engine = open_test_device();
    setenv("VKGRID_TUNING", "off", true);
    unsetenv("VKGRID_TILE");
    return (struct vulkan_engine *)engine;
}

// --- Candidates ---------------------------------------------------------------------------------

static const struct {
    struct op_shape shape; // rows, cols, in, out, kernel, stride, batch, n, slots
    enum conv_family family;
} shapes[] = {
    {{13, 11, 68, 72, 3, 1, 2, 2, 2}, CONV_WINOGRAD},
    {{13, 11, 68, 72, 1, 1, 2, 2, 2}, CONV_SHARED},
    {{9, 7, 6, 5, 3, 2, 2, 1, 1}, CONV_DIRECT}, // no vectors: only some candidates
};

static struct conv_problem problem_of(enum op_kind kind, const struct op_shape *shape)
{
    const int quads = (shape->rows + 1) / 2 * ((shape->cols + 1) / 2);
    return (struct conv_problem){.kind = kind,
                                 .pixels = (uint32_t)(shape->rows * shape->cols * shape->n),
                                 .quads = (uint32_t)(quads * shape->n),
                                 .in = (uint32_t)shape->in,
                                 .out = (uint32_t)shape->out,
                                 .kernel = (uint32_t)shape->kernel,
                                 .stride = (uint32_t)shape->stride,
                                 .splits = 1,
                                 .slots = (uint32_t)shape->slots};
}

// Returns the family that all of them are of, or make the bits of.
static enum conv_family check_candidates(struct vulkan_engine *engine, enum op_kind kind,
                                         const struct op_shape *shape)
{
    const struct conv_problem problem = problem_of(kind, shape);
    const enum device_kind kind_before = engine->base.device.kind;
    struct vulkan_engine *first = open_with("VKGRID_TUNING", "off");
    struct engine *expected = &first->base;
    struct conv_tile tile, chosen;
    int count = 0;
    engine->base.device.kind = DEVICE_DISCRETE; // with tiles in shared memory
    assert_true(conv_candidate(engine, &problem, 0, &chosen));
    first->trial = &chosen;
    for (; conv_candidate(engine, &problem, count, &tile); count++) {
        struct op_report report = {0};
        engine->trial = &tile;
        must(op_case_check(&op_tests[kind], shape, &engine->base, PRECISION_FP32, expected,
                           PRECISION_FP32, &report));
        if (report.worst != 0)
            fail_msg("%s: candidate %d (family %d, %u, %ux%u) differs by %g", op_name(kind), count,
                     (int)tile.family, tile.local, tile.rows, tile.columns, report.worst);
        engine->trial = NULL;
    }
    engine->base.device.kind = kind_before;
    engine_close(&expected);
    if (count < 2)
        fail_msg("%s, %d -> %d: no tile but the default", op_name(kind), shape->in, shape->out);
    return chosen.family;
}

static void test_candidates(void **state)
{
    static const enum op_kind kinds[] = {OP_CONV, OP_CONV_INPUT_GRAD, OP_CONV_WEIGHT_GRAD};
    (void)state;
    struct vulkan_engine *engine = open_with("VKGRID_TUNING", "off");
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
            assert_int_equal(check_candidates(engine, kinds[k], &shapes[i].shape),
                             shapes[i].family);
    struct engine *base = &engine->base;
    engine_close(&base);
}

// --- A network ----------------------------------------------------------------------------------

static const struct unet_shape network = {.rows = 32,
                                          .cols = 32,
                                          .features = 3,
                                          .labels = 2,
                                          .count = 4,
                                          .training_count = 2 * STEPS,
                                          .batch_size = 2};

static struct program_options options_of(enum precision precision)
{
    return (struct program_options){.slots = 1, .batch = 2, .precision = precision};
}

static void fill(struct program *program, const struct unet_tensors *tensors)
{
    const struct graph *graph = program->graph;
    const uint32_t order[2 * STEPS] = {3, 1, 0, 2}, position[2] = {0, 0};
    const float lr = 0.001f, bce_weight = 0.5f;
    float *values = NULL;
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (tensor->block != BLOCK_STATE && t != tensors->inputs && t != tensors->targets)
            continue;
        values = mem_grow(values, tensor->count, sizeof *values);
        t == tensors->inputs    ? hash_inputs(5, tensor->count, values)
        : t == tensors->targets ? hash_targets(6, tensor->count, values)
                                : hash_state(tensor, 7, values);
        assert_true(program_write(program, t, 0, 0, tensor->count, values));
    }
    free(values);
    assert_true(program_write(program, tensors->training_order, 0, 0, 2 * STEPS, order));
    assert_true(program_write(program, tensors->position, 0, 0, 2, position));
    assert_true(program_write(program, tensors->lr, 0, 0, 1, &lr));
    assert_true(program_write(program, tensors->bce_weight, 0, 0, 1, &bce_weight));
}

// The weights after a few steps, one after the other.
static float *train(struct engine *engine, enum precision precision, size_t *count)
{
    const struct program_options options = options_of(precision);
    struct unet_tensors tensors;
    struct graph *graph = unet_training_graph(&network, &tensors);
    struct program *program;
    float *weights = NULL;
    assert_true(program_create(engine, graph, &options, &program));
    fill(program, &tensors);
    for (int i = 0; i < STEPS; i++)
        assert_true(program_run(program, ROUTINE_TRAIN, 2));
    *count = 0;
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (tensor->block != BLOCK_STATE)
            continue;
        weights = mem_grow(weights, *count + tensor->count, sizeof *weights);
        assert_true(program_read(program, t, 0, 0, tensor->count, weights + *count));
        *count += tensor->count;
    }
    program_destroy(&program);
    graph_destroy(&graph);
    return weights;
}

// A tuning file that has another tile than the default for every convolution: the `skip`th of its
// candidates, counted round. Returns how many it has.
static int write_file(const struct vulkan_engine *engine, enum precision precision,
                      const char *path, int skip)
{
    const struct program_options options = options_of(precision);
    struct unet_tensors tensors;
    struct graph *graph = unet_training_graph(&network, &tensors);
    struct program *program;
    struct tuning tuning = {.path = text_copy(path), .identity = engine->tuning->identity};
    assert_true(program_create((struct engine *)engine, graph, &options, &program));
    const struct vulkan_program *run = (struct vulkan_program *)program;
    for (int i = 0; i < run->graph->routines[ROUTINE_TRAIN].count; i++) {
        const struct op *op = &run->graph->routines[ROUTINE_TRAIN].ops[i];
        const enum op_kind kind = fused_main(op->kind);
        if (kind != OP_CONV && kind != OP_CONV_INPUT_GRAD && kind != OP_CONV_WEIGHT_GRAD)
            continue;
        struct tuned_tile tile = {.problem = conv_problem_of(run, op, 2), .measured = true};
        int count = 0;
        while (conv_candidate(engine, &tile.problem, count, &tile.tile))
            count++;
        if (count < 2)
            continue; // the logits, which are too narrow for any other
        conv_candidate(engine, &tile.problem, 1 + skip % (count - 1), &tile.tile);
        tuning_put_tile(&tuning, &tile);
    }
    const int count = tuning.tile_count;
    assert_true(tuning_write(engine, &tuning));
    tuning_free(&tuning);
    program_destroy(&program);
    graph_destroy(&graph);
    return count;
}

// Two steps without a tuning file, and with `files` of them.
static void check_network(enum precision precision, int files)
{
    static const int skips[] = {0, 5};
    struct vulkan_engine *engine = open_with("VKGRID_TUNING", "off");
    struct engine *base = &engine->base;
    size_t count;
    assert_null(engine_tuning_file(base));
    float *expected = train(base, precision, &count);
    for (int i = 0; i < files; i++) {
        const char *path = scratch_path("tuning-%d-%d", (int)precision, i);
        const int tiles = write_file(engine, precision, path, skips[i]);
        struct vulkan_engine *tuned = open_with("VKGRID_TUNING", path);
        struct engine *tuned_base = &tuned->base;
        assert_int_equal(tuned->tuning->tile_count, tiles);
        assert_true(tiles > 30);
        float *weights = train(tuned_base, precision, &count);
        assert_memory_equal(weights, expected, count * sizeof *weights);
        free(weights);
        engine_close(&tuned_base);
    }
    free(expected);
    engine_close(&base);
}

static void test_network(void **state)
{
    (void)state;
    check_network(PRECISION_FP32, 2);
}

static void test_network_mixed(void **state)
{
    if (engine_device(*state)->half == HALF_NONE)
        skip();
    check_network(PRECISION_MIXED, 1);
}

// A file that cannot be used is as good as none, and is replaced.
static void test_broken_file(void **state)
{
    (void)state;
    const char *path = scratch_write(scratch_path("broken"), "{}", 2);
    struct vulkan_engine *engine = open_with("VKGRID_TUNING", path); // warns
    struct engine *base = &engine->base;
    const struct slot_times curve = {.count = 1, .points = {{1, 0.5}}};
    struct slot_times found;
    assert_int_equal(engine->tuning->tile_count, 0);
    assert_string_equal(engine_tuning_file(base), path);
    assert_false(engine_slot_times(base, "a", &found));
    assert_true(engine_keep_slot_times(base, "a", &curve));
    engine_close(&base);
    engine = open_with("VKGRID_TUNING", path);
    base = &engine->base;
    assert_true(engine_slot_times(base, "a", &found));
    assert_int_equal(found.count, 1);
    assert_int_equal(found.points[0].slots, 1);
    assert_true(found.points[0].seconds == 0.5);
    engine_close(&base);
}

int main(void)
{
    struct engine *device = (struct engine *)open_with("VKGRID_TUNING", "off");
    if (!device)
        return SKIPPED;
    if (engine_device(device)->kind == DEVICE_CPU) {
        printf("skipped: VKGRID_DEVICE is the processor, which has no tiles\n");
        engine_close(&device);
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_network),
        cmocka_unit_test_prestate(test_network_mixed, device),
        cmocka_unit_test(test_broken_file),
    };
    const int failed = cmocka_run_group_tests_name("tuned", tests, NULL, NULL);
    scratch_remove();
    engine_close(&device);
    return failed;
}
