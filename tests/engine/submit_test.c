// SPDX-License-Identifier: MIT
// Command buffers of a step submitted one by one, or several at once, do the same. A device that
// hangs is given up and left alone; one that is slow is not.
#include "tests/test.h"

#include "engine/vulkan/commands.h"
#include "tests/hash_weights.h"
#include "tests/test_device.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/model/unet.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 3, STEPS = 2 };

static struct engine *engine;

static void write_noise(struct program *program, const struct unet_tensors *at)
{
    const struct graph *graph = program->graph;
    const uint32_t order[STEPS * BATCH] = {4, 1, 0, 5, 3, 2}, position[2] = {0, 0};
    const float lr = 0.001f, bce_weight = 0.5f;
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (tensor->block != BLOCK_STATE && t != at->inputs && t != at->targets)
            continue;
        float *values = mem_alloc(tensor->count * sizeof *values);
        if (t == at->inputs)
            hash_inputs(5, tensor->count, values);
        else if (t == at->targets)
            hash_targets(6, tensor->count, values);
        else
            hash_state(tensor, 7, values);
        must(program_write(program, t, 0, 0, tensor->count, values));
        free(values);
    }
    must(program_write(program, at->training_order, 0, 0, STEPS * BATCH, order));
    must(program_write(program, at->position, 0, 0, 2, position));
    must(program_write(program, at->lr, 0, 0, 1, &lr));
    must(program_write(program, at->bce_weight, 0, 0, 1, &bce_weight));
}

// All that two steps on noise leave in the state. *submissions: how many they took.
static float *train(const struct graph *graph, const struct unet_tensors *at, int at_once,
                    int *submissions, size_t *count)
{
    const struct program_options options = {.slots = 1, .batch = BATCH};
    struct program *base;
    float *state = NULL;
    must(program_create(engine, graph, &options, &base));
    struct vulkan_program *program = (struct vulkan_program *)base;
    write_noise(base, at);
    must(program_wait(base));
    const uint64_t before = program->submitted;
    program->at_once = at_once;
    for (int i = 0; i < STEPS; i++)
        must(program_run(base, ROUTINE_TRAIN, BATCH));
    *submissions = (int)(program->submitted - before);
    *count = 0;
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (tensor->block != BLOCK_STATE)
            continue;
        state = mem_grow(state, *count + tensor->count, sizeof *state);
        must(program_read(base, t, 0, 0, tensor->count, state + *count));
        *count += tensor->count;
    }
    program_destroy(&base);
    return state;
}

static void test_several_at_once(void **state)
{
    (void)state;
    const struct unet_shape shape = {.base_model = RESNET18,
                                     .rows = 64,
                                     .cols = 64,
                                     .features = 1,
                                     .labels = 1,
                                     .count = STEPS * BATCH + 1,
                                     .training_count = STEPS * BATCH,
                                     .batch_size = BATCH};
    struct unet_tensors at;
    struct graph *graph = unet_training_graph(&shape, &at);
    int submissions;
    size_t count;
    float *single = train(graph, &at, 1, &submissions, &count);
    const int commands = submissions / STEPS;
    assert_true(commands > 1);
    assert_int_equal(submissions, STEPS * commands);
    float *several = train(graph, &at, commands, &submissions, &count);
    assert_int_equal(submissions, STEPS); // all of a step at once
    assert_memory_equal(single, several, count * sizeof *single);
    free(several);
    several = train(graph, &at, commands - 1, &submissions, &count);
    assert_int_equal(submissions, commands > 2 ? 2 * STEPS : STEPS * commands);
    assert_memory_equal(single, several, count * sizeof *single);
    free(single);
    free(several);
    graph_destroy(&graph);
}

// --- A device that ends nothing, played without waiting for it -----------------------------------

static struct {
    int slices, ends_after; // waits, and how many of them time out
    int progress;           // the timeline moves in so many of them
    uint64_t value;         // and has come so far
    int idles;              // vkDeviceWaitIdle
} played;

static VKAPI_ATTR VkResult VKAPI_CALL wait_slice(VkDevice device, const VkSemaphoreWaitInfo *info,
                                                 uint64_t nanoseconds)
{
    (void)device;
    (void)info;
    assert_true(nanoseconds <= 500 * 1000 * 1000);
    return ++played.slices > played.ends_after ? VK_SUCCESS : VK_TIMEOUT;
}

