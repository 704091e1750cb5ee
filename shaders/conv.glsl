// SPDX-License-Identifier: MIT
// Shared by the three convolution kernels: constants, push block, loads and stores of four channels.
layout(constant_id = 0) const uint LOCAL = 8;        // invocations of a workgroup
layout(constant_id = 1) const uint TILE_PIXELS = 2;  // weight gradient: vectors of four input channels
layout(constant_id = 2) const uint TILE_VECTORS = 2; // vectors of four output channels (input gradient: input channels)
layout(constant_id = 3) const int KERNEL = 3;
layout(constant_id = 4) const int STRIDE = 1;
layout(constant_id = 5) const bool I_ALIGNED = false; // I is a multiple of 4
layout(constant_id = 6) const bool O_ALIGNED = false; // O is a multiple of 4
#include "conv_epilogue.glsl"
layout(local_size_x_id = 0) in;

const int PAD = KERNEL / 2;

#ifdef WEIGHT_GRAD
layout(push_constant) uniform Push { KERNEL_CONV_WEIGHT_GRAD };
#else
layout(push_constant) uniform Push { KERNEL_CONV };
#endif

// Channels are counted in units: vectors of four where their number is a multiple of 4, else single ones. A tile is always four
// channels wide, so it spans one unit or four.
const uint I_UNIT = I_ALIGNED ? 4 : 1, O_UNIT = O_ALIGNED ? 4 : 1;

// For each type of pointer: four channels from or to unit `at`, of which `there` exist (the rest are 0); aligned ones are all there.
#define LOAD4(NAME, POINTERS)                                           \
    REAL4 NAME(POINTERS p, uint at, uint there, bool aligned)          \
    {                                                                   \
        if (aligned)                                                    \
            return REAL4(p.v[at]);                                      \
        REAL4 value = REAL4(0);                                         \
        [[unroll]] for (uint c = 0; c < 4; c++)                         \
            if (c < there)                                              \
                value[c] = REAL(p.v[(at + c) / 4][(at + c) % 4]);       \
        return value;                                                   \
    }
#define STORE4(NAME, POINTERS, NUMBER, VECTOR)                                      \
    void NAME(POINTERS p, uint at, uint there, bool aligned, REAL4 value)         \
    {                                                                               \
        if (aligned) {                                                              \
            p.v[at] = VECTOR(value);                                                \
            return;                                                                 \
        }                                                                           \
        [[unroll]] for (uint c = 0; c < 4; c++)                                     \
            if (c < there)                                                          \
                p.v[(at + c) / 4][(at + c) % 4] = NUMBER(value[c]);                 \
    }
LOAD4(load_real4, Real4s)
LOAD4(load_act4, Act4s)
LOAD4(load_out4, Out4s)
STORE4(store_real4, Real4s, REAL, REAL4)
STORE4(store_act4, Act4s, ACT, ACT4)
STORE4(store_out4, Out4s, OUT, OUT4)

// How many of the channels from `channel` on exist.
uint there(uint channel, uint channels)
{
    return channel < channels ? channels - channel : 0;
}
