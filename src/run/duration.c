// SPDX-License-Identifier: MIT
#include "vkgrid/run/duration.h"

#include "vkgrid/base/clock.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/run/pack_size.h"
#include "vkgrid/train/step_time.h"

#define SECONDS 10.0 // in which another measurement begins

// Training and validation at the speed of a training step.
static struct duration by_rate(const struct group *group, double rate, enum duration_source source)
{
    return (struct duration){group->work / rate, source};
}

static void use_kept(struct engine *engine, const struct group *group, int slots,
                     struct duration *duration)
{
    int measured;
    const double seconds = pack_step_seconds(engine, group, slots, &measured);
    if (seconds > 0)
        *duration = by_rate(group, step_work(&group->shape) * measured / seconds, DURATION_KEPT);
}

// A processor is as fast with one slot, and a step of it is over sooner.
static void measure_group(struct engine *engine, const struct group *group, int slots,
                          struct duration *duration)
{
    struct step_time step;
    const bool processor = engine_device(engine)->kind == DEVICE_CPU;
    if (step_time_measure(engine, &group->shape, processor ? 1 : slots, &step) && step.seconds > 0)
        *duration = by_rate(group, step.work / step.seconds, DURATION_MEASURED);
}

// The group with most work of which nothing is known and that was not tried; -1: none.
static int largest_unknown(const struct groups *groups, const struct duration *durations,
                           int *below)
{
    int found = -1;
    for (int i = 0; i < groups->count; i++)
        if (durations[i].source == DURATION_UNKNOWN &&
            (*below < 0 || groups->items[i].work < groups->items[*below].work ||
             (groups->items[i].work == groups->items[*below].work && i > *below)) &&
            (found < 0 || groups->items[i].work > groups->items[found].work))
            found = i;
    if (found >= 0)
        *below = found;
    return found;
}

static bool alike(const struct unet_shape *a, const struct unet_shape *b)
{
    return a->base_model == b->base_model && a->rows == b->rows && a->cols == b->cols &&
           a->precision == b->precision;
}

// As fast as the others of its network and size are together; else as all others are.
static void scale(const struct groups *groups, int index, struct duration *durations)
{
    double work[2] = {0, 0}, seconds[2] = {0, 0};
    const struct group *group = &groups->items[index];
    for (int i = 0; i < groups->count; i++) {
        const enum duration_source source = durations[i].source;
        if (source != DURATION_KEPT && source != DURATION_MEASURED)
            continue;
        for (int k = alike(&group->shape, &groups->items[i].shape) ? 0 : 1; k < 2; k++) {
            work[k] += groups->items[i].work;
            seconds[k] += durations[i].seconds;
        }
    }
    const int k = seconds[0] > 0 ? 0 : 1;
    if (seconds[k] > 0)
        durations[index] = by_rate(group, work[k] / seconds[k], DURATION_SCALED);
}

void group_durations(struct engine *engine, const struct groups *groups, const int *slots,
                     bool measure, struct duration *durations)
{
    const double start = seconds_now();
    int index, below = -1;
    for (int i = 0; i < groups->count; i++) {
        durations[i] = (struct duration){0, DURATION_UNKNOWN};
        use_kept(engine, &groups->items[i], slots[i], &durations[i]);
    }
    while (measure && seconds_now() - start < SECONDS && !interrupt_requested() &&
           (index = largest_unknown(groups, durations, &below)) >= 0)
        measure_group(engine, &groups->items[index], slots[index], &durations[index]);
    for (int i = 0; i < groups->count; i++)
        if (durations[i].source == DURATION_UNKNOWN)
            scale(groups, i, durations);
}
