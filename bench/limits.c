// SPDX-License-Identifier: MIT
// How wide the packs of the published grid's networks may be on a device, and what its largest
// dispatches are. Nothing is allocated and nothing runs, so a device that only says what it is will
// do (bench/limits).
//
//   limits
//
// Takes the first Vulkan device. Prints one JSON object a line: first the device, then each network
// in each precision.
#include "bench/published.h"
#include "engine/vulkan/ops.h"
#include "engine/vulkan/plan.h"
#include "engine/vulkan/routine.h"
#include "vkgrid/base/error.h"
#include "vkgrid/train/train.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH 4
#define MOST 4096 // slots

// The most slots whose memory is there; 0: not even one.
static int widest(struct engine *engine, const struct unet_shape *shape)
{
    int low = 0, high = MOST;
    while (low < high) {
        const int middle = (low + high + 1) / 2;
        if (train_memory(engine, shape, middle) <= engine_device(engine)->memory)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

struct largest {
    double work;    // of a dispatch, in operations
    uint64_t index; // of an element, in a buffer as kernels see it
    int dispatches; // of a training step
};

// The last element of a tensor that a dispatch of so many slots may touch.
static uint64_t last_index(const struct vulkan_program *program, int tensor, int n, int slots)
{
    const struct tensor *t = &program->graph->tensors[tensor];
    const uint64_t stride =
        (uint64_t)program->plan.tensors[tensor].stride * (program->half[tensor] ? 2 : 1);
    return (uint64_t)(slots - 1) * stride + t->count * (t->per_sample ? (size_t)n : 1);
}

static uint64_t largest_index(const struct vulkan_program *program, enum routine routine, int n,
                              const struct dispatch *dispatch)
{
    const struct op *op = &program->graph->routines[routine].ops[dispatch->op];
    const int slots = (int)dispatch->groups[2];
    const size_t scratch = ops_scratch(program->graph, op, n);
    uint64_t largest = scratch > 0 ? (uint64_t)(slots - 1) * program->plan.arena_span + scratch : 0;
    for (int i = 0; i < OP_INPUTS + OP_OUTPUTS; i++) {
        const int tensor = i < OP_INPUTS ? op->in[i] : op->out[i - OP_INPUTS];
        const uint64_t last = tensor == NO_TENSOR ? 0 : last_index(program, tensor, n, slots);
        largest = last > largest ? last : largest;
    }
    return largest;
}

static bool look_at(struct vulkan_program *program, struct largest *largest)
{
    for (int r = 0; r < ROUTINE_COUNT; r++) {
        struct dispatch_list list;
        if (program->graph->routines[r].count == 0)
            continue;
        if (!routine_dispatches(program, (enum routine)r, BATCH, false, &list))
            return false;
        for (int i = 0; i < list.count; i++) {
            const uint64_t index = largest_index(program, (enum routine)r, BATCH, &list.items[i]);
            largest->index = index > largest->index ? index : largest->index;
            if (list.items[i].work > largest->work)
                largest->work = list.items[i].work;
        }
        if (r == ROUTINE_TRAIN)
            largest->dispatches = list.count;
        dispatch_list_free(&list);
    }
    return true;
}

static bool print_network(struct vulkan_engine *engine, enum base_model base_model,
                          enum precision precision)
{
    struct unet_tensors tensors;
    const struct unet_shape shape = published_shape(base_model, precision, BATCH);
    struct graph *graph = unet_training_graph(&shape, &tensors);
    struct largest largest = {0};
    const int slots = widest(&engine->base, &shape);
    struct vulkan_program program = {
        .base = {.engine = &engine->base,
                 .graph = graph,
                 .options = {.slots = slots > 0 ? slots : 1,
                             .batch = BATCH,
                             .precision = precision}},
        .engine = engine,
    };
    vulkan_plan(&program);
    const bool looked = slots == 0 || look_at(&program, &largest);
    uint64_t piece = 0;
    for (int b = 0; b < BLOCK_COUNT; b++)
        piece = piece_bytes(&program, (enum block)b) > piece ? piece_bytes(&program, (enum block)b)
                                                             : piece;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "network", base_model_name(base_model));
    cJSON_AddStringToObject(json, "precision", precision_name(precision));
    cJSON_AddNumberToObject(json, "slots", slots);
    cJSON_AddNumberToObject(json, "bytes", (double)plan_bytes(&program));
    cJSON_AddNumberToObject(json, "slots_of_piece", program.piece_slots);
    cJSON_AddNumberToObject(json, "piece", (double)piece);
    cJSON_AddNumberToObject(
        json, "in_one_piece",
        (double)(engine->largest_piece / (piece / (uint64_t)program.piece_slots)));
    cJSON_AddNumberToObject(json, "dispatches", largest.dispatches);
    cJSON_AddNumberToObject(json, "work", largest.work);
    cJSON_AddNumberToObject(json, "index", (double)largest.index);
    print_line(json);
    vulkan_forget_plan(&program);
    graph_destroy(&graph);
    return looked;
}

static bool print_all(void)
{
    struct engine *base = NULL;
    CHECK(vulkan_engine_ops.open(0, &base));
    struct vulkan_engine *engine = (struct vulkan_engine *)base;
    cJSON *device = cJSON_CreateObject();
    cJSON_AddStringToObject(device, "device", base->device.name);
    cJSON_AddStringToObject(device, "driver", base->device.driver);
    cJSON_AddNumberToObject(device, "memory", (double)base->device.memory);
    cJSON_AddNumberToObject(device, "largest_piece", (double)engine->largest_piece);
    cJSON_AddNumberToObject(device, "dispatch_work", engine->dispatch_work);
    print_line(device);
    for (int p = PRECISION_FP32; p <= PRECISION_MIXED; p++) {
        if (p == PRECISION_MIXED && base->device.half == HALF_NONE)
            continue;
        CHECK(print_network(engine, RESNET18, (enum precision)p));
        CHECK(print_network(engine, RESNET34, (enum precision)p));
    }
    vulkan_engine_ops.close(base);
    return true;
error:
    if (base)
        vulkan_engine_ops.close(base);
    return false;
}

int main(void)
{
    if (print_all())
        return 0;
    fprintf(stderr, "limits: %s\n", error_text());
    return 1;
}
