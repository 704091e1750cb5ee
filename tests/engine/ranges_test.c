// SPDX-License-Identifier: MIT
// A pack in several pieces of memory, dispatched by ranges of slots: what is dispatched covers
// every slot once and stays within all limits; a slot's bits are those of the same run alone; and
// between kernels there is no barrier but the light one.
#include "tests/test.h"
#include "engine/fuse.h"
#include "engine/vulkan/commands.h"
#include "engine/vulkan/gaps.h"
#include "engine/vulkan/ops.h"
#include "engine/vulkan/plan.h"
#include "engine/vulkan/routine.h"
#include "tests/test_device.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/model/unet.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 2, PACK = 80, ROWS = 8, COLS = 16, FEATURES = 3, LABELS = 2 };

static struct vulkan_engine *engine;

// --- A small network with every kind of layer that the U-Net has ---------------------------------

struct network {
    struct graph *graph;
    int x, targets, bce_weight, metrics, position, lr, correction, loss_scale, logits;
};

static int table(struct graph *graph, const char *name, int count)
{
    return graph_table(graph, name, ELEMENT_FLOAT, 1, &count);
}

static struct network build(void)
{
    struct graph *g = graph_create();
    struct network net = {
        .graph = g,
        .x = graph_activation(g, "x", ROWS, COLS, FEATURES),
        .targets = graph_activation(g, "targets", ROWS, COLS, LABELS),
        .bce_weight = table(g, "bce_weight", 1),
        .lr = table(g, "lr", 1),
        .correction = table(g, "correction", 2),
        .loss_scale = table(g, "loss_scale", 3),
        .metrics = graph_table(g, "metrics", ELEMENT_FLOAT, 2, (int[]){8, 3}),
        .position = graph_shared(g, "position", ELEMENT_UINT, 2),
    };
    const int first = graph_relu(g, graph_conv(g, "first", net.x, 12, 3, 1, true));
    const int down = graph_conv(g, "down", first, 12, 3, 2, false);
    const int normal = graph_relu(g, graph_batch_norm(g, "norm", down));
    const int pooled = graph_max_pool(g, first, 3, 2);
    const int deep =
        graph_relu(g, graph_conv(g, "deep", graph_add(g, normal, pooled), 8, 1, 1, true));
    const int joined = graph_concat(g, graph_upsample(g, deep), first);
    const int wide = graph_relu(g, graph_conv(g, "wide", joined, 36, 3, 1, true));
    net.logits = graph_conv(g, "last", wide, LABELS, 1, 1, true);
    const int gradient = graph_loss(g, net.logits, net.targets, net.bce_weight, net.position,
                                    net.metrics, net.loss_scale);
    graph_differentiate(g, net.logits, gradient);
    graph_op(g, OP_ADAM, 3, (int[]){net.lr, net.correction, net.loss_scale}, 0, NULL);
    graph_op(g, OP_ADVANCE, 3, (int[]){net.position, net.correction, net.loss_scale}, 0, NULL);
    return net;
}

static float noise(int seed, size_t i)
{
    return (float)((i * 2654435761u + (unsigned)seed * 40503u) % 1021) / 1021;
}

// Fills a tensor of a slot with the numbers of run `run`, between low and high.
static void fill(struct program *program, int tensor, int slot, int run, float low, float high)
{
    const struct tensor *t = &program->graph->tensors[tensor];
    const size_t count = t->count * (t->per_sample ? BATCH : 1);
    float *values = mem_alloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = low + (high - low) * noise(1000 * run + tensor, i);
    must(program_write(program, tensor, slot, 0, count, values));
    free(values);
}

