// SPDX-License-Identifier: MIT
// The tiles that a device gets without tuning follow from its limits. Here the limits are made up,
// after the devices that they are named for; nothing runs.
#include "tests/test.h"
#include "engine/vulkan/candidates.h"
#include "engine/vulkan/tuning.h"

#include <string.h>

static const struct device_case {
    const char *name;
    enum device_kind kind;
    uint32_t shared, invocations, subgroup;
    bool lean;
} devices[] = {
    {"NVIDIA", DEVICE_DISCRETE, 48 << 10, 1024, 32},
    {"AMD", DEVICE_DISCRETE, 64 << 10, 1024, 64},
    {"Intel", DEVICE_INTEGRATED, 64 << 10, 1024, 32},
    {"Intel, older", DEVICE_INTEGRATED, 64 << 10, 1024, 8},
    {"Intel by Mesa", DEVICE_INTEGRATED, 48 << 10, 1024, 32, .lean = true},
    {"Apple by MoltenVK", DEVICE_INTEGRATED, 32 << 10, 1024, 32},
    {"few invocations", DEVICE_INTEGRATED, 32 << 10, 256, 16},
    {"what Vulkan promises", DEVICE_INTEGRATED, 16 << 10, 128, 4},
    {"software", DEVICE_SOFTWARE, 32 << 10, 1024, 8},
};
#define DEVICES ((int)(sizeof devices / sizeof devices[0]))

// The convolutions of the U-Net with 7 features and 3 labels, one of hardly any pixels, and one of
// more than Vulkan promises workgroups for.
static const struct layer {
    uint32_t pixels, in, out, kernel, stride;
    bool lines; // images of one row
} layers[] = {
    {4 * 128 * 256, 7, 64, 3, 1},       {4 * 128 * 256, 64, 64, 3, 1},
    {4 * 128 * 256, 192, 64, 3, 1},     {4 * 64 * 128, 7, 64, 7, 2},
    {4 * 64 * 128, 320, 128, 3, 1},     {4 * 64 * 128, 64, 64, 1, 1},
    {4 * 32 * 64, 320, 256, 3, 1},      {4 * 16 * 32, 64, 128, 3, 2},
    {4 * 16 * 32, 640, 256, 3, 1},      {4 * 8 * 16, 256, 256, 3, 1},
    {4 * 8 * 16, 768, 512, 3, 1},       {4 * 4 * 8, 512, 512, 3, 1},
    {4 * 4 * 8, 256, 512, 1, 2},        {4 * 128 * 256, 64, 3, 1, 1},
    {2 * 1 * 1, 512, 512, 3, 1, true},  {1024 * 128 * 256, 64, 64, 3, 1},
    {4 * 1 * 8192, 64, 64, 3, 1, true}, {4 * 16 * 32, 64, 16, 3, 1},
};
#define LAYERS ((int)(sizeof layers / sizeof layers[0]))

static const enum op_kind kinds[] = {OP_CONV, OP_CONV_INPUT_GRAD, OP_CONV_WEIGHT_GRAD};

static struct vulkan_engine device_of(const struct device_case *device)
{
    struct vulkan_engine engine = {
        .base.device = {.kind = device->kind},
        .subgroup = device->subgroup,
        .lean = device->lean,
        .tile = -1,
        .limits = {.maxComputeSharedMemorySize = device->shared,
                   .maxComputeWorkGroupInvocations = device->invocations,
                   .maxComputeWorkGroupSize = {device->invocations, device->invocations, 64},
                   .maxComputeWorkGroupCount = {65535, 65535, 65535}},
    };
    return engine;
}

static struct conv_problem problem_of(const struct layer *layer, enum op_kind kind, uint32_t slots)
{
    return (struct conv_problem){
        .kind = kind,
        .pixels = layer->pixels,
        .quads = layer->lines ? (layer->pixels + 1) / 2 : layer->pixels / 4,
        .in = layer->in,
        .out = layer->out,
        .kernel = layer->kernel,
        .stride = layer->stride,
        .splits =
            kind == OP_CONV_WEIGHT_GRAD && layer->pixels > 4096 ? layer->pixels / 65536 + 1 : 1,
        .slots = slots,
    };
}

