// SPDX-License-Identifier: MIT
// The processor as a device.
#pragma once

#include "engine/cpu/onednn.h"
#include "engine/engine_ops.h"

struct cpu_engine {
    struct engine base;
    struct onednn *onednn;
    int threads;
    bool matrix_units; // AMX
};
