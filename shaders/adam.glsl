// SPDX-License-Identifier: MIT
// Adam's constants and its bias correction 1 - beta^t, kept as a recurrence: subtracting a power from 1 would lose
// most of the digits of 1 - 0.999^t.
//
// 1 - beta is written out: 1 - 0.999 in single precision is off by 5e-5.
const REAL BETA1 = 0.9, BETA2 = 0.999, REST1 = 0.1, REST2 = 0.001;

// The corrections {1 - beta1^t, 1 - beta2^t} one step on.
REAL next_correction1(REAL correction)
{
    return fma(BETA1, correction, REST1);
}

REAL next_correction2(REAL correction)
{
    return fma(BETA2, correction, REST2);
}
