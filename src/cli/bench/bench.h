// SPDX-License-Identifier: MIT
// What `vkgrid bench` measures (measure.c, tune.c) and prints (table.c, json.c).
#pragma once

#include "vkgrid/engine/engine.h"
#include "vkgrid/model/unet.h"

enum pass { PASS_FORWARD, PASS_INPUT_GRAD, PASS_WEIGHT_GRAD, PASS_COUNT };

extern const char *const pass_names[PASS_COUNT];

struct layer {
    int rows, cols, in, out, kernel, stride;
    int count;                // layers of this shape in the network
    double work;              // floating-point operations of one pass
    double rates[PASS_COUNT]; // the same, a second
};

// A training step of so many slots and samples.
struct point {
    int batch_size, slots;
    uint64_t memory; // bytes of the device
    double seconds;
};

struct bench {
    // What to measure.
    struct engine *engine;
    struct unet_shape shape;
    int slots, curve_slots; // the latter: at most
    double seconds;         // that a measurement takes at least
    bool quiet;

    // What was measured; 0 where the engine cannot tell.
    struct engine_peaks peaks;
    struct layer layers[64];
    int layer_count;
    double step_work, evaluation_work;
    double step_seconds, evaluation_seconds; // of a batch, all slots
    double host_seconds;                     // of a training step: CPU time of the host
    double op_seconds[OP_GRAPH_KINDS];       // of one step
    double first_seconds;         // from the start of the program to the end of the first step
    uint64_t memory, slot_memory; // of the device, with these slots; for one slot more
    struct point curve[64];
    int point_count;
};

// The device's peaks, and every convolution of the network by itself.
bool bench_layers(struct bench *bench);

// Whole steps.
bool bench_network(struct bench *bench);

// Adds points to the curve: training steps with 1, 2, 4, ... slots, as long as they fit and
// it pays.
bool bench_curve(struct bench *bench, int batch_size);

// What the device reaches at best in the precision that is measured, in floating-point operations a
// second; 0: not known.
double bench_peak(const struct bench *bench);

double point_rate(const struct point *point); // samples a second
double peak_host_bytes(void);                 // the most memory that this process has had

void bench_print_table(const struct bench *bench);
void bench_print_json(const struct bench *bench);

struct bench_tuning {
    int pack;       // slots of the packs; 0: any
    double seconds; // no convolution is begun after so long
    bool json, quiet;
};
// Finds the fastest tiles for training a network on a device, and prints what came of it.
bool bench_tune(struct engine *engine, const struct unet_shape *shape,
                const struct bench_tuning *options);
