// SPDX-License-Identifier: MIT
// Measures which tile a convolution is fastest with.
#pragma once

#include "vkgrid/engine/engine.h"

// engine_tune()
bool vulkan_tune(struct engine *engine, const struct graph *graph,
                 const struct tune_options *options, int *left);
