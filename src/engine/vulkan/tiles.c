// SPDX-License-Identifier: MIT
// How convolutions are cut into tiles. Sums run in one order whatever the tile of a family (and,
// with fp32 activations, in CONV_DIRECT and CONV_SHARED alike), so among those this is about speed
// only. Which family it is follows from the problem without its slots.
#include "engine/vulkan/tiles.h"

#include "vkgrid/base/error.h"

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

struct conv_tile conv_direct_tile(const struct vulkan_engine *engine,
                                  const struct conv_problem *problem)
{
    const bool software = engine->base.device.kind == DEVICE_SOFTWARE;
    const uint32_t in = divide_up(problem->in, 4), out = divide_up(problem->out, 4); // vectors
    const uint32_t pixels = problem->pixels;
    struct conv_tile tile = {.local = software ? at_most(engine->subgroup, 32) : 64};
    if (problem->kind == OP_CONV_WEIGHT_GRAD) {
        const struct weight_tile *weights = &gpu_weights;
        if (software)
            weights = engine->slow_uniform_loads ? &slow_weights : &quick_weights;
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
        if (2 * tile.local <= engine->limits.maxComputeWorkGroupInvocations)
            tile.local *= 2;
        else
            tile.rows *= 2;
    return tile;
}

// From the most work per byte of shared memory to the most workgroups. Elements of a CONV_SHARED
// tile: 128x128, 128x64, 64x64, 32x64, 32x32; of a CONV_MATRIX tile with matrices of 16x16: the
// same. `local` of the latter is in subgroups. Of a CONV_WINOGRAD tile: quads (or input channels)
// by channels, 32x32, 16x32, 16x16.
static const struct conv_tile tiles[] = {
    {CONV_SHARED, .local = 256, .rows = 2, .columns = 2, .local_columns = 16, .depth = 8},
    {CONV_SHARED, .local = 128, .rows = 2, .columns = 2, .local_columns = 8, .depth = 8},
    {CONV_SHARED, .local = 64, .rows = 2, .columns = 2, .local_columns = 8, .depth = 8},
    {CONV_SHARED, .local = 64, .rows = 1, .columns = 2, .local_columns = 8, .depth = 8},
    {CONV_SHARED, .local = 64, .rows = 1, .columns = 1, .local_columns = 8, .depth = 8},
    {CONV_MATRIX, .local = 8, .rows = 2, .columns = 4, .local_columns = 2, .depth = MATRIX_DEPTH},
    {CONV_MATRIX, .local = 8, .rows = 2, .columns = 2, .local_columns = 2, .depth = MATRIX_DEPTH},
    {CONV_MATRIX, .local = 4, .rows = 2, .columns = 2, .local_columns = 2, .depth = MATRIX_DEPTH},
    {CONV_MATRIX, .local = 4, .rows = 1, .columns = 2, .local_columns = 2, .depth = MATRIX_DEPTH},
    {CONV_MATRIX, .local = 4, .rows = 1, .columns = 1, .local_columns = 2, .depth = MATRIX_DEPTH},
    {CONV_WINOGRAD, .local = 256, .rows = 2, .columns = 2, .local_columns = 4, .depth = 8},
    {CONV_WINOGRAD, .local = 256, .rows = 1, .columns = 2, .local_columns = 4, .depth = 8},
    {CONV_WINOGRAD, .local = 256, .rows = 1, .columns = 1, .local_columns = 4, .depth = 8},
    // Taken where they have been measured to be the fastest: 64x32 by Winograd, 256x64, and the
    // first of CONV_MATRIX with half the memory.
    {CONV_WINOGRAD, .local = 256, .rows = 4, .columns = 2, .local_columns = 4, .depth = 4},
    {CONV_MATRIX, .local = 8, .rows = 4, .columns = 2, .local_columns = 2, .depth = 16},
    {CONV_MATRIX, .local = 8, .rows = 2, .columns = 4, .local_columns = 2, .depth = 16},
    // For few registers: 64x64; with matrices of 8x16 128x128, 64x128, 128x64, 32x64, 16x32, with
    // matrices of 8x8 half as wide.
    {CONV_SHARED, .local = 128, .rows = 1, .columns = 2, .local_columns = 8, .depth = 8},
    {CONV_MATRIX, .local = 16, .rows = 2, .columns = 4, .local_columns = 2, .depth = 16},
    {CONV_MATRIX, .local = 16, .rows = 2, .columns = 2, .local_columns = 4, .depth = 16},
    {CONV_MATRIX, .local = 16, .rows = 2, .columns = 2, .local_columns = 2, .depth = 16},
    {CONV_MATRIX, .local = 8, .rows = 1, .columns = 2, .local_columns = 2, .depth = 16},
    {CONV_MATRIX, .local = 4, .rows = 1, .columns = 1, .local_columns = 2, .depth = 16},
};
#define TILES ((int)(sizeof tiles / sizeof tiles[0]))
// Numbers of those that the rules take, in the order in which they are tried; and where registers
// are few.
static const int usual_tiles[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0},
                 lean_tiles[] = {1, 2, 17, 4, 5, 18, 19, 20, 21, 22, 11, 12, 13, 0};
#define LEAN_WORDS 80     // of 32 bits, that an invocation of CONV_MATRIX may hold in 128 registers
#define GATHER_WORDS 32   // of those, for elements that have a place of their own
#define ENOUGH_GROUPS 512 // keep a large GPU busy
#define WINOGRAD_PLACES 16
#define WINOGRAD_CHANNELS 32 // of both sides, for transforms that are worth it
#define WINOGRAD_QUADS 16 // to sum over: a sum of fewer terms is rounded less than transforms are

bool conv_tile_wanted(int *tile)
{
    const char *text = getenv("VKGRID_TILE");
    char *end;
    *tile = -1;
    if (!text || !*text)
        return true;
    const long value = strtol(text, &end, 10);
    if (*end || value < 0 || value > TILES)
        return error_set("VKGRID_TILE: is \"%s\": 0 to %d is allowed", text, TILES);
    *tile = (int)value;
    return true;
}

bool conv_tile_of(const struct vulkan_engine *engine, int number, struct conv_tile *tile)
{
    if (number < 1 || number > TILES)
        return false;
    *tile = tiles[number - 1];
    if (tile->family == CONV_MATRIX)
        tile->local *= engine->matrix.subgroup;
    return true;
}

void conv_tile_size(const struct vulkan_engine *engine, const struct conv_tile *tile,
                    enum op_kind kind, uint32_t size[2])
{
    switch (tile->family) {
    case CONV_SHARED:
        size[0] = tile->local / tile->local_columns * tile->rows * 4;
        size[1] = tile->local_columns * tile->columns * 4;
        break;
    case CONV_MATRIX:
        size[0] = tile->local / engine->matrix.subgroup / tile->local_columns * tile->rows *
                  engine->matrix.m;
        size[1] = tile->local_columns * tile->columns * engine->matrix.n;
        break;
    case CONV_WINOGRAD:
        size[0] = tile->local / WINOGRAD_PLACES / tile->local_columns * tile->rows * 4;
        size[1] = tile->local_columns * tile->columns * 4;
        break;
    default:
        size[0] = tile->local * tile->rows * (kind == OP_CONV_WEIGHT_GRAD ? 4 : 1);
        size[1] = tile->columns * 4;
        break;
    }
}

void conv_groups(const struct vulkan_engine *engine, const struct conv_tile *tile,
                 const struct conv_problem *problem, uint32_t groups[2])
{
    const uint32_t taps = problem->kernel * problem->kernel;
    uint32_t size[2];
    conv_tile_size(engine, tile, problem->kind, size);
    if (problem->kind == OP_CONV_WEIGHT_GRAD) {
        if (tile->family == CONV_MATRIX) // rows of all taps are one row of tiles
            groups[0] = divide_up(taps * problem->in, size[0]);
        else
            groups[0] =
                (tile->family == CONV_WINOGRAD ? 1 : taps) * divide_up(problem->in, size[0]);
        groups[1] = divide_up(problem->out, size[1]) * problem->splits;
    } else {
        groups[0] =
            divide_up(tile->family == CONV_WINOGRAD ? problem->quads : problem->pixels, size[0]);
        groups[1] = divide_up(problem->kind == OP_CONV ? problem->out : problem->in, size[1]);
    }
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

// As conv_matrix.glsl lays it out, in units of 16 bytes: lines with one unit of padding.
static uint32_t matrix_units(const struct vulkan_engine *engine, const struct conv_tile *tile,
                             enum op_kind kind, const uint32_t size[2])
{
    const bool float_sums = kind == OP_CONV_WEIGHT_GRAD;
    const uint32_t unit = engine->matrix.half_sums ? 8 : 4; // elements where sums are staged
    const uint32_t along = tile->depth / 8 + 1;
    const uint32_t left = float_sums ? tile->depth * (size[0] / 8 + 1) : size[0] * along,
                   right = kind == OP_CONV_INPUT_GRAD ? size[1] * along
                                                      : tile->depth * (size[1] / 8 + 1);
    const uint32_t stage =
        float_sums ? engine->matrix.n / 4 + 1 : tile->columns * engine->matrix.n / unit + 1;
    const uint32_t others = larger(tile->local / engine->matrix.subgroup * engine->matrix.m * stage,
                                   kind == OP_CONV ? engine->matrix.m * (size[1] / 4 + 1) : 0);
    return larger(2 * left, others) + 2 * right;
}

static uint32_t shared_bytes(const struct vulkan_engine *engine, const struct conv_tile *tile,
                             enum op_kind kind)
{
    uint32_t size[2];
    conv_tile_size(engine, tile, kind, size);
    if (tile->family == CONV_MATRIX)
        return 16 * matrix_units(engine, tile, kind, size);
    const uint32_t rows = size[0] / 4, columns = size[1] / 4;
    if (tile->family == CONV_WINOGRAD) // as conv_winograd.glsl lays it out
        return 16 * WINOGRAD_PLACES *
               larger(tile->depth * (rows + columns), size[0] / tile->rows * columns);
    return 2 * tile->depth * (rows + 1 + columns + 1) * 16;
}

// What the kernels of a family can do at all.
static bool family_fits(const struct vulkan_engine *engine, enum conv_family family,
                        const struct conv_problem *problem)
{
    if (problem->float_out)
        return false;
    if (family == CONV_MATRIX)
        return problem->half && engine->matrix.m > 0 && problem->out % 8 == 0 &&
               (problem->kind != OP_CONV_INPUT_GRAD || problem->in % 8 == 0);
    if (family == CONV_WINOGRAD &&
        (problem->half || problem->kernel != 3 || problem->stride != 1 ||
         (problem->kind == OP_CONV_WEIGHT_GRAD && problem->quads < WINOGRAD_QUADS)))
        return false;
    return problem->in % 4 == 0 && problem->out % 4 == 0 &&
           (problem->kind != OP_CONV_INPUT_GRAD || problem->stride == 1);
}

bool conv_tile_fits(const struct vulkan_engine *engine, const struct conv_tile *tile,
                    const struct conv_problem *problem)
{
    const VkPhysicalDeviceLimits *limits = &engine->limits;
    uint32_t groups[2];
    if (!family_fits(engine, tile->family, problem) ||
        (tile->family == CONV_MATRIX && tile->depth % engine->matrix.k != 0))
        return false;
    conv_groups(engine, tile, problem, groups);
    return shared_bytes(engine, tile, problem->kind) <= limits->maxComputeSharedMemorySize &&
           tile->local <= limits->maxComputeWorkGroupInvocations &&
           tile->local <= limits->maxComputeWorkGroupSize[0] &&
           groups[0] <= limits->maxComputeWorkGroupCount[0] &&
           groups[1] <= limits->maxComputeWorkGroupCount[1];
}

static bool is_half_empty(const struct vulkan_engine *engine, const struct conv_tile *tile,
                          const struct conv_problem *problem)
{
    const bool weight_grad = problem->kind == OP_CONV_WEIGHT_GRAD;
    const uint32_t taps = tile->family == CONV_MATRIX ? problem->kernel * problem->kernel : 1;
    const uint32_t n = problem->kind == OP_CONV_INPUT_GRAD ? problem->in : problem->out;
    uint32_t m = tile->family == CONV_WINOGRAD ? problem->quads : problem->pixels, size[2];
    if (weight_grad)
        m = problem->in * taps;
    conv_tile_size(engine, tile, problem->kind, size);
    return size[0] > m + m / 2 || size[1] > n + n / 2;
}

// Whether registers are too few for a tile, so that its kernels would spill.
static bool is_too_large(const struct vulkan_engine *engine, const struct conv_tile *tile,
                         const struct conv_problem *problem)
{
    const struct matrix_size *m = &engine->matrix;
    if (!engine->lean)
        return false;
    if (tile->family == CONV_SHARED) // with fp16 there are sums of both types
        return problem->half && tile->rows * tile->columns > 1;
    if (tile->family != CONV_MATRIX)
        return false;
    const uint32_t sums = tile->rows * tile->columns * m->m * m->n / m->subgroup,
                   factors = (tile->rows * m->m + m->n) * m->k / 2 / m->subgroup;
    const bool gathers = problem->kind == OP_CONV_WEIGHT_GRAD && problem->in % 8 != 0;
    return sums + factors + (gathers ? GATHER_WORDS : 0) > LEAN_WORDS;
}

bool conv_tile_is_lean(const struct vulkan_engine *engine, const struct conv_tile *tile,
                       const struct conv_problem *problem)
{
    const uint32_t sums = tile->rows * tile->columns; // vectors by vectors
    return engine->lean && ((tile->family == CONV_SHARED && (problem->half || sums > 2)) ||
                            (tile->family == CONV_WINOGRAD && sums > 1));
}

// Whether Winograd's kernels have at most two thirds of the others' products (less than half but
// for odd borders), and channels enough to share the transforms.
static bool is_for_winograd(const struct conv_problem *problem)
{
    return 8 * (uint64_t)problem->quads < 3 * (uint64_t)problem->pixels &&
           problem->in >= WINOGRAD_CHANNELS && problem->out >= WINOGRAD_CHANNELS;
}

// The largest tile of a family that makes enough workgroups and is not half empty; of CONV_MATRIX,
// the smallest where all are.
static bool best_tile(const struct vulkan_engine *engine, enum conv_family family,
                      const struct conv_problem *problem, struct conv_tile *best)
{
    bool found = false;
    struct conv_tile tile, next;
    const int *number = engine->lean ? lean_tiles : usual_tiles;
    for (; conv_tile_of(engine, *number, &tile); number++) {
        uint32_t groups[2];
        if (tile.family != family || !conv_tile_fits(engine, &tile, problem) ||
            is_too_large(engine, &tile, problem))
            continue;
        const bool smallest = !conv_tile_of(engine, number[1], &next) || next.family != family;
        if (is_half_empty(engine, &tile, problem) && (family != CONV_MATRIX || !smallest))
            continue;
        *best = tile;
        found = true;
        conv_groups(engine, &tile, problem, groups);
        if ((uint64_t)groups[0] * groups[1] * problem->slots >= ENOUGH_GROUPS)
            break;
    }
    return found;
}

struct conv_tile conv_default_tile(const struct vulkan_engine *engine,
                                   const struct conv_problem *problem)
{
    struct conv_tile tile;
    if (engine->tile >= 0) {
        if (conv_tile_of(engine, engine->tile, &tile) && conv_tile_fits(engine, &tile, problem))
            return tile;
    } else if (engine->base.device.kind != DEVICE_SOFTWARE && // has no units and no near memory
               (best_tile(engine, CONV_MATRIX, problem, &tile) ||
                (is_for_winograd(problem) && best_tile(engine, CONV_WINOGRAD, problem, &tile)) ||
                best_tile(engine, CONV_SHARED, problem, &tile))) {
        return tile;
    }
    return conv_direct_tile(engine, problem);
}
