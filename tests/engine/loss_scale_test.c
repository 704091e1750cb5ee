// SPDX-License-Identifier: MIT
// Loss scaling (OP_LOSS) where activations are float16: a power of two changes no bit of a step; a
// step whose gradients overflow changes nothing but the scale; slots do not see each other. And the
// float16 copy of the weights: Adam rounds it as it is rounded when the host has written weights.
#include "tests/test.h"
#include "tests/test_device.h"
#include "vkgrid/base/error.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 3, SIZE = 8, CHANNELS = 8, LABELS = 2, WEIGHTS = 9 * CHANNELS * LABELS };

static struct engine *engine;

// What a training step leaves in a slot.
struct state {
    float weights[WEIGHTS], moments1[WEIGHTS], moments2[WEIGHTS];
    float correction[2], loss_scale[3];
};

struct network {
    struct graph *graph;
    int x, targets, bce_weight, metrics, position, lr, correction, loss_scale, weight;
    struct program *program;
};

static int table(struct network *net, const char *name, int count)
{
    return graph_table(net->graph, name, ELEMENT_FLOAT, 1, &count);
}

static void build(struct network *net, enum precision precision)
{
    struct graph *g = net->graph = graph_create();
    net->x = graph_activation(g, "x", SIZE, SIZE, CHANNELS);
    net->targets = graph_activation(g, "targets", SIZE, SIZE, LABELS);
    net->bce_weight = table(net, "bce_weight", 1);
    net->lr = table(net, "lr", 1);
    net->correction = table(net, "correction", 2);
    net->loss_scale = table(net, "loss_scale", 3);
    net->metrics = graph_table(g, "metrics", ELEMENT_FLOAT, 2, (int[]){4, 3});
    net->position = graph_shared(g, "position", ELEMENT_UINT, 2);
    const int logits = graph_conv(g, "conv", net->x, LABELS, 3, 1, false);
    net->weight = graph_find(g, "conv.weight");
    const int gradient = graph_loss(g, logits, net->targets, net->bce_weight, net->position,
                                    net->metrics, net->loss_scale);
    graph_differentiate(g, logits, gradient);
    graph_op(g, OP_ADAM, 3, (int[]){net->lr, net->correction, net->loss_scale}, 0, NULL);
    graph_op(g, OP_ADVANCE, 3, (int[]){net->position, net->correction, net->loss_scale}, 0, NULL);
    const struct program_options options = {.slots = SLOTS, .batch = 1, .precision = precision};
    must(program_create(engine, g, &options, &net->program));
}

static void destroy(struct network *net)
{
    program_destroy(&net->program);
    graph_destroy(&net->graph);
}

// The same inputs and weights in every slot.
static void begin(struct network *net, int slot, float scale, float good_steps)
{
    float x[SIZE * SIZE * CHANNELS], targets[SIZE * SIZE * LABELS], weights[WEIGHTS];
    const float half = 0.5f, lr = 0.01f, correction[2] = {0, 0}, scales[3] = {scale, good_steps, 0};
    for (int i = 0; i < SIZE * SIZE * CHANNELS; i++)
        x[i] = (float)(i * 37 % 17 - 8) / 8;
    for (int i = 0; i < SIZE * SIZE * LABELS; i++)
        targets[i] = i % 3 == 0;
    for (int i = 0; i < WEIGHTS; i++)
        weights[i] = (float)(i * 29 % 23 - 11) / 64;
    must(program_write(net->program, net->x, slot, 0, SIZE * SIZE * CHANNELS, x));
    must(program_write(net->program, net->targets, slot, 0, SIZE * SIZE * LABELS, targets));
    must(program_write(net->program, net->weight, slot, 0, WEIGHTS, weights));
    must(program_write(net->program, net->bce_weight, slot, 0, 1, &half));
    must(program_write(net->program, net->lr, slot, 0, 1, &lr));
    must(program_write(net->program, net->correction, slot, 0, 2, correction));
    must(program_write(net->program, net->loss_scale, slot, 0, 3, scales));
}

static struct state state_of(struct network *net, int slot)
{
    struct state state;
    must(program_read(net->program, net->weight, slot, 0, WEIGHTS, state.weights));
    must(program_read_block(net->program, BLOCK_MOMENT1, net->weight, slot, state.moments1));
    must(program_read_block(net->program, BLOCK_MOMENT2, net->weight, slot, state.moments2));
    must(program_read(net->program, net->correction, slot, 0, 2, state.correction));
    must(program_read(net->program, net->loss_scale, slot, 0, 3, state.loss_scale));
    return state;
}

static void step(struct network *net)
{
    const uint32_t start[2] = {0, 0};
    must(program_write(net->program, net->position, 0, 0, 2, start));
    must(program_run(net->program, ROUTINE_TRAIN, 1));
    must(program_wait(net->program));
}

// All but the scale.
static void assert_same(const struct state *a, const struct state *b)
{
    assert_memory_equal(a, b, offsetof(struct state, loss_scale));
}