static void check_limits(const struct vulkan_engine *engine, const char *name,
                         const struct conv_problem *problem, const struct conv_tile *tile)
{
    const VkPhysicalDeviceLimits *limits = &engine->limits;
    uint32_t groups[2];
    conv_groups(engine, tile, problem, groups);
    if (tile->local == 0 || tile->rows == 0 || tile->columns == 0 ||
        tile->local > limits->maxComputeWorkGroupInvocations ||
        tile->local > limits->maxComputeWorkGroupSize[0] || groups[0] == 0 || groups[1] == 0 ||
        groups[0] > limits->maxComputeWorkGroupCount[0] ||
        groups[1] > limits->maxComputeWorkGroupCount[1])
        fail_msg("%s: %s, %u pixels, %u -> %u: %u invocations, %u x %u, %u x %u workgroups", name,
                 op_name(problem->kind), problem->pixels, problem->in, problem->out, tile->local,
                 tile->rows, tile->columns, groups[0], groups[1]);
    if (tile->family != CONV_DIRECT && !conv_tile_fits(engine, tile, problem))
        fail_msg("%s: %s, %u pixels, %u -> %u: its shared memory is too small", name,
                 op_name(problem->kind), problem->pixels, problem->in, problem->out);
}

// Whether tiles in shared memory can do it: vectors of four channels, no stride to be undone, and
// more than half of the smallest tile (32 by 32) to fill. And workgroups enough for the largest.
static bool is_shared(const struct conv_problem *problem)
{
    const bool weight_grad = problem->kind == OP_CONV_WEIGHT_GRAD;
    const uint32_t m = weight_grad ? problem->in : problem->pixels,
                   n = problem->kind == OP_CONV_INPUT_GRAD ? problem->in : problem->out;
    if (!weight_grad && m / 128 >= 65535)
        return false;
    return problem->in % 4 == 0 && problem->out % 4 == 0 && m >= 22 && n >= 22 &&
           (problem->kind != OP_CONV_INPUT_GRAD || problem->stride == 1);
}

// Whether Winograd's kernels do: fewer products, in 3x3 convolutions of stride 1 with channels
// enough on both sides for the transforms, and more than half of the smallest tile (16 by 16).
static bool is_winograd(const struct vulkan_engine *engine, const struct conv_problem *problem)
{
    const bool weight_grad = problem->kind == OP_CONV_WEIGHT_GRAD;
    const VkPhysicalDeviceLimits *limits = &engine->limits;
    if (problem->half || problem->kernel != 3 || problem->stride != 1 || problem->in < 32 ||
        problem->out < 32 || 8.0 * problem->quads >= 3.0 * problem->pixels)
        return false;
    return limits->maxComputeWorkGroupInvocations >= 256 &&
           problem->quads >= (weight_grad ? 16 : 11) &&
           (weight_grad || problem->quads / 32 < 65535);
}

typedef void check_problem(const struct vulkan_engine *engine, const char *name,
                           const struct conv_problem *problem);

static void for_each(check_problem *check)
{
    for (int d = 0; d < DEVICES; d++) {
        const struct vulkan_engine engine = device_of(&devices[d]);
        for (int l = 0; l < LAYERS; l++)
            for (int k = 0; k < 3; k++)
                for (uint32_t slots = 1; slots <= 64; slots *= 8) {
                    const struct conv_problem problem = problem_of(&layers[l], kinds[k], slots);
                    check(&engine, devices[d].name, &problem);
                }
    }
}

static void check_default(const struct vulkan_engine *engine, const char *name,
                          const struct conv_problem *problem)
{
    const struct conv_tile tile = conv_tile(engine, problem);
    check_limits(engine, name, problem, &tile);
    const enum conv_family expected = engine->base.device.kind == DEVICE_SOFTWARE ? CONV_DIRECT
                                      : is_winograd(engine, problem)              ? CONV_WINOGRAD
                                      : is_shared(problem)                        ? CONV_SHARED
                                                                                  : CONV_DIRECT;
    if (tile.family != expected)
        fail_msg("%s: %s, %u pixels, %u -> %u: family %d, expected %d", name,
                 op_name(problem->kind), problem->pixels, problem->in, problem->out,
                 (int)tile.family, (int)expected);
}

