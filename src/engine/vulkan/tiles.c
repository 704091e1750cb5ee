// SPDX-License-Identifier: MIT
// How convolutions are cut into tiles. Sums run in one order whatever the tile (conv.comp), so this
// is about speed only.
#include "engine/vulkan/internal.h"

#include "vkgrid/error.h"

#include <stdlib.h>

// Figures: GFLOP/s of a 3x3 convolution, 64 to 64 channels at 64x128, on two cores; pixels x
// vectors of four channels.
//   lavapipe 26.2, forward:     1x8 63, 2x4 44, 6x2 27;     lavapipe 22.3: 1x8 2, 6x2 9, 6x4 10
//   lavapipe 26.2, input grad:  1x8 69, 2x4 45, 6x2 32;     lavapipe 22.3: 1x8 3, 6x2 8, 6x4 11
// and milliseconds of a training step (ResNet-18, batch 1, 128x256) on lavapipe 26.2:
//   forward 1x8 396, 1x16 318, 2x8 347, 1x32 293; input grad 1x8 362, 1x16 281, 2x8 311, 1x32 325
//   weight grad, steps of 4 pixels: 1x8 531, 2x4 616, 1x16 490, 2x8 407; of 1 pixel: 2x4 662, 2x8
//   583
// (lavapipe 22.3: 2x4 by 4 pixels 2162, by 1 pixel 1845)
// A driver that loads an address common to all lanes once wants many channels an invocation, for
// which only weights are loaded; one that loads it lane by lane wants a square tile.
static const struct {
    uint32_t pixels, vectors;
} quick_uniform = {1, 16}, slow_uniform = {6, 4}, slow_few = {8, 2}, gpu = {4, 2};
// The same for the weight gradient: vectors of input and output channels, and pixels of a step.
static const struct weight_tile {
    uint32_t in, out, pixels;
} quick_weights = {2, 8, 4}, slow_weights = {2, 4, 1}, gpu_weights = {2, 2, 1};

static uint32_t at_most(uint32_t value, uint32_t limit)
{
    return value < limit ? value : limit;
}

