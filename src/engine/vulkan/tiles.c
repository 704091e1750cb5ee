// SPDX-License-Identifier: MIT
// How convolutions are cut into tiles. Sums run in one order whatever the tile (conv.comp), so this
// is about speed only.
#include "engine/vulkan/internal.h"

// Figures: GFLOP/s of a 3x3 convolution, 64 to 64 channels at 64x128, on two cores; pixels x
// vectors of four channels.
//   lavapipe 26.2, forward:     1x8 63, 2x4 44, 6x2 27;     lavapipe 22.3: 1x8 2, 6x2 9, 6x4 10
//   lavapipe 26.2, input grad:  1x8 69, 2x4 45, 6x2 32;     lavapipe 22.3: 1x8 3, 6x2 8, 6x4 11
//   lavapipe 26.2, weight grad: 1x8 49, 2x4 44, 2x2 30;     lavapipe 22.3: 1x8 11, 2x4 13, 2x2 12
// A driver that loads an address common to all lanes once wants many channels an invocation, for
// which only weights are loaded; one that loads it lane by lane wants a square tile.
static const struct {
    uint32_t pixels, vectors;
} quick_uniform = {1, 8}, slow_uniform = {6, 4}, slow_few = {8, 2}, gpu = {4, 2},
  weight_gradient = {2, 4};

static uint32_t at_most(uint32_t value, uint32_t limit)
{
    return value < limit ? value : limit;
}

struct conv_tile conv_tile(const struct vulkan_engine *engine, enum op_kind kind, uint32_t pixels,
                           uint32_t channels_in, uint32_t channels_out)
{
    const bool software = engine->base.device.kind == DEVICE_SOFTWARE;
    const uint32_t in = (channels_in + 3) / 4, out = (channels_out + 3) / 4; // vectors
    struct conv_tile tile = {.local = software ? at_most(engine->subgroup, 32) : 64};
    if (kind == OP_CONV_WEIGHT_GRAD) {
        // An invocation of a workgroup holds one or two vectors of input channels.
        tile.local = software ? tile.local : 16;
        tile.pixels = in > tile.local ? weight_gradient.pixels : 1;
        tile.vectors = at_most(out, software ? weight_gradient.vectors : 2);
        return tile;
    }
    const uint32_t vectors = kind == OP_CONV ? out : in;
    if (!software) {
        tile.pixels = gpu.pixels;
        tile.vectors = at_most(vectors, gpu.vectors);
    } else if (engine->slow_uniform_loads) {
        // Where 8x2 covers all pixels (the deep layers) one tile of it beats two of 6x4, half
        // empty.
        const bool few =
            pixels > tile.local * slow_uniform.pixels && pixels <= tile.local * slow_few.pixels;
        tile.pixels = few ? slow_few.pixels : slow_uniform.pixels;
        tile.vectors = at_most(vectors, few ? slow_few.vectors : slow_uniform.vectors);
    } else {
        tile.vectors = at_most(vectors, quick_uniform.vectors);
        tile.pixels = at_most(quick_uniform.vectors / tile.vectors, 4);
    }
    // A few pixels (the deep layers) are not worth a wide tile.
    tile.pixels = at_most(tile.pixels, (pixels + tile.local - 1) / tile.local);
    // Workgroups along one axis are limited, to 65535 on many devices.
    while (pixels / (tile.local * tile.pixels) >= engine->limits.maxComputeWorkGroupCount[0])
        tile.local *= 2;
    return tile;
}
