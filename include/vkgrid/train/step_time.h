// SPDX-License-Identifier: MIT
// How fast a device trains packs of so many slots.
#pragma once

#include "vkgrid/engine/engine.h"
#include "vkgrid/model/unet.h"

struct step_time {
    double seconds; // of a training step of a whole batch, all slots: the fastest of a few
    double work;    // floating-point operations of it
};

// Floating-point operations of a training step of a whole batch, one slot.
double step_work(const struct unet_shape *shape);

// Measures it on a program of its own, which trains nothing. `shape` as for a training of it. Takes
// about half a second, longer where a few steps take longer. Stops with a message when
// interrupt_requested().
bool step_time_measure(struct engine *engine, const struct unet_shape *shape, int slots,
                       struct step_time *time);
