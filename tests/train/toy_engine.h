// SPDX-License-Identifier: MIT
// An engine that runs no network: it trains one number, quickly, so that tests can follow every
// step of a training by hand. It obeys the graph's tables, order, position, moments, KEEP and
// RESTORE as an engine must.
//
// With x the mean over the batch of the samples' first input values, w the first element of
// conv_last.bias:
//   training:   g = w - x,  m = 0.5 m + g,  w = w - lr m; the first element of
//   layer0.1.running_mean counts the steps bce = (w - x)^2,  dice = |w - x / 2|,  loss = bce_weight
//   bce + (1 - bce_weight) dice, with the w before the step
//   overlap:    of every sample its number in the data set, the steps so far, 1
#pragma once

#include "vkgrid/engine/engine.h"

// Closed with engine_close().
struct engine *toy_engine(void);

struct toy {
    float w, m, steps;
};

// One training step on x, in the engine's own arithmetic.
void toy_step(struct toy *toy, float x, float lr);

// bce, dice, loss.
void toy_loss(const struct toy *toy, float x, float bce_weight, float metrics[3]);
