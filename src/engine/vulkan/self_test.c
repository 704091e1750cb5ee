// SPDX-License-Identifier: MIT
// A device is tried before it is trusted: how it rounds to fp16, and one product by its matrix
// units, against the processor. Each takes a small kernel or two and a fraction of a millisecond.
#include "engine/vulkan/self_test.h"

#include "engine/vulkan/buffer.h"
#include "engine/vulkan/physical.h"
#include "engine/vulkan/pipelines.h"
#include "engine/vulkan/push.h"
#include "engine/vulkan/submit.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/half.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- Running ------------------------------------------------------------------------------------

// Kernels, one after the other, on memory that both sides see.
struct trial {
    struct vulkan_engine *engine;
    struct vulkan_buffer memory;
    void *bytes; // what goes in, and what came out
    size_t size;
    VkCommandPool pool;
    VkCommandBuffer commands;
    VkSemaphore timeline;
};

static void end_trial(struct trial *trial)
{
    struct vulkan_engine *engine = trial->engine;
    const struct VolkDeviceTable *vk = &engine->vk;
    free(trial->bytes);
    if (engine->hung)
        return;
    if (trial->timeline)
        vk->vkDestroySemaphore(engine->device, trial->timeline, NULL);
    if (trial->pool)
        vk->vkDestroyCommandPool(engine->device, trial->pool, NULL);
    vulkan_buffer_destroy(engine, &trial->memory);
}

// All that goes in is zeros.
static bool begin_trial(struct vulkan_engine *engine, size_t size, struct trial *trial)
{
    const struct VolkDeviceTable *vk = &engine->vk;
    const VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };
    *trial = (struct trial){.engine = engine, .bytes = mem_zalloc(size, 1), .size = size};
    CHECK(vulkan_buffer_create(engine, USE_STAGING, size, &trial->memory));
    CHECK(vulkan_commands_create(engine, &trial->pool, &trial->commands, &trial->timeline));
    VK_CHECK(vk->vkBeginCommandBuffer(trial->commands, &begin));
    return true;
error:
    return false;
}

// One workgroup.
static void add_kernel(struct trial *trial, const struct pipeline *pipeline, const void *push)
{
    struct vulkan_engine *engine = trial->engine;
    vulkan_barrier(engine, trial->commands, BARRIER_ENDS);
    engine->vk.vkCmdBindPipeline(trial->commands, VK_PIPELINE_BIND_POINT_COMPUTE,
                                 pipeline->pipeline);
    engine->vk.vkCmdPushConstants(trial->commands, engine->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                  vulkan_push_size(pipeline->kernel), push);
    engine->vk.vkCmdDispatch(trial->commands, 1, 1, 1);
}

static bool run_trial(struct trial *trial)
{
    struct vulkan_engine *engine = trial->engine;
    const VkCommandBufferSubmitInfo commands = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
        .commandBuffer = trial->commands,
    };
    const VkSemaphoreSubmitInfo signal = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
        .semaphore = trial->timeline,
        .value = 1,
        .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
    };
    const VkSubmitInfo2 submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
        .commandBufferInfoCount = 1,
        .pCommandBufferInfos = &commands,
        .signalSemaphoreInfoCount = 1,
        .pSignalSemaphoreInfos = &signal,
    };
    CHECK(vulkan_buffer_write(engine, &trial->memory, 0, trial->size, trial->bytes));
    vulkan_barrier(engine, trial->commands, BARRIER_ENDS);
    VK_CHECK(engine->vk.vkEndCommandBuffer(trial->commands));
    VK_CHECK(engine->vk.vkQueueSubmit2(engine->queue, 1, &submit, VK_NULL_HANDLE));
    CHECK(vulkan_await(engine, trial->timeline, 1));
    return vulkan_buffer_read(engine, &trial->memory, 0, trial->size, trial->bytes);
error:
    return false;
}

// What the driver's compiler does not take is as good as what computes nonsense.
static bool make_kernels(struct vulkan_engine *engine, struct pipeline *pipelines, int count,
                         bool *good, char *why, size_t size)
{
    *good = vulkan_pipelines_make(engine, pipelines, count);
    if (!*good)
        snprintf(why, size, "%s", error_text());
    return *good || !engine->lost;
}

// --- Rounding to fp16 ---------------------------------------------------------------------------

