// SPDX-License-Identifier: MIT
// As many multiply-adds as the device can do, in registers alone: eight chains, enough to hide an operation's latency and few
// enough for a processor's registers. With HALF in fp16. Split: 128 x `count` of them an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(push_constant) uniform Push { KERNEL_PEAK };
FLAT_LAYOUT

void main()
{
    const uint i = flat_index();
    const ACT4 factor = ACT4(1 - 1e-6 * REAL(i)), more = ACT4(1e-6);
    ACT4 p = ACT4(i), q = ACT4(i + 1);
    for (uint round = 0; round < count; round++) {
        [[unroll]] for (uint r = 0; r < 16; r++) {
            p = fma(p, factor, more);
            q = fma(q, factor, more);
        }
    }
    p += q;
    if (REAL(p.x + p.y + p.z + p.w) < 0) // never, but no compiler knows
        y.v[0] = REAL(p.x);
}
