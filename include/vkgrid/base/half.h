// SPDX-License-Identifier: MIT
// IEEE 754 binary16: sign, 5 bits of exponent (bias 15), 10 bits of fraction.
#pragma once

#include <stdint.h>

float float_of_float16(uint16_t number);
// To the nearest, ties to even; what is too large becomes infinity, a NaN stays one.
uint16_t float16_of(float value);
