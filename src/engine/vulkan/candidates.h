// SPDX-License-Identifier: MIT
// Which tiles a convolution may have, and which it has.
#pragma once

#include "engine/vulkan/tiles.h"

// The tile that was measured to be fastest (tuning.h), else the default.
struct conv_tile conv_tile(const struct vulkan_engine *engine, const struct conv_problem *problem);

// Tile number `index`, from 0, of those that a problem may have on this device, all of which make
// the same bits; false when there are no more. Number 0 is the default; a tile may come twice.
bool conv_candidate(const struct vulkan_engine *engine, const struct conv_problem *problem,
                    int index, struct conv_tile *tile);
bool conv_allowed(const struct vulkan_engine *engine, const struct conv_problem *problem,
                  const struct conv_tile *tile);
bool conv_same_tile(const struct conv_tile *a, const struct conv_tile *b);
