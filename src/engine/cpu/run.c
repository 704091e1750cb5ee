// SPDX-License-Identifier: MIT
#include "engine/cpu/run.h"

#include "engine/cpu/compile.h"
#include "engine/cpu/threads.h"
#include "engine/fuse.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"

// Adds the seconds of each kind of op where they are asked for.
static bool run_calls(const struct program *base, const struct compiled *compiled, double *seconds)
{
    for (int slot = 0; slot < base->options.slots; slot++)
        for (int i = 0; i < compiled->count; i++) {
            const struct call *call = &compiled->calls[i];
            const double start = seconds ? seconds_now() : 0;
            if (!call->runner->run(call, slot))
                return error_prefix("%s", base->engine->device.name);
            if (seconds)
                seconds[fused_main(call->op->kind)] += seconds_now() - start;
        }
    return true;
}

bool cpu_times(struct program *base, enum routine routine, int n, double *seconds)
{
    struct cpu_program *program = (struct cpu_program *)base;
    const struct compiled *compiled;
    threads_set(program->engine->threads);
    if (!cpu_compiled(program, routine, n, &compiled))
        return false;
    pins_set(&program->engine->pins);
    const bool done = run_calls(base, compiled, seconds);
    pins_clear(&program->engine->pins);
    return done;
}

bool cpu_run(struct program *program, enum routine routine, int n)
{
    return cpu_times(program, routine, n, NULL);
}

bool cpu_wait(struct program *program)
{
    (void)program; // cpu_run() returns when everything is done
    return true;
}
