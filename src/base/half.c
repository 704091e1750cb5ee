// SPDX-License-Identifier: MIT
#include "vkgrid/base/half.h"

#include <math.h>
#include <string.h>

float float_of_float16(uint16_t number)
{
    const uint32_t sign = (uint32_t)(number & 0x8000) << 16, exponent = number >> 10 & 31,
                   fraction = number & 1023;
    if (exponent == 0) { // zero or subnormal: fraction * 2^-24, exact in float
        const float magnitude = (float)fraction * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    const uint32_t widened = exponent == 31 ? 255 : exponent + 127 - 15;
    const uint32_t bits = sign | widened << 23 | fraction << 13;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

uint16_t float16_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return sign | 0x7e00;    // a quiet NaN
    if (magnitude >= 0x477ff000) // 65520, half way from the largest number to the next power of two
        return sign | 0x7c00;
    if (magnitude < 0x38800000) // below 2^-14: a multiple of 2^-24, rounded by the addition
        return sign | (uint16_t)rint(ldexp(fabs((double)value), 24));
    const uint32_t rebiased = magnitude - ((127 - 15) << 23);
    return sign | (uint16_t)((rebiased + 0xfff + (rebiased >> 13 & 1)) >> 13);
}