static uint32_t divide_up(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

static struct conv_tile direct_tile(const struct vulkan_engine *engine,
                                    const struct conv_problem *problem)
{
    const bool software = engine->base.device.kind == DEVICE_SOFTWARE;
    const uint32_t in = divide_up(problem->in, 4), out = divide_up(problem->out, 4); // vectors
    const uint32_t pixels = problem->pixels;
    struct conv_tile tile = {.local = software ? at_most(engine->subgroup, 32) : 64};
    if (problem->kind == OP_CONV_WEIGHT_GRAD) {
        const bool slow = engine->slow_uniform_loads;
        const struct weight_tile *weights = !software ? &gpu_weights
                                            : slow    ? &slow_weights
                                                      : &quick_weights;
        tile.local = software ? tile.local : 16;
        tile.rows = in > tile.local ? weights->in : 1;
        tile.columns = at_most(out, weights->out);
        tile.depth = weights->pixels;
        return tile;
    }
    const uint32_t vectors = problem->kind == OP_CONV ? out : in;
    if (!software) {
        tile.rows = gpu.pixels;
        tile.columns = at_most(vectors, gpu.vectors);
    } else if (engine->slow_uniform_loads) {
        // Where 8x2 covers all pixels (the deep layers) one tile of it beats two of 6x4, half
        // empty.
        const bool few =
            pixels > tile.local * slow_uniform.pixels && pixels <= tile.local * slow_few.pixels;
        tile.rows = few ? slow_few.pixels : slow_uniform.pixels;
        tile.columns = at_most(vectors, few ? slow_few.vectors : slow_uniform.vectors);
    } else {
        tile.columns = at_most(vectors, quick_uniform.vectors);
        tile.rows = at_most(quick_uniform.vectors / tile.columns, 4);
    }
    // A few pixels (the deep layers) are not worth a wide tile.
    tile.rows = at_most(tile.rows, divide_up(pixels, tile.local));
    // Workgroups along one axis are limited, to 65535 on many devices.
    while (pixels / (tile.local * tile.rows) >= engine->limits.maxComputeWorkGroupCount[0])
        tile.local *= 2;
    return tile;
}

// From the most work per byte of shared memory to the most workgroups. Elements of a tile: 128x128,
// 128x64, 64x64, 32x64, 32x32.
static const struct conv_tile shared_tiles[] = {
    {CONV_SHARED, .local = 256, .rows = 2, .columns = 2, .local_columns = 16, .depth = 8},
    {CONV_SHARED, .local = 128, .rows = 2, .columns = 2, .local_columns = 8, .depth = 8},
    {CONV_SHARED, .local = 64, .rows = 2, .columns = 2, .local_columns = 8, .depth = 8},
    {CONV_SHARED, .local = 64, .rows = 1, .columns = 2, .local_columns = 8, .depth = 8},
    {CONV_SHARED, .local = 64, .rows = 1, .columns = 1, .local_columns = 8, .depth = 8},
};
#define SHARED_TILES ((int)(sizeof shared_tiles / sizeof shared_tiles[0]))
#define ENOUGH_GROUPS 512 // keep a large GPU busy

bool conv_tile_wanted(int *tile)
{
    const char *text = getenv("VKGRID_TILE");
    char *end;
    *tile = -1;
    if (!text || !*text)
        return true;
    const long value = strtol(text, &end, 10);
    if (*end || value < 0 || value > SHARED_TILES)
        return error_set("VKGRID_TILE: is \"%s\": 0 to %d is allowed", text, SHARED_TILES);
    *tile = (int)value;
    return true;
}

const struct conv_tile *conv_shared_tile(int tile)
{
    return tile >= 1 && tile <= SHARED_TILES ? &shared_tiles[tile - 1] : NULL;
}

void conv_groups(const struct conv_tile *tile, const struct conv_problem *problem,
                 uint32_t groups[2])
{
    const bool shared = tile->family == CONV_SHARED;
    const uint32_t rows =
        shared ? tile->local / tile->local_columns * tile->rows * 4 : tile->local * tile->rows;
    const uint32_t columns = 4 * tile->columns * (shared ? tile->local_columns : 1);
    if (problem->kind == OP_CONV_WEIGHT_GRAD) {
        groups[0] =
            problem->kernel * problem->kernel * divide_up(problem->in, shared ? rows : 4 * rows);
        groups[1] = divide_up(problem->out, columns) * problem->splits;
    } else {
        groups[0] = divide_up(problem->pixels, rows);
        groups[1] = divide_up(problem->kind == OP_CONV ? problem->out : problem->in, columns);
    }
}

static uint32_t shared_bytes(const struct conv_tile *tile)
{
    const uint32_t rows = tile->local / tile->local_columns * tile->rows,
                   columns = tile->local_columns * tile->columns;
    return 2 * tile->depth * (rows + 1 + columns + 1) * 16;
}

// What conv_shared.glsl can do on this device.
static bool shared_allowed(const struct vulkan_engine *engine, const struct conv_tile *tile,
                           const struct conv_problem *problem)
{
    const VkPhysicalDeviceLimits *limits = &engine->limits;
    uint32_t groups[2];
    conv_groups(tile, problem, groups);
    return problem->in % 4 == 0 && problem->out % 4 == 0 && !problem->float_out &&
           (problem->kind != OP_CONV_INPUT_GRAD || problem->stride == 1) &&
           shared_bytes(tile) <= limits->maxComputeSharedMemorySize &&
           tile->local <= limits->maxComputeWorkGroupInvocations &&
           tile->local <= limits->maxComputeWorkGroupSize[0] &&
           groups[0] <= limits->maxComputeWorkGroupCount[0] &&
           groups[1] <= limits->maxComputeWorkGroupCount[1];
}

// The largest tile that makes enough workgroups and is not half empty.
static const struct conv_tile *shared_tile(const struct vulkan_engine *engine,
                                           const struct conv_problem *problem)
{
    const bool weight_grad = problem->kind == OP_CONV_WEIGHT_GRAD;
    const uint32_t m = weight_grad ? problem->in : problem->pixels,
                   n = problem->kind == OP_CONV_INPUT_GRAD ? problem->in : problem->out;
    const struct conv_tile *best = NULL;
    for (int i = 0; i < SHARED_TILES; i++) {
        const struct conv_tile *tile = &shared_tiles[i];
        const uint32_t rows = tile->local / tile->local_columns * tile->rows * 4,
                       columns = tile->local_columns * tile->columns * 4;
        uint32_t groups[2];
        if (!shared_allowed(engine, tile, problem) || rows > m + m / 2 || columns > n + n / 2)
            continue;
        best = tile;
        conv_groups(tile, problem, groups);
        if ((uint64_t)groups[0] * groups[1] * problem->slots >= ENOUGH_GROUPS)
            break;
    }
    return best;
}

struct conv_tile conv_tile(const struct vulkan_engine *engine, const struct conv_problem *problem)
{
    const struct conv_tile *shared = NULL;
    if (engine->tile > 0)
        shared = conv_shared_tile(engine->tile);
    else if (engine->tile < 0 && engine->base.device.kind != DEVICE_SOFTWARE)
        shared =
            shared_tile(engine, problem); // software has no memory that is nearer than its caches
    return shared && shared_allowed(engine, shared, problem) ? *shared
                                                             : direct_tile(engine, problem);
}
