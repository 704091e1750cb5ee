// SPDX-License-Identifier: MIT
// Programs of several ops for the tests of an engine: small networks of odd sizes, and steps of the
// whole one. Weights and samples come from hashes.
#pragma once

#include "vkgrid/engine/engine.h"
#include "vkgrid/model/unet.h"

// What a program has made. Zero-initialise; free(results.values) ends it.
struct results {
    float *values;
    size_t count;
};

// A U-Net of one step down and one up.
struct small_shape {
    int rows, cols, features;
    int outer, inner; // channels: at full size, at half
    bool bias;        // of the convolutions that have a ReLU
    bool turned;      // the upsampled channels come last
    bool straight;    // nothing is added to the second batch norm
    int slots, batch, n;
};

struct small_net {
    struct graph *graph;
    int x, gradient; // what goes in at either end
    int y[2];        // what comes out in training and evaluation
};

// Channels that are multiples of four and not, more pixels than one chunk of a sum, batches that
// are full and not, several slots.
enum { SMALL_SHAPES = 6 };
extern const struct small_shape small_shapes[SMALL_SHAPES];

struct small_net small_create(const struct small_shape *shape);
// Two steps and an evaluation: what comes out, state, gradients and tables are appended.
bool small_run(struct engine *engine, const struct small_net *net, const struct small_shape *shape,
               enum precision precision, bool inspect, struct results *results);

// The U-Net with ResNet-18, for images of size x size, and steps of training and evaluation of it,
// with batches up to STEP_BATCH.
enum { STEP_BATCH = 2, STEP_COUNT = 4 };
struct graph *step_graph(int size, struct unet_tensors *tensors);
// Appends state, gradients and tables after them.
bool step_run(struct engine *engine, const struct graph *graph, const struct unet_tensors *at,
              const struct program_options *options, struct results *results);