const struct half_case half_cases[HALF_CASES] = {
    {65520, 0x7c00, "65520"}, // half way to what would be next: loss scaling lives on its infinity
    {-65520, 0xfc00, "-65520"},
    {65519.99609375f, 0x7bff, "65519.996"},
    {1e30f, 0x7c00, "1e30"},
    {0x1p-24f, 0x0001, "2^-24"}, // the smallest
    {-0x1p-24f, 0x8001, "-2^-24"},
    {0x1p-25f, 0x0000, "2^-25"}, // ties to even
    {0x1.000002p-25f, 0x0001, "2^-25 and a little"},
    {0x1.8p-24f, 0x0002, "3 2^-25"},
    {0x1.ff4p-15f, 0x03fe, "2045 2^-25"},
    {0x1p-14f, 0x0400, "2^-14"},
    {0x1.002p0f, 0x3c00, "1 + 2^-11"},
    {0x1.006p0f, 0x3c02, "1 + 3 2^-11"},
    {0x1.002002p0f, 0x3c01, "1 + 2^-11 and a little"},
    {-0x1.002p0f, 0xbc00, "-1 - 2^-11"},
    {NAN, 0x7e00, "NaN"},
};

static bool is_nan(uint16_t half)
{
    return (half & 0x7fff) > 0x7c00;
}

bool self_test_halves(const uint16_t *rounded, const uint16_t *copied, char *why, size_t size)
{
    for (int i = 0; i < HALF_CASES; i++) {
        const struct half_case *c = &half_cases[i];
        // ReLU: what is negative becomes 0, of either sign.
        const uint16_t expected = c->bits > 0x8000 ? 0 : c->bits;
        const bool nan = is_nan(c->bits);
        if (nan ? !is_nan(rounded[i]) : rounded[i] != c->bits) {
            snprintf(why, size, "%s is rounded to %.8g, not to %.8g", c->name,
                     (double)float_of_float16(rounded[i]), (double)float_of_float16(c->bits));
            return false;
        }
        if (nan ? !is_nan(copied[i]) : copied[i] != expected && (expected || copied[i] != 0x8000)) {
            snprintf(why, size, "%.8g is read as %.8g", (double)float_of_float16(c->bits),
                     (double)float_of_float16(copied[i]));
            return false;
        }
    }
    return true;
}

// The kernels that training rounds weights with, and activations.
static bool try_halves(struct vulkan_engine *engine, bool *good, char *why, size_t size)
{
    struct pipeline pipelines[] = {
        {.kernel = KERNEL_ID_ROUND_WEIGHTS, .half = true},
        {.kernel = KERNEL_ID_ELEMENTWISE, .half = true, .constants = {0, 1}}, // ReLU, aligned
    };
    struct trial trial = {.engine = engine};
    CHECK(make_kernels(engine, pipelines, 2, good, why, size));
    if (!*good)
        return true;
    CHECK(begin_trial(engine, HALF_CASES * 8, &trial));
    const VkDeviceAddress rounded = trial.memory.address + HALF_CASES * 4;
    const struct round_push round = {
        .w = trial.memory.address, .rounded = rounded, .count = HALF_CASES};
    const struct elementwise_push copy = {
        .a = rounded, .b = rounded, .y = rounded + HALF_CASES * 2, .count = HALF_CASES};
    float *values = trial.bytes;
    for (int i = 0; i < HALF_CASES; i++)
        values[i] = half_cases[i].value;
    add_kernel(&trial, &pipelines[0], &round);
    add_kernel(&trial, &pipelines[1], &copy);
    CHECK(run_trial(&trial));
    const uint16_t *made = (const uint16_t *)(values + HALF_CASES);
    *good = self_test_halves(made, made + HALF_CASES, why, size);
    end_trial(&trial);
    return true;
error:
    end_trial(&trial);
    return false;
}

// --- Matrix units -------------------------------------------------------------------------------

void self_test_factors(const struct matrix_size *m, bool exact, uint16_t *a, uint16_t *b)
{
    struct random random = random_stream(1, 2, 3, exact);
    for (uint32_t i = 0; i < m->m * m->k; i++) {
        float value =
            exact ? (float)random_below(&random, 9) - 4 : 4 * (float)random_uniform(&random) - 2;
        if (!exact && i < m->k) // a first row whose sums overflow fp16
            value = 20000;
        else if (!exact && i % m->k == 0) // large terms, which the small ones must survive
            value += 1024;
        a[i] = float16_of(value);
    }
    for (uint32_t i = 0; i < m->k * m->n; i++)
        b[i] = float16_of(exact ? (float)random_below(&random, 9) - 4
                                : 1 + (float)random_uniform(&random));
}

