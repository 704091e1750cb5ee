// SPDX-License-Identifier: MIT
// The engine as all files of this folder see it.
#pragma once

#include "engine/cpu/onednn.h"
#include "engine/cpu/threads.h"
#include "engine/engine_ops.h"

struct cpu_engine {
    struct engine base;
    struct onednn *onednn;
    int threads;
    struct pins pins;
    bool matrix_units; // AMX
};
