// SPDX-License-Identifier: MIT
#include "vkgrid/base/random.h"

#include <math.h>

// splitmix64 (Steele, Lea and Flood 2014): one step, state advanced by the golden ratio.
static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct random random_stream(uint64_t seed, uint64_t first, uint64_t second, uint64_t purpose)
{
    const uint64_t names[4] = {seed, first, second, purpose};
    struct random random;
    uint64_t state = 0x766b67726964u; // any constant
    for (int i = 0; i < 4; i++)
        state = splitmix(&state) ^ names[i];
    for (int i = 0; i < 4; i++)
        random.state[i] = splitmix(&state);
    return random;
}

static uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

uint64_t random_bits(struct random *random)
{
    uint64_t *s = random->state;
    const uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double random_uniform(struct random *random)
{
    return (double)(random_bits(random) >> 11) * 0x1p-53;
}

double random_normal(struct random *random)
{
    // Both uniforms are drawn on every call and the second normal is dropped: a call uses up a
    // fixed part of the stream, which keeps the streams easy to reason about.
    const double radius = sqrt(-2 * log(1 - random_uniform(random)));
    return radius * cos(6.283185307179586476925 * random_uniform(random));
}

uint32_t random_below(struct random *random, uint32_t bound)
{
    // Rejects the incomplete last interval.
    const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t bits;
    do {
        bits = random_bits(random);
    } while (bits >= limit);
    return (uint32_t)(bits % bound);
}

void random_shuffle(struct random *random, uint32_t *values, uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        const uint32_t j = random_below(random, i), held = values[i - 1];
        values[i - 1] = values[j];
        values[j] = held;
    }
}
