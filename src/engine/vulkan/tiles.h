// SPDX-License-Identifier: MIT
// How convolutions are cut into tiles.
#pragma once

#include "engine/vulkan/engine.h"

// How a convolution is cut. No choice within a family changes the result's bits; with fp32
// activations CONV_DIRECT and CONV_SHARED make the same ones.
enum conv_family {
    CONV_DIRECT,   // conv.glsl: tiles in registers
    CONV_SHARED,   // conv_shared.glsl: tiles in shared memory, multiplied as matrices
    CONV_MATRIX,   // conv_matrix.glsl: the same, by matrix units
    CONV_WINOGRAD, // conv_winograd.glsl: the same in Winograd's domain, fp32
    CONV_FAMILIES
};
struct conv_tile {
    enum conv_family family;
    uint32_t local;         // invocations of a workgroup
    uint32_t rows, columns; // of an invocation: pixels and vectors of four channels; CONV_SHARED
                            // and CONV_WINOGRAD: vectors of four of both; CONV_MATRIX: of a
                            // subgroup, matrices
    uint32_t local_columns; // CONV_SHARED: invocations; CONV_WINOGRAD: of those of one place;
                            // CONV_MATRIX: subgroups
    uint32_t depth;         // of a step of the sum; CONV_DIRECT: of the weight gradient
};

struct conv_problem {
    enum op_kind kind;
    uint32_t pixels;  // written, or summed over (weight gradient)
    uint32_t quads;   // tiles of 2x2 of them, those at odd borders too
    uint32_t in, out; // channels
    uint32_t kernel, stride, splits, slots;
    bool half;      // fp16 activations
    bool float_out; // all the same, what is written is fp32
};

// The tile that is taken without tuning (candidates.h), and that of CONV_DIRECT.
struct conv_tile conv_default_tile(const struct vulkan_engine *engine,
                                   const struct conv_problem *problem);
struct conv_tile conv_direct_tile(const struct vulkan_engine *engine,
                                  const struct conv_problem *problem);
// Whether a tile of conv_tile_of() can do this problem on this device.
bool conv_tile_fits(const struct vulkan_engine *engine, const struct conv_tile *tile,
                    const struct conv_problem *problem);
// Whether its kernels are to spare registers: LEAN in conv_shared.glsl and conv_winograd.glsl.
bool conv_tile_is_lean(const struct vulkan_engine *engine, const struct conv_tile *tile,
                       const struct conv_problem *problem);
// Elements of a tile along M and N of the product: pixels (CONV_WINOGRAD: quads) or input channels
// (CONV_MATRIX: of all taps), and channels.
void conv_tile_size(const struct vulkan_engine *engine, const struct conv_tile *tile,
                    enum op_kind kind, uint32_t size[2]);
// Workgroups of a tile along x and y.
void conv_groups(const struct vulkan_engine *engine, const struct conv_tile *tile,
                 const struct conv_problem *problem, uint32_t groups[2]);
// The tile that VKGRID_TILE names: -1 when it is not set, 0 for CONV_DIRECT, from 1 on the others.
bool conv_tile_wanted(int *tile);
// The tile of that number; false when there is none.
bool conv_tile_of(const struct vulkan_engine *engine, int number, struct conv_tile *tile);
