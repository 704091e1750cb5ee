// SPDX-License-Identifier: MIT
// Random numbers: xoshiro256** (Blackman and Vigna 2018) seeded through splitmix64. A stream is
// named by integers (seed, cell, run, purpose), so that no stream depends on another or on the
// order of use.
#pragma once

#include <stdint.h>

enum random_purpose {
    RANDOM_WEIGHTS = 1,   // initial weights of a run
    RANDOM_ORDER = 2,     // order of the samples of an epoch
    RANDOM_SAMPLE = 3,    // the phantom cortex
    RANDOM_SAMPLER = 4,   // cells of a random search
    RANDOM_BOOTSTRAP = 5, // resamples of vkgrid evaluate
    RANDOM_SPLIT = 6,     // which subjects validate
    RANDOM_FOLDS = 7,     // which fold a subject belongs to
    RANDOM_SUBJECTS = 8,  // resamples of the comparison of cells
};

struct random {
    uint64_t state[4];
};

// The stream named by the four integers; equal names give equal streams.
struct random random_stream(uint64_t seed, uint64_t first, uint64_t second, uint64_t purpose);

uint64_t random_bits(struct random *random);  // 64 random bits
double random_uniform(struct random *random); // in [0, 1), 53 bits
double random_normal(struct random *random);  // mean 0, variance 1 (Box-Muller)
uint32_t random_below(struct random *random,
                      uint32_t bound); // in [0, bound), without bias; bound > 0
void random_shuffle(struct random *random, uint32_t *values, uint32_t count); // Fisher-Yates
