// SPDX-License-Identifier: MIT
// See loss.glsl. Split: one class of one chunk of one sample an invocation.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "loss.glsl"

FLAT_LAYOUT

// log(1 + e) for 0 <= e <= 1, as 2 atanh(e / (2 + e)) by its series, to a few units of the last place: what GPUs have for log() is
// good to so many digits behind the point, not to so many digits, near 1.
REAL log1p(REAL e)
{
    const REAL s = e / (2 + e), q = s * s;
    REAL sum = REAL(1.0 / 13);
    sum = fma(sum, q, REAL(1.0 / 11));
    sum = fma(sum, q, REAL(1.0 / 9));
    sum = fma(sum, q, REAL(1.0 / 7));
    sum = fma(sum, q, REAL(1.0 / 5));
    sum = fma(sum, q, REAL(1.0 / 3));
    return 2 * fma(sum * q, s, s);
}

void main()
{
    const uint i = flat_index(), slot = gl_WorkGroupID.z;
    if (i >= N * chunk_count() * K)
        return;
    const uint k = i % K, part = i / K % chunk_count(), n = i / (K * chunk_count());
    const uint begin = part * chunk, end = min(begin + chunk, pixels);
    const uint from = slot * logits_slot + n * pixels * K + k;
    REAL pt = 0, pp = 0, tt = 0, ts = 0, bce = 0;
    for (uint i_pixel = begin; i_pixel < end; i_pixel++) {
        const REAL z = logits.v[from + i_pixel * K], t = targets.v[from + i_pixel * K], p = sigmoid(z);
        pt = fma(p, t, pt);
        pp = fma(p, p, pp);
        tt = fma(t, t, tt);
        ts += t;
        bce += max(z, REAL(0)) - z * t + log1p(exp(-abs(z)));
    }
    const uint to = slot * scratch_slot + i * SUMS;
    sums.v[to + PT] = pt;
    sums.v[to + PP] = pp;
    sums.v[to + TT] = tt;
    sums.v[to + T] = ts;
    sums.v[to + BCE] = bce;
}