static void assert_scale(const struct state *state, float scale, float good_steps)
{
    assert_float_equal(state->loss_scale[0], scale, 0);
    assert_float_equal(state->loss_scale[1], good_steps, 0);
    assert_float_equal(state->loss_scale[2], 0, 0);
}

static void test_powers_of_two(void **context)
{
    (void)context;
    struct network net;
    build(&net, PRECISION_MIXED);
    const float scales[SLOTS] = {0x1p10f, 0x1p14f, 0x1p12f};
    for (int slot = 0; slot < SLOTS; slot++)
        begin(&net, slot, scales[slot], 5);
    const struct state before = state_of(&net, 0);
    step(&net);
    const struct state first = state_of(&net, 0);
    assert_memory_not_equal(first.weights, before.weights, sizeof before.weights);
    assert_scale(&first, scales[0], 6);
    for (int slot = 1; slot < SLOTS; slot++) {
        const struct state other = state_of(&net, slot);
        assert_same(&first, &other);
        assert_scale(&other, scales[slot], 6);
    }
    destroy(&net);
}

static void test_overflow(void **context)
{
    (void)context;
    struct network net;
    build(&net, PRECISION_MIXED);
    for (int slot = 0; slot < SLOTS; slot++)
        begin(&net, slot, slot == 1 ? 0x1p40f : 0x1p10f, 3);
    const struct state before = state_of(&net, 1);
    step(&net);
    const struct state overflown = state_of(&net, 1), fine = state_of(&net, 0),
                       after = state_of(&net, 2);
    assert_same(&before, &overflown);
    assert_scale(&overflown, 0x1p39f, 0);
    assert_memory_not_equal(fine.weights, before.weights, sizeof before.weights);
    assert_same(&fine, &after);
    assert_scale(&fine, 0x1p10f, 4);
    // Halved often enough the slot goes on, and ends its first good step where the others did.
    for (int i = 0; i < 60 && state_of(&net, 1).correction[0] == 0; i++)
        step(&net);
    const struct state resumed = state_of(&net, 1);
    assert_same(&fine, &resumed);
    assert_true(resumed.loss_scale[0] < 0x1p25f && resumed.loss_scale[1] == 1);
    destroy(&net);
}

static void test_growth(void **context)
{
    (void)context;
    struct network net;
    build(&net, PRECISION_MIXED);
    for (int slot = 0; slot < SLOTS; slot++)
        begin(&net, slot, 0x1p10f, slot == 2 ? 1999 : 1998);
    step(&net);
    const struct state grown = state_of(&net, 2), other = state_of(&net, 0);
    assert_scale(&grown, 0x1p11f, 0);
    assert_scale(&other, 0x1p10f, 1999);
    destroy(&net);
}

// Weights between two float16 numbers, at half way and on either side of it, of both signs.
static void test_rounded_weights(void **context)
{
    (void)context;
    struct network net;
    build(&net, PRECISION_MIXED);
    const float standstill = 0;
    float weights[WEIGHTS], kept[3], again[3];
    for (int i = 0; i < WEIGHTS; i++)
        weights[i] = (i % 2 ? -1.0f : 1.0f) * (0.25f + (float)(i * 53 % 97) * 0x1p-14f);
    for (int slot = 0; slot < SLOTS; slot++) {
        begin(&net, slot, 1, 0);
        must(program_write(net.program, net.lr, slot, 0, 1, &standstill));
        must(program_write(net.program, net.weight, slot, 0, WEIGHTS, weights));
    }
    step(&net); // by the copy of the host's weights, and Adam makes its own
    step(&net);
    must(program_read(net.program, net.metrics, 1, 0, 3, kept));
    must(program_write(net.program, net.weight, 0, 0, WEIGHTS, weights));
    step(&net);
    must(program_read(net.program, net.metrics, 1, 0, 3, again));
    assert_memory_equal(kept, again, sizeof kept);
    destroy(&net);
}

// In fp32 the scale is left alone.
static void test_single(void **context)
{
    (void)context;
    struct network net;
    build(&net, PRECISION_FP32);
    for (int slot = 0; slot < SLOTS; slot++)
        begin(&net, slot, slot == 0 ? 1 : 0x1p127f, 1);
    step(&net);
    const struct state plain = state_of(&net, 0), scaled = state_of(&net, 1);
    assert_same(&plain, &scaled);
    assert_scale(&scaled, 0x1p127f, 1);
    destroy(&net);
}

int main(void)
{
    engine = open_test_device_for(PRECISION_MIXED);
    if (!engine)
        return SKIPPED;
    if (engine_device(engine)->half != HALF_FLOAT16) {
        printf("skipped: %s has no need of it: its mixed precision is bfloat16\n",
               engine_device(engine)->name);
        engine_close(&engine);
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_powers_of_two), cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_growth),        cmocka_unit_test(test_rounded_weights),
        cmocka_unit_test(test_single),
    };
    const int failed = cmocka_run_group_tests_name("loss scale", tests, NULL, NULL);
    engine_close(&engine);
    return failed;
}
