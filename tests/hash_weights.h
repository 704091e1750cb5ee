// SPDX-License-Identifier: MIT
// Weights and samples from an integer hash; the twin of tests/oracle/hash_weights.py, bit for bit.
#pragma once

#include "vkgrid/graph/graph.h"

#include <math.h>
#include <string.h>

// Where the stream of a name begins: FNV-1a.
static inline uint32_t hash_key(const char *name, uint32_t seed)
{
    uint32_t key = UINT32_C(2166136261) ^ seed;
    for (; *name; name++)
        key = (key ^ (unsigned char)*name) * UINT32_C(16777619);
    return key;
}

// Number i of a stream, in [0, 1) with 24 bits: a 32-bit mixer (Wellons' lowbias32).
static inline double hash_uniform(uint32_t key, size_t i)
{
    uint32_t x = key + (uint32_t)i * UINT32_C(0x9E3779B9);
    x ^= x >> 16;
    x *= UINT32_C(0x7FEB352D);
    x ^= x >> 15;
    x *= UINT32_C(0x846CA68B);
    x ^= x >> 16;
    return (x >> 8) / 16777216.0;
}

static inline bool hash_ends_with(const char *name, const char *end)
{
    return strlen(name) >= strlen(end) && strcmp(name + strlen(name) - strlen(end), end) == 0;
}

// A tensor of the network's state, by the kind that its name and rank tell.
static inline void hash_state(const struct tensor *tensor, uint32_t seed, float *values)
{
    double low = -0.2, high = 0.2;
    if (tensor->rank == 4) { // convolution: activations keep their variance through a ReLU
        high = sqrt(6.0 / (tensor->dims[1] * tensor->dims[2] * tensor->dims[3]));
        low = -high;
    } else if (hash_ends_with(tensor->name, "bn2.weight")) {
        low = 0.2, high = 0.6; // last of a block: keeps the sum over the blocks in range
    } else if (hash_ends_with(tensor->name, ".weight") ||
               hash_ends_with(tensor->name, ".running_var")) {
        low = 0.5, high = 1.5;
    }
    const uint32_t key = hash_key(tensor->name, seed);
    for (size_t i = 0; i < tensor->count; i++)
        values[i] = (float)(low + (high - low) * hash_uniform(key, i));
}

// Samples [N][H][W][F] in [0, 1).
static inline void hash_inputs(uint32_t seed, size_t count, float *values)
{
    const uint32_t key = hash_key("inputs", seed);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)hash_uniform(key, i);
}

// Targets [N][H][W][K]: two in five are 0, two in five are 1, the rest in between.
static inline void hash_targets(uint32_t seed, size_t count, float *values)
{
    const uint32_t key = hash_key("targets", seed);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)fmin(fmax(5 * hash_uniform(key, i) - 2, 0), 1);
}
