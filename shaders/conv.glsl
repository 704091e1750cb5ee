// SPDX-License-Identifier: MIT
// Shared by the three convolution kernels: constants, push block, loads and stores of four channels.
layout(constant_id = 0) const uint LOCAL = 8;        // invocations of a workgroup
layout(constant_id = 1) const uint TILE_PIXELS = 2;  // weight gradient: vectors of four input channels
layout(constant_id = 2) const uint TILE_VECTORS = 2; // vectors of four output channels (input gradient: input channels)
layout(constant_id = 3) const int KERNEL = 3;
layout(constant_id = 4) const int STRIDE = 1;
layout(constant_id = 5) const bool I_ALIGNED = false; // I is a multiple of 4
layout(constant_id = 6) const bool O_ALIGNED = false; // O is a multiple of 4
layout(constant_id = 7) const bool BIAS = false;
layout(local_size_x_id = 0) in;

const int PAD = KERNEL / 2;

layout(push_constant) uniform Push { KERNEL_CONV };

// Four channels from element `at`, the first of which is channel `channel` of `channels`; those past the last are 0.
REAL4 load4(Real4s p, uint at, uint channel, uint channels, bool aligned)
{
    if (aligned) {
        // A tile may reach past the last channel: it reads the last vector again and drops the result.
        const uint past = channel < channels ? 0 : channel + 4 - channels;
        return p.v[(at - past) / 4];
    }
    REAL4 value = REAL4(0);
    [[unroll]] for (uint c = 0; c < 4; c++) {
        if (channel + c < channels)
            value[c] = p.v[(at + c) / 4][(at + c) % 4];
    }
    return value;
}

void store4(Real4s p, uint at, uint channel, uint channels, bool aligned, REAL4 value)
{
    if (aligned) {
        if (channel < channels)
            p.v[at / 4] = value;
        return;
    }
    [[unroll]] for (uint c = 0; c < 4; c++) {
        if (channel + c < channels)
            p.v[(at + c) / 4][(at + c) % 4] = value[c];
    }
}
