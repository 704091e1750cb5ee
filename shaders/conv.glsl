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

// Channels are counted in units: vectors of four where their number is a multiple of 4, else single ones. A tile is always four
// channels wide, so it spans one unit or four.
const uint I_UNIT = I_ALIGNED ? 4 : 1, O_UNIT = O_ALIGNED ? 4 : 1;

// Four channels from unit `at`, of which `there` exist (the rest are 0); aligned ones are all there.
REAL4 load4(Real4s p, uint at, uint there, bool aligned)
{
    if (aligned)
        return p.v[at];
    REAL4 value = REAL4(0);
    [[unroll]] for (uint c = 0; c < 4; c++) {
        if (c < there)
            value[c] = p.v[(at + c) / 4][(at + c) % 4];
    }
    return value;
}

void store4(Real4s p, uint at, uint there, bool aligned, REAL4 value)
{
    if (aligned) {
        p.v[at] = value;
        return;
    }
    [[unroll]] for (uint c = 0; c < 4; c++) {
        if (c < there)
            p.v[(at + c) / 4][(at + c) % 4] = value[c];
    }
}

// How many of the channels from `channel` on exist.
uint there(uint channel, uint channels)
{
    return channel < channels ? channels - channel : 0;
}