static void test_defaults(void **state)
{
    (void)state;
    for_each(check_default);
}

static void check_candidates(const struct vulkan_engine *engine, const char *name,
                             const struct conv_problem *problem)
{
    const struct conv_tile chosen = conv_default_tile(engine, problem);
    struct conv_tile tile;
    int count = 0;
    while (conv_candidate(engine, problem, count, &tile)) {
        check_limits(engine, name, problem, &tile);
        assert_true(conv_allowed(engine, problem, &tile));
        assert_int_equal(tile.family == CONV_WINOGRAD, chosen.family == CONV_WINOGRAD); // its bits
        tile.rows += 100;
        assert_false(conv_allowed(engine, problem, &tile));
        assert_true(++count < 64); // what tuning can hold
    }
    assert_true(count >= 1);
}

static void test_candidates(void **state)
{
    (void)state;
    for_each(check_candidates);
}

// More room is used: the largest tile where there are pixels enough for it.
static void test_large_tiles(void **state)
{
    (void)state;
    for (int d = 0; d < DEVICES; d++) {
        const struct vulkan_engine engine = device_of(&devices[d]);
        const struct conv_problem single = problem_of(&layers[5], OP_CONV, 64),
                                  problem = problem_of(&layers[1], OP_CONV, 64);
        const struct conv_tile tile = conv_tile(&engine, &single),
                               winograd = conv_tile(&engine, &problem);
        if (devices[d].kind != DEVICE_SOFTWARE)
            assert_int_equal(tile.local, 128); // 128 pixels by all 64 channels, on every GPU
        if (winograd.family == CONV_WINOGRAD)  // 32 quads by 32 channels
            assert_int_equal(winograd.rows * winograd.columns, 4);
    }
}

// Where there are matrix units, they are used with fp16 activations, whatever the slots: it is part
// of the bits. Tuning stays among their tiles.
static void test_matrix_units(void **state)
{
    (void)state;
    struct vulkan_engine engine = device_of(&devices[0]);
    struct conv_tile tile;
    engine.matrix = (struct matrix_size){16, 16, 16, 32, .half_sums = true};
    for (int l = 0; l < LAYERS; l++)
        for (int k = 0; k < 3; k++)
            for (uint32_t slots = 1; slots <= 64; slots *= 8) {
                struct conv_problem problem = problem_of(&layers[l], kinds[k], slots);
                const bool whole = problem.out % 8 == 0 &&
                                   (problem.kind != OP_CONV_INPUT_GRAD || problem.in % 8 == 0);
                const bool many = problem.kind != OP_CONV_WEIGHT_GRAD && problem.pixels > 1 << 22;
                tile = conv_tile(&engine, &problem); // fp32
                assert_int_not_equal(tile.family, CONV_MATRIX);
                problem.half = true;
                if (many) // for the workgroups that there are
                    continue;
                const struct conv_tile chosen = conv_tile(&engine, &problem);
                assert_int_equal(chosen.family == CONV_MATRIX, whole);
                for (int i = 0; conv_candidate(&engine, &problem, i, &tile); i++) {
                    assert_int_equal(tile.family, chosen.family);
                    if (tile.family == CONV_SHARED) // its sums are rounded by steps
                        assert_int_equal(tile.depth, chosen.depth);
                }
            }
}

// Steps of the sum are whole matrices, whatever their size.
static void test_deep_matrices(void **state)
{
    (void)state;
    struct vulkan_engine engine = device_of(&devices[0]);
    struct conv_tile tile;
    engine.matrix = (struct matrix_size){.m = 16, .n = 16, .k = 32, .subgroup = 32};
    for (int k = 0; k < 3; k++) {
        struct conv_problem problem = problem_of(&layers[1], kinds[k], 8);
        problem.half = true;
        assert_int_equal(conv_tile(&engine, &problem).family, CONV_MATRIX);
        for (int i = 0; conv_candidate(&engine, &problem, i, &tile); i++)
            assert_int_equal(tile.depth % engine.matrix.k, 0);
    }
}

