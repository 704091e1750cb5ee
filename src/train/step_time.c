// SPDX-License-Identifier: MIT
#include "vkgrid/train/step_time.h"

#include "train/trainer.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"

#define SECONDS_ENOUGH 0.1 // of the steps that are timed together
#define AT_ONCE 8          // of them, at most
#define TIMES 3            // the fastest counts: what else the device does only slows it down
#define LONG 0.5           // a step that takes so long is not timed again

// Seconds of a step, of `steps` that are started one after the other as in training.
static bool time_steps(struct program *program, int position, int n, int steps, double *seconds)
{
    static const uint32_t first[2] = {0, 0};
    if (interrupt_requested())
        FAIL("interrupted");
    CHECK(program_write(program, position, 0, 0, 2, first));
    const double start = seconds_now();
    for (int i = 0; i < steps; i++)
        CHECK(program_run(program, ROUTINE_TRAIN, n));
    CHECK(program_wait(program));
    *seconds = (seconds_now() - start) / steps;
    return true;
error:
    return false;
}

bool step_time_measure(struct engine *engine, const struct unet_shape *shape, int slots,
                       struct step_time *time)
{
    struct unet_tensors tensors;
    struct graph *graph = unet_training_graph(shape, &tensors);
    struct program *program = NULL;
    const struct program_options options = training_options(shape, slots);
    const int most = shape->training_count;
    const int n = shape->batch_size < most ? shape->batch_size : most, whole = most / n;
    int steps = 1;
    double seconds;
    CHECK(program_create(engine, graph, &options, &program));
    for (int slot = 0; slot < slots; slot++)
        CHECK(train_fresh_adam(program, &tensors, slot));
    CHECK(time_steps(program, tensors.position, n, 1, &seconds)); // makes its pipelines
    CHECK(time_steps(program, tensors.position, n, 1, &time->seconds));
    while (steps < AT_ONCE && 2 * steps <= whole && steps * time->seconds < SECONDS_ENOUGH)
        steps *= 2;
    for (int i = 0; i < TIMES && time->seconds < LONG; i++) {
        CHECK(time_steps(program, tensors.position, n, steps, &seconds));
        time->seconds = seconds < time->seconds ? seconds : time->seconds;
    }
    time->work = step_work(shape) * slots;
    program_destroy(&program);
    graph_destroy(&graph);
    return true;
error:
    program_destroy(&program);
    graph_destroy(&graph);
    return false;
}
