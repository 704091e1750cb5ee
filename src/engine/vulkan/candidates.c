// SPDX-License-Identifier: MIT
// Which tiles a convolution may have on a device: the default of tiles.c, and those that make the
// same bits and may be faster. Tuning measures them; what a tuning file says is held against them.
#include "engine/vulkan/candidates.h"

#include "engine/vulkan/tuning.h"

// Beside those of tiles.c: longer steps of the sum, for half as many barriers in more shared
// memory.
static const struct conv_tile deep_tiles[] = {
    {CONV_SHARED, .local = 256, .rows = 2, .columns = 2, .local_columns = 16, .depth = 16},
    {CONV_SHARED, .local = 128, .rows = 2, .columns = 2, .local_columns = 8, .depth = 16},
    {CONV_SHARED, .local = 64, .rows = 2, .columns = 2, .local_columns = 8, .depth = 16},
    {CONV_WINOGRAD, .local = 256, .rows = 2, .columns = 2, .local_columns = 4, .depth = 16},
    {CONV_WINOGRAD, .local = 256, .rows = 1, .columns = 1, .local_columns = 4, .depth = 16},
};

// CONV_DIRECT: pixels and vectors of four channels of an invocation.
static const struct conv_tile direct_tiles[] = {
    {.rows = 1, .columns = 2},  {.rows = 1, .columns = 4}, {.rows = 1, .columns = 8},
    {.rows = 1, .columns = 16}, {.rows = 2, .columns = 2}, {.rows = 2, .columns = 4},
    {.rows = 2, .columns = 8},  {.rows = 4, .columns = 1}, {.rows = 4, .columns = 2},
    {.rows = 4, .columns = 4},  {.rows = 8, .columns = 2}, {.rows = 1, .columns = 32},
};
// The weight gradient: vectors of input and output channels, and pixels of a step.
static const struct conv_tile direct_weight_tiles[] = {
    {.rows = 1, .columns = 2, .depth = 1},  {.rows = 2, .columns = 2, .depth = 1},
    {.rows = 2, .columns = 2, .depth = 4},  {.rows = 2, .columns = 4, .depth = 1},
    {.rows = 2, .columns = 4, .depth = 4},  {.rows = 2, .columns = 8, .depth = 4},
    {.rows = 1, .columns = 16, .depth = 4},
};
// Sums of an invocation, in vectors: more do not stay in the registers of a GPU.
#define GPU_SUMS 16
#define DIRECT_LOCALS 2 // workgroups of the default's size and of twice that

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static uint32_t vectors(uint32_t channels)
{
    return (channels + 3) / 4;
}

// Number `index` of the direct tiles, whatever the limits say.
static bool direct_entry(const struct conv_tile *fallback, const struct conv_problem *problem,
                         int index, struct conv_tile *tile)
{
    const bool weight_grad = problem->kind == OP_CONV_WEIGHT_GRAD;
    const struct conv_tile *table = weight_grad ? direct_weight_tiles : direct_tiles;
    const int count = weight_grad ? COUNT(direct_weight_tiles) : COUNT(direct_tiles);
    if (index >= DIRECT_LOCALS * count)
        return false;
    *tile = table[index % count];
    tile->family = CONV_DIRECT;
    tile->local = fallback->local << index / count;
    return true;
}