static void begin(struct program *program, const struct network *net, int slot, int run)
{
    const float lr = 0.01f * (float)(run + 1), half = 0.5f, zeros[2] = {0, 0},
                scale[3] = {1024, 0, 0};
    for (int t = 0; t < net->graph->tensor_count; t++)
        if (net->graph->tensors[t].block == BLOCK_STATE)
            fill(program, t, slot, run, net->graph->tensors[t].parameter ? -0.3f : 0.5f, 0.6f);
    fill(program, net->x, slot, run, -1, 1);
    fill(program, net->targets, slot, run, 0, 1);
    must(program_write(program, net->lr, slot, 0, 1, &lr));
    must(program_write(program, net->bce_weight, slot, 0, 1, &half));
    must(program_write(program, net->correction, slot, 0, 2, zeros));
    must(program_write(program, net->loss_scale, slot, 0, 3, scale));
}

static void steps(struct program *program, const struct network *net)
{
    const uint32_t start[2] = {0, 0};
    must(program_write(program, net->position, 0, 0, 2, start));
    for (int i = 0; i < 3; i++)
        must(program_run(program, ROUTINE_TRAIN, i == 1 ? 1 : BATCH));
    must(program_wait(program));
}

// All that is left of a run: parameters, buffers, moments, tables. The caller frees it.
static float *left_of(struct program *program, int slot, size_t *count)
{
    const struct graph *graph = program->graph;
    float *all = NULL;
    *count = 0;
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        const bool state = tensor->block == BLOCK_STATE;
        if (!state && tensor->block != BLOCK_TABLE)
            continue;
        all = mem_grow(all, *count + 3 * tensor->count, sizeof *all);
        must(program_read(program, t, slot, 0, tensor->count, all + *count));
        *count += tensor->count;
        static const enum block moments[] = {BLOCK_MOMENT1, BLOCK_MOMENT2};
        for (int m = 0; m < 2 && state && tensor->parameter; m++) {
            must(program_read_block(program, moments[m], t, slot, all + *count));
            *count += tensor->count;
        }
    }
    return all;
}

// --- Limits -------------------------------------------------------------------------------------

struct limits {
    int piece_slots;
    uint32_t reach;
    uint64_t piece;
    double work;
};

static struct limits set_limits(struct limits limits)
{
    const struct limits before = {engine->most_piece_slots, engine->reach, engine->largest_piece,
                                  engine->dispatch_work};
    engine->most_piece_slots = limits.piece_slots;
    engine->reach = limits.reach;
    engine->largest_piece = limits.piece;
    engine->dispatch_work = limits.work;
    return before;
}

static const struct limits none = {0, REACH, UINT64_C(1) << 30, 1e30};

static void check_pack(const struct network *net, enum precision precision, struct limits limits,
                       int least_pieces)
{
    const struct program_options pack = {PACK, BATCH, false, precision},
                                 one = {1, BATCH, false, precision};
    struct program *together, *alone;
    const struct limits before = set_limits(limits);
    must(program_create(&engine->base, net->graph, &pack, &together));
    assert_true(((struct vulkan_program *)together)->blocks[BLOCK_STATE].count >= least_pieces);
    for (int slot = 0; slot < PACK; slot++)
        begin(together, net, slot, slot % 7);
    steps(together, net);
    set_limits(none);
    must(program_create(&engine->base, net->graph, &one, &alone));
    for (int run = 0; run < 7; run++) {
        size_t count;
        begin(alone, net, 0, run);
        must(program_clear(alone, BLOCK_MOMENT1));
        must(program_clear(alone, BLOCK_MOMENT2));
        steps(alone, net);
        float *wanted = left_of(alone, 0, &count);
        for (int slot = run; slot < PACK; slot += 7) {
            float *have = left_of(together, slot, &count);
            assert_memory_equal(have, wanted, count * sizeof *have);
            free(have);
        }
        free(wanted);
    }
    program_destroy(&alone);
    program_destroy(&together);
    set_limits(before);
}

