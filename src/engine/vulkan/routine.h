// SPDX-License-Identifier: MIT
// A routine as one list of dispatches: its ops by ranges of slots, and what may run beside each
// other side by side.
#pragma once

#include "engine/vulkan/dispatch.h"

// All dispatches of a routine for a batch of n, in order. apart: no op shares a gap with another.
bool routine_dispatches(struct vulkan_program *program, enum routine routine, int n, bool apart,
                        struct dispatch_list *list);