static VKAPI_ATTR VkResult VKAPI_CALL tell_value(VkDevice device, VkSemaphore timeline,
                                                 uint64_t *value)
{
    (void)device;
    (void)timeline;
    *value = played.progress-- > 0 ? ++played.value : played.value;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL count_idle(VkDevice device)
{
    (void)device;
    played.idles++;
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL refuse_free(VkDevice device, VkDeviceMemory memory,
                                              const VkAllocationCallbacks *allocator)
{
    (void)device;
    (void)memory;
    (void)allocator;
    fail_msg("memory is freed that the device may be using");
}

static VKAPI_ATTR void VKAPI_CALL refuse_destroy(VkDevice device,
                                                 const VkAllocationCallbacks *allocator)
{
    (void)device;
    (void)allocator;
    fail_msg("the device is destroyed that may be at work");
}

// An engine of its own, with a program that waits. ends_after: slices in which nothing ends.
static struct vulkan_engine *open_hanging(int ends_after, struct graph **graph,
                                          struct program **program)
{
    const struct program_options options = {.slots = 1, .batch = 1};
    struct engine *base;
    int device = 0;
    const VkPhysicalDevice same = ((struct vulkan_engine *)engine)->physical;
    while (((struct vulkan_engine *)engine)->context.devices[device] != same)
        device++;
    must(vulkan_engine_ops.open(device, &base));
    struct vulkan_engine *own = (struct vulkan_engine *)base;
    *graph = graph_create();
    graph_relu(*graph, graph_activation(*graph, "x", 4, 4, 4));
    must(program_create(base, *graph, &options, program));
    must(program_run(*program, ROUTINE_TRAIN, 1));
    must(program_wait(*program));
    memset(&played, 0, sizeof played);
    played.ends_after = ends_after;
    own->vk.vkWaitSemaphores = wait_slice;
    own->vk.vkGetSemaphoreCounterValue = tell_value;
    own->vk.vkDeviceWaitIdle = count_idle;
    return own;
}

static void close_all(struct vulkan_engine *own, struct graph **graph, struct program **program)
{
    struct engine *base = &own->base;
    program_destroy(program);
    graph_destroy(graph);
    engine_close(&base);
}

static void test_hangs(void **state)
{
    (void)state;
    const struct program_options options = {.slots = 1, .batch = 1};
    struct graph *graph;
    struct program *program, *another;
    struct vulkan_engine *own = open_hanging(1000000, &graph, &program);
    own->patience = 30;
    assert_false(program_wait(program));
    assert_int_equal(error_kind(), ERROR_DEVICE_LOST);
    assert_non_null(strstr(error_text(), "device lost: it hangs"));
    assert_int_equal(played.slices, 30 * 4);
    // From then on nothing waits for it, and nothing that it may be using is given back.
    assert_false(program_run(program, ROUTINE_TRAIN, 1) && program_wait(program));
    assert_int_equal(error_kind(), ERROR_DEVICE_LOST);
    assert_false(program_create(&own->base, graph, &options, &another));
    assert_int_equal(error_kind(), ERROR_DEVICE_LOST);
    own->vk.vkFreeMemory = refuse_free;
    own->vk.vkDestroyDevice = refuse_destroy;
    close_all(own, &graph, &program);
    assert_int_equal(played.slices, 30 * 4);
    assert_int_equal(played.idles, 0);
}

static void test_slow(void **state)
{
    (void)state;
    struct graph *graph;
    struct program *program;
    // Something ends in every one of 500 slices, and then all of it.
    struct vulkan_engine *own = open_hanging(500, &graph, &program);
    own->patience = 1;
    played.progress = 500;
    must(program_wait(program));
    assert_int_equal(played.slices, 501);
    close_all(own, &graph, &program);
}

static void test_patience(void **state)
{
    (void)state;
    struct graph *graph;
    struct program *program;
    const bool software = engine_device(engine)->kind == DEVICE_SOFTWARE;
    struct vulkan_engine *own = open_hanging(0, &graph, &program);
    if (software)
        assert_true(isinf(own->patience));
    else
        assert_true(own->patience == 120);
    close_all(own, &graph, &program);
    setenv("VKGRID_HANG_SECONDS", "7.5", 1);
    own = open_hanging(1000000, &graph, &program);
    assert_true(own->patience == 7.5);
    assert_false(program_wait(program));
    assert_int_equal(played.slices, 30);
    close_all(own, &graph, &program);
    unsetenv("VKGRID_HANG_SECONDS");
}

// The last one: an interrupt cannot be taken back.
static void test_interrupt(void **state)
{
    (void)state;
    struct graph *graph;
    struct program *program;
    interrupt_install();
    raise(SIGINT);
    // What is at work is waited for, ...
    struct vulkan_engine *own = open_hanging(10, &graph, &program);
    own->patience = 120;
    must(program_wait(program));
    assert_int_equal(played.slices, 11);
    close_all(own, &graph, &program);
    // ... what hangs is not, ...
    own = open_hanging(1000000, &graph, &program);
    own->patience = 120;
    assert_false(program_wait(program));
    assert_int_equal(played.slices, 5 * 4);
    close_all(own, &graph, &program);
    // ... and a software driver does not hang.
    own = open_hanging(10000, &graph, &program);
    own->patience = (double)INFINITY;
    must(program_wait(program));
    close_all(own, &graph, &program);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_at_once),
        cmocka_unit_test(test_hangs),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_interrupt),
    };
    const int failed = cmocka_run_group_tests_name("submit", tests, NULL, NULL);
    engine_close(&engine);
    return failed;
}