static void test_bits(void **state)
{
    (void)state;
    struct network net = build();
    const bool mixed = engine->base.device.half != HALF_NONE;
    for (int p = PRECISION_FP32; p <= (mixed ? PRECISION_MIXED : PRECISION_FP32); p++) {
        check_pack(&net, (enum precision)p, none, 1);
        check_pack(&net, (enum precision)p, (struct limits){7, REACH, none.piece, 1e30}, 12);
        check_pack(&net, (enum precision)p, (struct limits){0, REACH, 300000, 1e6}, 10);
        check_pack(&net, (enum precision)p, (struct limits){0, 100000, none.piece, 3e5}, 10);
        check_pack(&net, (enum precision)p, (struct limits){3, REACH, none.piece, 2e4},
                   27); // parts
    }
    graph_destroy(&net.graph);
}

// --- What is dispatched ------------------------------------------------------------------------

// A program that only plans: the published network, as it is trained.
struct planned {
    struct graph *graph;
    struct vulkan_program program;
};

static void plan(struct planned *planned, enum precision precision, int slots)
{
    static const struct unet_shape shape = {.base_model = RESNET18,
                                            .rows = 128,
                                            .cols = 256,
                                            .features = 7,
                                            .labels = 3,
                                            .count = 8,
                                            .training_count = 4,
                                            .batch_size = 4};
    struct unet_tensors at;
    planned->graph = unet_training_graph(&shape, &at);
    planned->program = (struct vulkan_program){
        .base = {.engine = &engine->base,
                 .graph = planned->graph,
                 .options = {.slots = slots, .batch = 4, .precision = precision}},
        .engine = engine,
    };
    vulkan_plan(&planned->program);
}

static void forget(struct planned *planned)
{
    vulkan_forget_plan(&planned->program);
    graph_destroy(&planned->graph);
}

// Workgroups of each op and slot: [op][slot].
static uint64_t *count_groups(const struct dispatch_list *list, int ops, int slots)
{
    uint64_t *groups = mem_zalloc((size_t)ops * (size_t)slots, sizeof *groups);
    for (int i = 0; i < list->count; i++) {
        const struct dispatch *d = &list->items[i];
        for (uint32_t s = 0; s < d->groups[2]; s++) {
            assert_true((int)s + d->first < slots);
            groups[(size_t)d->op * (size_t)slots + (size_t)d->first + s] +=
                (uint64_t)d->groups[0] * d->groups[1];
        }
    }
    return groups;
}

static void check_dispatches(const struct planned *planned, const struct dispatch_list *list)
{
    const struct vulkan_program *program = &planned->program;
    const struct op *ops = program->graph->routines[ROUTINE_TRAIN].ops;
    for (int i = 0; i < list->count; i++) {
        const struct dispatch *d = &list->items[i];
        const int last = d->first + (int)d->groups[2] - 1;
        assert_true(ops[d->op].kind == OP_ADVANCE ||
                    d->first / program->piece_slots == last / program->piece_slots);
        assert_true(d->work <= engine->dispatch_work);
    }
}

static void check_limits(enum precision precision, struct limits limits, bool parted)
{
    enum { SLOTS = 64 };
    struct planned planned, whole;
    struct dispatch_list list, wanted;
    const struct limits before = set_limits(none);
    engine->largest_piece = UINT64_MAX;
    engine->reach = UINT32_MAX;
    plan(&whole, precision, 1);
    must(routine_dispatches(&whole.program, ROUTINE_TRAIN, 4, false, &wanted));
    set_limits(limits);
    plan(&planned, precision, SLOTS);
    must(routine_dispatches(&planned.program, ROUTINE_TRAIN, 4, false, &list));

    const struct memory_plan *at = &planned.program.plan;
    const uint64_t slots = (uint64_t)planned.program.piece_slots;
    assert_true(slots == 1 ||
                (slots * at->arena_span * (precision == PRECISION_MIXED ? 2 : 1) <= engine->reach &&
                 slots * at->arena_span * 4 <= engine->largest_piece));
    check_dispatches(&planned, &list);
    const int ops = planned.program.graph->routines[ROUTINE_TRAIN].count;
    uint64_t *one = count_groups(&wanted, ops, 1), *all = count_groups(&list, ops, SLOTS);
    for (int op = 0; op < ops; op++)
        for (int slot = 0; slot < SLOTS; slot++)
            if (planned.program.graph->routines[ROUTINE_TRAIN].ops[op].kind != OP_ADVANCE)
                assert_int_equal(all[op * SLOTS + slot], one[op]);
    bool parts = false;
    for (int i = 0; i < list.count; i++)
        parts = parts || list.items[i].pipeline.based;
    assert_int_equal(parts, parted);
    free(one);
    free(all);
    dispatch_list_free(&list);
    dispatch_list_free(&wanted);
    forget(&planned);
    forget(&whole);
    set_limits(before);
}

