// SPDX-License-Identifier: MIT
// What a device reaches at best.
#pragma once

#include "vkgrid/engine/engine.h"

// engine_measure()
bool vulkan_peaks(struct engine *engine, struct engine_peaks *peaks);
