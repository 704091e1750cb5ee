// SPDX-License-Identifier: MIT
// Bilinear x2 with align_corners: output row o of 2 size rows reads the two input rows around o (size - 1) / (2 size - 1).

layout(constant_id = 0) const bool ALIGNED = false; // C, y_channels and y_first are multiples of 4
const uint UNIT = ALIGNED ? 4 : 1;

// Lower input row of output row o, and the weight of the upper one.
uint source(uint o, uint size, out REAL upper)
{
    const REAL at = REAL(o) * (REAL(size - 1) / REAL(2 * size - 1));
    const uint lower = min(uint(at), size - 1);
    upper = at - REAL(lower);
    return lower;
}