// The published network in 64 slots: each slot's workgroups are dispatched once, within the limits.
static void test_limits(void **state)
{
    static const uint64_t gib = UINT64_C(1) << 30;
    (void)state;
    for (int p = PRECISION_FP32; p <= PRECISION_MIXED; p++) {
        check_limits((enum precision)p, (struct limits){0, REACH, 4 * gib, 1e11}, false);
        check_limits((enum precision)p, (struct limits){0, REACH, 64 * gib, 1e30}, false);
        check_limits((enum precision)p, (struct limits){0, REACH, gib, 1e9}, true);
        check_limits((enum precision)p, (struct limits){1, REACH, 4 * gib, 1e11}, false);
    }
}

// --- Barriers and gaps -------------------------------------------------------------------------

static int light_barriers, heavy_barriers, other_barriers;

static void VKAPI_CALL count_barrier(VkCommandBuffer commands, const VkDependencyInfo *info)
{
    const VkPipelineStageFlags2 kernels = VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT;
    const VkMemoryBarrier2 *b = info->pMemoryBarriers;
    (void)commands;
    if (info->memoryBarrierCount != 1 || info->bufferMemoryBarrierCount != 0)
        other_barriers++;
    else if (b->srcStageMask == kernels && b->dstStageMask == kernels &&
             b->srcAccessMask == VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT &&
             b->dstAccessMask ==
                 (VK_ACCESS_2_SHADER_STORAGE_READ_BIT | VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT))
        light_barriers++;
    else if ((b->dstStageMask & VK_PIPELINE_STAGE_2_HOST_BIT) &&
             (b->dstAccessMask & VK_ACCESS_2_HOST_READ_BIT))
        heavy_barriers++;
    else
        other_barriers++;
}

// A step has light barriers between its gaps, one to the host at its end, and no other.
static void test_barriers(void **state)
{
    (void)state;
    struct network net = build();
    const struct program_options options = {3, BATCH, false, PRECISION_FP32};
    struct program *program;
    struct dispatch_list list;
    struct routine_commands made = {.routine = ROUTINE_TRAIN, .n = BATCH};
    int gaps = 0;
    must(program_create(&engine->base, net.graph, &options, &program));
    const PFN_vkCmdPipelineBarrier2 before = engine->vk.vkCmdPipelineBarrier2;
    engine->vk.vkCmdPipelineBarrier2 = count_barrier;
    light_barriers = heavy_barriers = other_barriers = 0;
    must(routine_commands_write((struct vulkan_program *)program, VK_NULL_HANDLE, &made));
    engine->vk.vkCmdPipelineBarrier2 = before;
    must(routine_dispatches((struct vulkan_program *)program, ROUTINE_TRAIN, BATCH, false, &list));
    for (int i = 0; i < list.count; i++)
        gaps += !list.items[i].beside;
    assert_int_equal(light_barriers, gaps);
    assert_int_equal(heavy_barriers, 1);
    assert_int_equal(other_barriers, 0);
    free(made.buffers);
    dispatch_list_free(&list);
    program_destroy(&program);
    graph_destroy(&net.graph);
}

