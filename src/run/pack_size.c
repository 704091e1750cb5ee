// SPDX-License-Identifier: MIT
// How many slots the packs of a group have: what fits, and what is of use by measurement.
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/train/step_time.h"
#include "vkgrid/run/groups.h"
#include "vkgrid/run/pack_size.h"
#include "vkgrid/train/train.h"

#include <stdlib.h>

#define MOST 256      // slots that are measured
#define UNMEASURED 64 // slots where nothing is known: enough for most devices, if they fit
#define PROCESSOR 4   // a processor gains nothing from more, and small packs finish cells sooner
#define GAIN 1.02     // by twice the slots; less is not worth later results and more memory
#define SECONDS 10.0  // for measuring a group
#define SHARE 0.05    // of the time that it trains, at most

const char *pack_size_reason(enum pack_size_reason reason)
{
    static const char *const names[] = {
        [PACK_RUNS] = "all there are",         [PACK_ASKED] = "as asked for",
        [PACK_MEMORY] = "no more fit",         [PACK_PROCESSOR] = "no GPU",
        [PACK_MEASURED] = "more gain nothing", [PACK_UNMEASURED] = "not measured so far",
    };
    return names[reason];
}

// Whether it is worth measuring: on GPUs; in tests on software drivers too.
static bool is_measured(const struct device_info *device)
{
    const char *wanted = getenv("VKGRID_MEASURE_PACKS");
    return device->kind < DEVICE_SOFTWARE || (device->kind == DEVICE_SOFTWARE && wanted && *wanted);
}

// Whether it is for others, who use the device now, that so much is not free.
static bool has_room_at_times(const struct device_info *device, uint64_t bytes)
{
    return device->free < device->heap && bytes <= device->heap - device->heap / 10;
}

// The most slots up to `high` that fit; one where it will when others are done with the device.
static bool fitting(struct engine *engine, const struct group *group, int high, int *slots)
{
    const struct device_info *device = engine_device(engine);
    const uint64_t one = train_memory(engine, &group->shape, 1);
    int low = 1;
    engine_ask_memory(engine); // other programs come and go
    if (one == UINT64_MAX)
        return error_prefix("%s", group->label);
    if (one > device->memory && !has_room_at_times(device, one))
        return error_set("%s: one slot of %s needs %.2f GiB of memory, %.2f GiB are there",
                         device->name, group->label, (double)one / 0x1p30,
                         (double)device->memory / 0x1p30);
    while (low < high) { // low fits
        const int middle = (low + high + 1) / 2;
        if (train_memory(engine, &group->shape, middle) <= device->memory)
            low = middle;
        else
            high = middle - 1;
    }
    *slots = low;
    return true;
}

// By the name of the curve: all that the time of a step depends on, but slots and device.
static char *curve_name(const struct unet_shape *shape)
{
    const int most = shape->training_count;
    return text_format(
        "%s, %d -> %d channels, %dx%d, batch %d, %s", base_model_name(shape->base_model),
        shape->features, shape->labels, shape->rows, shape->cols,
        shape->batch_size < most ? shape->batch_size : most, precision_name(shape->precision));
}

static double rate(const struct slot_times *curve, int point)
{
    return curve->points[point].slots / curve->points[point].seconds;
}

// The slots to measure next, or 0 when the last point gained nothing: *best is enough then.
static int next_slots(const struct slot_times *curve, int *best)
{
    *best = 0;
    for (int i = 0; i < curve->count; i++) {
        if (i > 0 && rate(curve, i) < GAIN * rate(curve, i - 1))
            return 0;
        *best = curve->points[i].slots;
    }
    return *best > 0 ? 2 * *best : 1;
}

// Judges by a curve how many of `size->slots` are of use, which fit.
static void apply_curve(const struct slot_times *curve, struct pack_size *size)
{
    int best;
    const int next = next_slots(curve, &best);
    if (size->slots == 1 || next > size->slots)
        return; // no more could be used
    if (next > 0) {
        // Where measuring ended early, a step took long: no more than is known.
        const int known = best > 0 ? best : UNMEASURED;
        size->slots = size->slots < known ? size->slots : known;
        size->reason = PACK_UNMEASURED;
    } else if (best < size->slots) {
        size->slots = best;
        size->reason = PACK_MEASURED;
    }
}

// Without a curve.
static bool widest(struct engine *engine, const struct group *group, int most,
                   struct pack_size *size)
{
    const bool measured = is_measured(engine_device(engine));
    const int cap = most > 0 ? most : measured ? MOST : PROCESSOR;
    const int alike = group_alike(group), high = cap < alike ? cap : alike;
    if (!fitting(engine, group, high, &size->slots))
        return false;
    size->reason = size->slots < high ? PACK_MEMORY
                   : high == alike    ? PACK_RUNS
                   : most > 0         ? PACK_ASKED
                   : measured         ? PACK_MEASURED
                                      : PACK_PROCESSOR;
    return true;
}

bool pack_size_of(struct engine *engine, const struct group *group, int most,
                  struct pack_size *size)
{
    struct slot_times curve;
    if (!widest(engine, group, most, size))
        return false;
    if (most > 0 || !is_measured(engine_device(engine)))
        return true;
    char *name = curve_name(&group->shape);
    engine_slot_times(engine, name, &curve);
    free(name);
    apply_curve(&curve, size);
    return true;
}

double pack_step_seconds(struct engine *engine, const struct group *group, int slots, int *measured)
{
    struct slot_times curve;
    char *name = curve_name(&group->shape);
    engine_slot_times(engine, name, &curve);
    free(name);
    int best = -1;
    for (int i = 0; i < curve.count; i++)
        if (best < 0 || abs(curve.points[i].slots - slots) < abs(curve.points[best].slots - slots))
            best = i;
    *measured = best < 0 ? 0 : curve.points[best].slots;
    return best < 0 ? 0 : curve.points[best].seconds;
}

// What of the time of a group measuring it may take.
static double allowance(const struct group *group, const struct step_time *step)
{
    const double share = SHARE * group->work / step->work * step->seconds;
    return share < SECONDS ? share : SECONDS;
}

int pack_size_measure(struct engine *engine, const struct group *group)
{
    struct slot_times curve;
    struct pack_size all;
    char *name = curve_name(&group->shape);
    double left = SECONDS, took = 0;
    int best, next, added = 0, most = 0;
    engine_slot_times(engine, name, &curve);
    CHECK(widest(engine, group, 0, &all));
    while (all.slots > 1 && (next = next_slots(&curve, &best)) > 0 && next <= all.slots &&
           curve.count < SLOT_TIMES && 2 * took < left) {
        struct step_time step;
        const double start = seconds_now();
        if (!step_time_measure(engine, &group->shape, next, &step)) {
            most = error_kind() == ERROR_NO_MEMORY ? (next + 1) / 2 : 0;
            goto error;
        }
        took = seconds_now() - start;
        left = (added == 0 ? allowance(group, &step) : left) - took;
        curve.points[curve.count].slots = next;
        curve.points[curve.count++].seconds = step.seconds;
        added++;
    }
error:
    if (added > 0)
        engine_keep_slot_times(engine, name, &curve);
    free(name);
    return most;
}
