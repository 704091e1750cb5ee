// SPDX-License-Identifier: MIT
// What each kind of op takes on the device.
#pragma once

#include "vkgrid/engine/engine.h"

// program_times()
bool vulkan_times(struct program *program, enum routine routine, int n, double *seconds);
