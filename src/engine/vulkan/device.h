// SPDX-License-Identifier: MIT
// Opens a device.
#pragma once

#include "vkgrid/engine/engine.h"

// For a driver that can compile but need not have its device: nothing is run, so nothing is tried,
// and pipelines are made anew, with their statistics.
bool vulkan_open_lab(int index, struct engine **engine);