bool self_test_products(const struct matrix_size *m, bool exact, const uint16_t *a,
                        const uint16_t *b, const float *sums, const uint16_t *rounded, char *why,
                        size_t size)
{
    for (uint32_t i = 0; i < m->m * m->n; i++) {
        double sum = 0, magnitude = 0;
        for (uint32_t k = 0; k < m->k; k++) {
            const double term = 2.0 * (double)float_of_float16(a[i / m->n * m->k + k]) *
                                (double)float_of_float16(b[k * m->n + i % m->n]);
            sum += term;
            magnitude += fabs(term);
        }
        // Units may cut what they add off at the last bit of the largest.
        const double bound = exact ? 0 : 2 * (m->k + 1) * 0x1p-23 * magnitude;
        if (!(fabs((double)sums[i] - sum) <= bound)) {
            snprintf(why, size, "a product of matrices: %.9g instead of %.9g", (double)sums[i],
                     sum);
            return false;
        }
        if (rounded[i] != float16_of(sums[i])) {
            snprintf(why, size, "a sum: %.8g is rounded to %.8g", (double)sums[i],
                     (double)float_of_float16(rounded[i]));
            return false;
        }
    }
    return true;
}

// [rows][columns] -> [columns][rows]
static void turn(const uint16_t *from, uint32_t rows, uint32_t columns, uint16_t *to)
{
    for (uint32_t i = 0; i < rows * columns; i++)
        to[i % columns * rows + i / columns] = from[i];
}

// Both products in one memory: factors and their transposes, sums, sums as fp16.
static bool try_products(struct vulkan_engine *engine, bool *good, char *why, size_t size)
{
    const struct matrix_size m = engine->matrix;
    const size_t a = (size_t)m.m * m.k, b = (size_t)m.k * m.n, y = (size_t)m.m * m.n;
    const size_t bytes = 2 * (2 * a + 2 * b + 3 * y); // of one, a multiple of 16
    struct pipeline pipeline = {
        .kernel = m.half_sums ? KERNEL_ID_MATRIX_TEST : KERNEL_ID_MATRIX_TEST_FLOAT,
        .half = true,
        .constants = {[0] = m.subgroup, [9] = m.subgroup, [10] = m.m, [11] = m.n, [12] = m.k},
    };
    struct trial trial = {.engine = engine};
    CHECK(make_kernels(engine, &pipeline, 1, good, why, size));
    if (!*good)
        return true;
    CHECK(begin_trial(engine, 2 * bytes, &trial));
    for (int exact = 0; exact < 2; exact++) {
        uint16_t *at = (uint16_t *)trial.bytes + (size_t)exact * (bytes / 2);
        const VkDeviceAddress address = trial.memory.address + (size_t)exact * bytes;
        const struct matrix_test_push push = {.a = address,
                                              .b = address + 4 * a,
                                              .y = address + 4 * (a + b),
                                              .rounded = address + 4 * (a + b + y)};
        self_test_factors(&m, exact, at, at + 2 * a);
        turn(at, m.m, m.k, at + a);
        turn(at + 2 * a, m.k, m.n, at + 2 * a + b);
        add_kernel(&trial, &pipeline, &push);
    }
    CHECK(run_trial(&trial));
    *good = true;
    for (int exact = 1; exact >= 0 && *good; exact--) {
        const uint16_t *at = (const uint16_t *)trial.bytes + (size_t)exact * (bytes / 2);
        const uint16_t *made = at + 2 * (a + b);
        *good = self_test_products(&m, exact, at, at + 2 * a, (const float *)(const void *)made,
                                   made + 2 * y, why, size);
    }
    end_trial(&trial);
    return true;
error:
    end_trial(&trial);
    return false;
}

// ------------------------------------------------------------------------------------------------

bool vulkan_self_test(struct vulkan_engine *engine)
{
    struct device_info *info = &engine->base.device;
    bool good = true;
    if (info->half == HALF_FLOAT16) {
        if (!try_halves(engine, &good, info->half_missing, sizeof info->half_missing))
            return error_prefix("%s: its test of fp16", info->name);
        info->half = good ? HALF_FLOAT16 : HALF_NONE;
    }
    if (info->half == HALF_NONE && engine->matrix.m > 0) {
        engine->matrix.m = 0;
        snprintf(engine->matrix_missing, sizeof engine->matrix_missing, "as fp16 is not");
    }
    if (engine->matrix.m > 0) {
        if (!try_products(engine, &good, engine->matrix_missing, sizeof engine->matrix_missing))
            return error_prefix("%s: its test of matrix units (--matrix off leaves it out)",
                                info->name);
        engine->matrix.m = good ? engine->matrix.m : 0;
    }
    physical_tell_units(engine);
    return true;
}
