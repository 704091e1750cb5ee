// SPDX-License-Identifier: MIT
// A device is tried before it is trusted.
#pragma once

#include "engine/vulkan/engine.h"

// Tries fp16 and matrix units. What computes something else than the processor is not used from now
// on, and the engine's device_info says so. Fails where the device cannot run anything.
bool vulkan_self_test(struct vulkan_engine *engine);

// --- The parts that need no device.

// What a value becomes as fp16.
#define HALF_CASES 16
extern const struct half_case {
    float value;
    uint16_t bits;
    const char *name;
} half_cases[HALF_CASES];

// Whether a device has made of half_cases what it should: rounded, and read again and put through a
// ReLU. Otherwise `why` (of `size` bytes) says what is wrong first.
bool self_test_halves(const uint16_t *rounded, const uint16_t *copied, char *why, size_t size);

// Factors of a product of matrices, a [m][k] and b [k][n]: small integers, whose sums are exact, or
// numbers whose sums are rounded. And whether a device has made 2 a b of them, and rounded it to
// fp16.
void self_test_factors(const struct matrix_size *m, bool exact, uint16_t *a, uint16_t *b);
bool self_test_products(const struct matrix_size *m, bool exact, const uint16_t *a,
                        const uint16_t *b, const float *sums, const uint16_t *rounded, char *why,
                        size_t size);
