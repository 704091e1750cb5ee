// SPDX-License-Identifier: MIT
// Command buffers of a step submitted one by one, or several at once, do the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "engine/vulkan/internal.h"
#include "test_device.h"
#include "vkgrid/error.h"
#include "vkgrid/memory.h"
#include "vkgrid/unet.h"

#include <stdlib.h>

enum { SKIPPED = 77, BATCH = 3 };

static struct engine *engine;

static void must(bool done)
{
    if (!done)
        fail_msg("%s", error_text());
}

// The logits of a step from fixed weights and zeros for samples. *commands: command buffers of it.
static float *logits_of(const struct graph *graph, const struct unet_tensors *at, int at_once,
                        int *commands, size_t *count)
{
    const struct program_options options = {.slots = 1, .batch = BATCH};
    struct program *base;
    must(program_create(engine, graph, &options, &base));
    struct vulkan_program *program = (struct vulkan_program *)base;
    program->at_once = at_once;
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (tensor->block != BLOCK_STATE)
            continue;
        float *values = mem_alloc(tensor->count * sizeof *values);
        for (size_t i = 0; i < tensor->count; i++)
            values[i] = (float)(i * 31 % 61) / 600 + (tensor->parameter ? -0.05f : 0.1f);
        must(program_write(base, t, 0, 0, tensor->count, values));
        free(values);
    }
    must(program_run(base, ROUTINE_TRAIN, BATCH));
    must(program_wait(base));
    const struct recording *recording;
    must(vulkan_recording(program, ROUTINE_TRAIN, BATCH, &recording));
    *commands = recording->count;
    *count = BATCH * graph->tensors[at->logits[ROUTINE_TRAIN]].count;
    float *logits = mem_alloc(*count * sizeof *logits);
    must(program_read(base, at->logits[ROUTINE_TRAIN], 0, 0, *count, logits));
    program_destroy(&base);
    return logits;
}

static void test_several_at_once(void **state)
{
    (void)state;
    const struct unet_shape shape = {.base_model = RESNET18,
                                     .rows = 64,
                                     .cols = 64,
                                     .features = 1,
                                     .labels = 1,
                                     .count = 2 * BATCH,
                                     .training_count = BATCH,
                                     .batch_size = BATCH};
    struct unet_tensors at;
    struct graph *graph = unet_training_graph(&shape, &at);
    int commands;
    size_t count;
    float *single = logits_of(graph, &at, 1, &commands, &count);
    assert_true(commands > 1);
    float *several = logits_of(graph, &at, commands, &commands, &count);
    assert_memory_equal(single, several, count * sizeof *single);
    free(single);
    free(several);
    graph_destroy(&graph);
}

int main(void)
{
    engine = open_test_device();
    if (!engine)
        return SKIPPED;
    if (engine_device(engine)->kind == DEVICE_CPU) {
        printf("skipped: VKGRID_DEVICE is the processor, which has no command buffers\n");
        engine_close(&engine);
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_several_at_once)};
    const int failed = cmocka_run_group_tests_name("submit", tests, NULL, NULL);
    engine_close(&engine);
    return failed;
}