static bool direct_fits(const struct vulkan_engine *engine, const struct conv_tile *tile,
                        const struct conv_problem *problem)
{
    const VkPhysicalDeviceLimits *limits = &engine->limits;
    const bool weight_grad = problem->kind == OP_CONV_WEIGHT_GRAD;
    const uint32_t sums = tile->rows * tile->columns * (weight_grad ? 4 : 1);
    const uint32_t rows = weight_grad ? vectors(problem->in) : problem->pixels,
                   columns =
                       vectors(problem->kind == OP_CONV_INPUT_GRAD ? problem->in : problem->out);
    uint32_t groups[2];
    conv_groups(engine, tile, problem, groups);
    // A tile that is larger than all there is would compute nothing with the rest.
    return (tile->rows == 1 || (tile->rows - 1) * tile->local < rows) && tile->columns <= columns &&
           (engine->base.device.kind == DEVICE_SOFTWARE || sums <= GPU_SUMS) &&
           tile->local <= limits->maxComputeWorkGroupInvocations &&
           tile->local <= limits->maxComputeWorkGroupSize[0] &&
           groups[0] <= limits->maxComputeWorkGroupCount[0] &&
           groups[1] <= limits->maxComputeWorkGroupCount[1];
}

// Number `index` of all tiles of all families, and whether the device can take it.
static bool entry(const struct vulkan_engine *engine, const struct conv_problem *problem, int index,
                  struct conv_tile *tile, bool *fits)
{
    int tables = 0;
    if (conv_tile_of(engine, index + 1, tile)) {
        *fits = conv_tile_fits(engine, tile, problem);
        return true;
    }
    while (conv_tile_of(engine, tables + 1, tile))
        tables++;
    index -= tables;
    if (index < COUNT(deep_tiles)) {
        *tile = deep_tiles[index];
        *fits = conv_tile_fits(engine, tile, problem);
        return true;
    }
    const struct conv_tile fallback = conv_direct_tile(engine, problem);
    if (!direct_entry(&fallback, problem, index - COUNT(deep_tiles), tile))
        return false;
    *fits = direct_fits(engine, tile, problem);
    return true;
}

// Whether a tile makes the bits that `chosen` does. With fp32 activations CONV_DIRECT and
// CONV_SHARED sum in one order, whatever the tile, and CONV_WINOGRAD in another; with fp16 each
// family sums in its own way, and CONV_SHARED by steps.
static bool makes_same_bits(const struct conv_problem *problem, const struct conv_tile *chosen,
                            const struct conv_tile *tile)
{
    const bool same = tile->family == chosen->family;
    if (problem->half)
        return same && (tile->family == CONV_MATRIX || tile->depth == chosen->depth);
    return same || (chosen->family != CONV_WINOGRAD && tile->family != CONV_WINOGRAD);
}

bool conv_candidate(const struct vulkan_engine *engine, const struct conv_problem *problem,
                    int index, struct conv_tile *tile)
{
    const struct conv_tile chosen = conv_default_tile(engine, problem);
    // A software driver has no memory that is nearer than its caches, and its barriers are slow.
    const bool shares = engine->base.device.kind != DEVICE_SOFTWARE;
    bool fits = false;
    *tile = chosen;
    if (index == 0)
        return true;
    for (int i = 0; entry(engine, problem, i, tile, &fits); i++)
        if (fits && makes_same_bits(problem, &chosen, tile) &&
            (tile->family != CONV_SHARED || shares) && --index == 0)
            return true;
    return false;
}

bool conv_same_tile(const struct conv_tile *a, const struct conv_tile *b)
{
    return a->family == b->family && a->local == b->local && a->rows == b->rows &&
           a->columns == b->columns && a->local_columns == b->local_columns && a->depth == b->depth;
}

bool conv_allowed(const struct vulkan_engine *engine, const struct conv_problem *problem,
                  const struct conv_tile *tile)
{
    struct conv_tile candidate;
    for (int i = 0; conv_candidate(engine, problem, i, &candidate); i++)
        if (conv_same_tile(&candidate, tile))
            return true;
    return false;
}

struct conv_tile conv_tile(const struct vulkan_engine *engine, const struct conv_problem *problem)
{
    if (engine->trial)
        return *engine->trial;
    const struct conv_tile *tuned =
        engine->tile < 0 && engine->tuning ? tuning_find_tile(engine->tuning, problem) : NULL;
    return tuned && conv_allowed(engine, problem, tuned) ? *tuned
                                                         : conv_default_tile(engine, problem);
}
