// SPDX-License-Identifier: MIT
// One op, one shape: a graph with this op only, inputs from fixed seeds, and what it does on two
// engines side by side.
#pragma once

#include "vkgrid/engine/engine.h"

// A line of a table of shapes. rows, cols, in: the image that goes in and its channels. out:
// channels that come out, where they can differ.
struct op_shape {
    int rows, cols, in, out, kernel, stride;
    int batch, n, slots; // the program takes batches up to `batch`; n are run
    int variant;         // 0, or what the op's builder says
    bool exact; // inputs are small multiples of 1/8, so that fp32 makes no error and no bit may
                // differ
};

// What a tensor is filled with before the op runs.
enum fill {
    FILL_NONE,     // nothing: the op makes all of it
    FILL_NORMAL,   // mean 0, deviation 1
    FILL_RELU,     // the same, negative ones made 0: many ties
    FILL_NEGATIVE, // all below 0
    FILL_CHANNELS, // another mean and deviation for each channel
    FILL_DEAD,     // the same, with every second channel all zeros
    FILL_WIDE,     // normal times 10^-4 to 10^2, some zeros
    FILL_EXTREME,  // deviation 30
    FILL_POSITIVE, // 0.5 to 2
    FILL_TARGETS,  // 0, 1 or between
    FILL_UNIT,     // 0 to 1
    FILL_ZERO,
    FILL_ORDER,    // uint: below case_targets
    FILL_POSITION, // uint: {1, 2}
    FILL_PLACE,    // uint: a place of the pool's window that is inside the image
    FILL_MARK,     // uint: 1, 0, 2, 0, ... by slot
};

enum { case_targets = 7, case_steps = 4 };

// A tensor in one of the blocks that have it.
struct item {
    enum block block;
    int tensor;
    enum fill fill;
    bool changed; // by the op; all others must stay as they are
};

#define CASE_ITEMS 24

struct op_case {
    const struct op_test *test;
    const struct op_shape *shape;
    struct graph *graph;
    enum routine routine;
    enum precision precision; // of the engine that is tested
    enum half half;           // and its 16-bit numbers, in mixed precision
    struct item items[CASE_ITEMS];
    int item_count;
};

struct op_test {
    enum op_kind kind;
    const struct op_shape *shapes;
    int shape_count;
    void (*build)(struct op_case *test_case);
    // An element is a sum of so many terms. In sequence, their fp32 rounding errors are a random
    // walk: 2^-24 sqrt(terms) of the sum's own size; 2 more for the roundings of the terms and of
    // the result. Normalised error (root mean square of the difference, over that of the
    // reference): at most factor * 2^-24 * (2 + sqrt(terms)). Worst element (difference over the
    // element or over that root mean square, whichever is larger): at most 4 times that, for the
    // tail of a million elements. Factor 0: every bit is the same.
    double (*terms)(const struct op_shape *shape);
    double factor;
    // In mixed precision the reference gets the same inputs, rounded to 16 bits where they are kept
    // so. Rounding to bfloat16 is off by 2^-8 at most, by 2^-9.4 in the root mean square: 2^-9 is
    // added to the normalised bound for a result that is kept so, and so many times 2^-9 for
    // roundings on the way there; for float16, which has three more bits, 2^-12. Where factor is 0,
    // and in exact cases, the only error is the result's rounding: every bit is that of the
    // reference, rounded.
    double rounded;
    // And so many more in float16, where a kernel may add products in float16, eight at once
    // (shaders/conv_shared.glsl): roundings of partial sums.
    double packed;
};

// The tests of all op kinds, by kind.
extern const struct op_test op_tests[OP_GRAPH_KINDS];

// What was seen over many cases, in parts of the bound and as such.
struct op_report {
    int cases;
    double normalised, worst, normalised_part, worst_part;
};

// Runs one case on `engine` in that precision and compares every tensor with that of `expected` in
// its precision. Also: the guards are whole, a second run (after one of a full batch) gives the
// same bits, and so does the last slot alone. False with a message that names case and tensor.
// report: NULL, or collects.
bool op_case_check(const struct op_test *test, const struct op_shape *shape, struct engine *engine,
                   enum precision precision, struct engine *expected,
                   enum precision expected_precision, struct op_report *report);

// Runs one case once on `engine`: the hash of every tensor after it.
bool op_case_hash(const struct op_test *test, const struct op_shape *shape, struct engine *engine,
                  enum precision precision, uint64_t *hash);
