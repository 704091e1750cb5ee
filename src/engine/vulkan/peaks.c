// SPDX-License-Identifier: MIT
// What the device reaches at best: multiply-adds by kernels that do nothing else, bytes by adding
// two large tensors.
#include "engine/vulkan/peaks.h"

#include "engine/vulkan/create.h"
#include "engine/vulkan/dispatch.h"
#include "engine/vulkan/push.h"
#include "engine/vulkan/submit.h"
#include "engine/vulkan/times.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"

#define PEAK_INVOCATIONS (1u << 18)
#define PEAK_OPERATIONS 256.0 // of an invocation a round (peak.comp)
#define PEAK_PRODUCTS 8.0     // of a subgroup a round (peak_matrix.comp)
#define PEAK_SUBGROUPS 4u     // of a workgroup
#define PEAK_ROUNDS (1u << 24)
#define PEAK_SECONDS 0.03 // a measurement that takes so long counts: far more than a submission
#define PEAK_RUNS 5       // the best of them

enum unit { UNIT_SINGLE, UNIT_HALF, UNIT_MATRIX };

// Records the kernel of a unit; *operations: those of a round.
static bool add_rounds(struct dispatcher *dispatcher, enum unit unit, const struct peak_push *push,
                       double *operations)
{
    const struct vulkan_engine *engine = dispatcher->program->engine;
    const struct matrix_size m = engine->matrix;
    const uint32_t local = PEAK_SUBGROUPS * engine->matrix.subgroup;
    const uint32_t constants[KERNEL_CONSTANTS] = {
        [0] = local, [9] = m.subgroup, [10] = m.m, [11] = m.n, [12] = m.k};
    const uint32_t groups[2] = {PEAK_INVOCATIONS / local, 1};
    dispatcher->half = unit != UNIT_SINGLE;
    *operations = PEAK_OPERATIONS * PEAK_INVOCATIONS;
    if (unit != UNIT_MATRIX)
        return dispatch_add_flat(dispatcher, KERNEL_ID_PEAK, NULL, 0, push, PEAK_INVOCATIONS,
                                 false);
    *operations = PEAK_PRODUCTS * 2.0 * m.m * m.n * m.k * PEAK_SUBGROUPS * groups[0];
    return dispatch_add(dispatcher, KERNEL_ID_PEAK_MATRIX, constants, KERNEL_CONSTANTS, push,
                        groups, false);
}

static bool time_rounds(struct vulkan_program *program, enum unit unit, uint32_t rounds,
                        double *seconds, double *operations)
{
    const struct VolkDeviceTable *vk = &program->engine->vk;
    struct vulkan_engine *engine = program->engine;
    struct dispatch_list list = {0};
    struct dispatcher dispatcher = {.program = program, .list = &list, .n = 1, .slots = 1};
    const struct peak_push push = {
        .y = block_address(&dispatcher, BLOCK_ARENA, 0, 0),
        .count = rounds,
    };
    const VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };
    CHECK(add_rounds(&dispatcher, unit, &push, operations));
    CHECK(dispatches_prepare(engine, &list));
    VK_CHECK(vk->vkBeginCommandBuffer(program->transfer, &begin));
    dispatches_write(engine, program->transfer, list.items, list.count);
    VK_CHECK(vk->vkEndCommandBuffer(program->transfer));
    const double start = seconds_now();
    CHECK(vulkan_submit(program, &program->transfer, 1));
    CHECK(vulkan_wait(&program->base));
    *seconds = seconds_now() - start;
    dispatch_list_free(&list);
    return true;
error:
    vk->vkResetCommandBuffer(program->transfer, 0);
    dispatch_list_free(&list);
    return false;
}

static bool measure_flops(struct vulkan_program *program, enum unit unit, double *flops)
{
    uint32_t rounds = 4;
    double seconds, best, operations;
    CHECK(
        time_rounds(program, unit, rounds, &seconds, &operations)); // its pipeline is made in here
    CHECK(time_rounds(program, unit, rounds, &best, &operations));
    while (best < PEAK_SECONDS && rounds < PEAK_ROUNDS) {
        rounds *= 2;
        CHECK(time_rounds(program, unit, rounds, &best, &operations));
    }
    for (int i = 1; i < PEAK_RUNS; i++) {
        CHECK(time_rounds(program, unit, rounds, &seconds, &operations));
        best = seconds < best ? seconds : best;
    }
    *flops = operations * rounds / best;
    return true;
error:
    return false;
}

static bool measure_bytes(struct program *program, double moved, double *bytes)
{
    double best = 0;
    for (int i = 0; i < PEAK_RUNS; i++) {
        double seconds[OP_GRAPH_KINDS] = {0};
        CHECK(vulkan_times(program, ROUTINE_TRAIN, 1, seconds));
        best = best == 0 || seconds[OP_ADD] < best ? seconds[OP_ADD] : best;
    }
    *bytes = best > 0 ? moved / best : 0;
    return true;
error:
    return false;
}

bool vulkan_peaks(struct engine *engine, struct engine_peaks *peaks)
{
    // 256 MiB a tensor, which no cache holds; a quarter of it where memory is scarce.
    const int side = engine->device.memory > UINT64_C(4) << 30 ? 1024 : 512;
    const struct program_options options = {.slots = 1, .batch = 1};
    struct graph *graph = graph_create();
    struct program *program = NULL;
    graph_add(graph, graph_activation(graph, "a", side, side, 64),
              graph_activation(graph, "b", side, side, 64));
    CHECK(vulkan_create(engine, graph, &options, &program));
    *peaks = (struct engine_peaks){0};
    CHECK(measure_flops((struct vulkan_program *)program, UNIT_SINGLE, &peaks->flops));
    if (engine->device.half == HALF_FLOAT16)
        CHECK(measure_flops((struct vulkan_program *)program, UNIT_HALF, &peaks->half_flops));
    if (((struct vulkan_engine *)engine)->matrix.m > 0)
        CHECK(measure_flops((struct vulkan_program *)program, UNIT_MATRIX, &peaks->matrix_flops));
    CHECK(measure_bytes(program, 3.0 * 4 * 64 * side * side, &peaks->bytes));
    vulkan_destroy(program);
    graph_destroy(&graph);
    return true;
error:
    if (program)
        vulkan_destroy(program);
    graph_destroy(&graph);
    return false;
}