// Sums of a tile in each invocation; the tile of a layer with 64 slots.
static uint32_t matrix_sums(const struct matrix_size *m, const struct conv_tile *tile)
{
    return tile->rows * tile->columns * m->m * m->n / m->subgroup;
}

static void check_size(const struct vulkan_engine *engine, int layer, uint32_t m, uint32_t n)
{
    struct conv_problem problem = problem_of(&layers[layer], OP_CONV, 64);
    problem.half = true;
    const struct conv_tile tile = conv_tile(engine, &problem);
    uint32_t size[2];
    conv_tile_size(engine, &tile, OP_CONV, size);
    assert_int_equal(tile.family, CONV_MATRIX);
    assert_int_equal(size[0], m);
    assert_int_equal(size[1], n);
}

// Where registers are few, tiles are those whose kernels did not spill (bench/compile_lab): one
// product of matrices a step, with fewer sums where an invocation has much else to hold.
static void test_few_registers(void **state)
{
    static const struct {
        struct matrix_size matrix;
        uint32_t most, most_gathering;                          // sums of an invocation
    } units[] = {{{8, 8, 16, 8, .half_sums = false}, 32, 16},   // before Xe2
                 {{8, 16, 16, 16, .half_sums = true}, 64, 32}}; // from then on
    struct vulkan_engine engine = device_of(&devices[4]);
    (void)state;
    assert_true(engine.lean);
    for (int u = 0; u < 2; u++) {
        engine.matrix = units[u].matrix;
        for (int l = 0; l < LAYERS; l++)
            for (int k = 0; k < 3; k++)
                for (uint32_t slots = 1; slots <= 64; slots *= 4) {
                    struct conv_problem problem = problem_of(&layers[l], kinds[k], slots);
                    problem.half = true;
                    const struct conv_tile tile = conv_tile(&engine, &problem);
                    if (tile.family != CONV_MATRIX)
                        continue;
                    const bool gathers = kinds[k] == OP_CONV_WEIGHT_GRAD && problem.in % 8 != 0;
                    assert_int_equal(tile.depth, engine.matrix.k);
                    assert_true(matrix_sums(&engine.matrix, &tile) <=
                                (gathers ? units[u].most_gathering : units[u].most));
                }
    }
    check_size(&engine, 1, 128, 64); // to 64 channels
    check_size(&engine, 4, 128, 128);
    engine.matrix = units[0].matrix;
    check_size(&engine, 1, 64, 64);
    check_size(&engine, 4, 64, 64);
}

// The same without matrix units: loops are not unrolled where an invocation has more than 32 sums,
// or fp16 sums too, of which it has 16 then.
static void test_lean_kernels(void **state)
{
    const struct vulkan_engine engine = device_of(&devices[4]), usual = device_of(&devices[2]);
    (void)state;
    for (int l = 0; l < LAYERS; l++)
        for (int k = 0; k < 3; k++)
            for (uint32_t slots = 1; slots <= 64; slots *= 4)
                for (int half = 0; half < 2; half++) {
                    struct conv_problem problem = problem_of(&layers[l], kinds[k], slots);
                    problem.half = half;
                    const struct conv_tile tile = conv_tile(&engine, &problem);
                    const uint32_t sums = 16 * tile.rows * tile.columns;
                    const bool lean = conv_tile_is_lean(&engine, &tile, &problem);
                    if (tile.family == CONV_SHARED) {
                        assert_int_equal(lean, half || sums > 32);
                        assert_true(!half || sums == 16);
                    } else {
                        assert_int_equal(lean, tile.family == CONV_WINOGRAD && sums > 16);
                    }
                    assert_false(conv_tile_is_lean(&usual, &tile, &problem));
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_large_tiles),   cmocka_unit_test(test_matrix_units),
        cmocka_unit_test(test_deep_matrices), cmocka_unit_test(test_few_registers),
        cmocka_unit_test(test_lean_kernels),
    };
    return cmocka_run_group_tests_name("tile_limits", tests, NULL, NULL);
}
