// SPDX-License-Identifier: MIT
// Routines -> calls.
#pragma once

#include "engine/cpu/call.h"

struct compiled {
    enum routine routine;
    int n;
    struct call *calls;
    int count;
};

// The calls of a routine for one batch size, made on first use.
bool cpu_compiled(struct cpu_program *program, enum routine routine, int n,
                  const struct compiled **compiled);
void compiled_destroy(struct compiled *compiled);