static int count_gaps(struct vulkan_program *program, bool apart)
{
    struct dispatch_list list;
    int gaps = 0;
    must(routine_dispatches(program, ROUTINE_TRAIN, 4, apart, &list));
    for (int i = 0; i < list.count; i++)
        gaps += !list.items[i].beside;
    dispatch_list_free(&list);
    return gaps;
}

static size_t scratch_of(const void *context, const struct op *op, int n)
{
    return ops_scratch_most(context, op, n);
}

// The gradients of a convolution share gaps, and the arena is no larger for it.
static void test_gaps(void **state)
{
    struct planned planned;
    (void)state;
    const struct limits before = set_limits(none);
    plan(&planned, PRECISION_FP32, 1);
    const int apart = count_gaps(&planned.program, true),
              shared = count_gaps(&planned.program, false);
    // The same plan without groups.
    const struct memory_request request = {
        .graph = planned.program.graph,
        .slots = 1,
        .batch = 4,
        .alignment = 64,
        .by_slot = true,
        .half = planned.program.half,
        .scratch = scratch_of,
        .context = planned.program.graph,
    };
    struct memory_plan alone;
    memory_plan_create(&request, &alone);
    assert_int_equal(planned.program.plan.arena_span, alone.arena_span);
    memory_plan_destroy(&alone);
    printf("a step of one slot: %d gaps, %d where no op shares one\n", shared, apart);
    assert_true(shared < apart);
    forget(&planned);
    set_limits(before);
}

// Convolution y = w * x with a ReLU behind: sums of the bias beside both gradients, each a step
// after what it reads.
static void test_levels(void **state)
{
    enum { X, Y, DY_IN, DY, DB, W, DW, DX };
    struct op ops[3];
    int levels[3][GAP_STEPS];
    (void)state;
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < OP_INPUTS; k++)
            ops[i].in[k] = NO_TENSOR;
        for (int k = 0; k < OP_OUTPUTS; k++)
            ops[i].out[k] = NO_TENSOR;
    }
    ops[0].kind = FUSED_RELU_GRAD;
    ops[0].in[0] = Y, ops[0].in[1] = DY_IN, ops[0].out[0] = DY, ops[0].out[1] = DB;
    ops[1].kind = OP_CONV_WEIGHT_GRAD;
    ops[1].in[0] = X, ops[1].in[1] = DY, ops[1].out[0] = DW;
    ops[2].kind = OP_CONV_INPUT_GRAD;
    ops[2].in[0] = DY, ops[2].in[1] = W, ops[2].out[0] = DX;
    assert_int_equal(gaps_level(ops, 3, (int[]){2, 2, 1}, levels), 3);
    assert_int_equal(levels[0][0], 0);
    assert_int_equal(levels[0][1], 1);
    assert_int_equal(levels[1][0], 1);
    assert_int_equal(levels[1][1], 2);
    assert_int_equal(levels[2][0], 1);
    // Of one step each: still after what they read.
    assert_int_equal(gaps_level(ops, 3, (int[]){1, 1, 1}, levels), 2);
    assert_int_equal(levels[1][0], 1);
    assert_int_equal(levels[2][0], 1);
    ops[2].out[0] = X; // what the weight's gradient reads must not be spoilt
    assert_int_equal(gaps_level(ops, 3, (int[]){2, 2, 1}, levels), 3);
    assert_int_equal(levels[2][0], 2);
}

int main(void)
{
    struct engine *base = open_test_device();
    if (!base)
        return SKIPPED;
    if (engine_device(base)->kind == DEVICE_CPU) {
        printf(
            "skipped: VKGRID_DEVICE is the processor, which has its slots one after the other\n");
        engine_close(&base);
        return SKIPPED;
    }
    engine = (struct vulkan_engine *)base;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits), cmocka_unit_test(test_limits), cmocka_unit_test(test_barriers),
        cmocka_unit_test(test_gaps), cmocka_unit_test(test_levels),
    };
    const int failed = cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
    engine_close(&base);
    return failed;
}
