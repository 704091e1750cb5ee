// SPDX-License-Identifier: MIT
// float16: every one of its numbers, and the floats half way between two neighbours.
#include "tests/test.h"
#include "vkgrid/base/half.h"

#include <math.h>

#define INFINITE 0x7c00 // positive infinity; above it NaNs

// Sign, exponent and fraction by the definition, in double: all are exact.
static double value_of(unsigned number)
{
    const int exponent = (int)(number >> 10 & 31), fraction = (int)(number & 1023);
    const double magnitude = exponent == 0    ? ldexp(fraction, -24)
                             : exponent == 31 ? (double)INFINITY
                                              : ldexp(1024 + fraction, exponent - 25);
    return number & 0x8000 ? -magnitude : magnitude;
}

static bool is_nan(unsigned number)
{
    return (number & 0x7fff) > INFINITE;
}

static void test_every_number(void **state)
{
    (void)state;
    for (unsigned number = 0; number < 65536; number++) {
        const float value = float_of_float16((uint16_t)number);
        if (is_nan(number)) {
            assert_true(isnan(value));
            assert_true(is_nan(float16_of(value)));
            continue;
        }
        if ((double)value != value_of(number) || !signbit(value) != (number < 0x8000))
            fail_msg("0x%04x is %a, not %a", number, (double)value, value_of(number));
        if (float16_of(value) != number)
            fail_msg("0x%04x comes back as 0x%04x", number, float16_of(value));
    }
}

static void assert_rounds(float value, unsigned wanted)
{
    if (float16_of(value) != wanted || float16_of(-value) != (wanted | 0x8000))
        fail_msg("%a becomes 0x%04x, not 0x%04x; negated, 0x%04x", (double)value, float16_of(value),
                 wanted, float16_of(-value));
}

// Half way to the next number, and the nearest floats on both sides of that. What would follow the
// largest number is 65536, where infinity stands.
static void test_midpoints(void **state)
{
    (void)state;
    for (unsigned number = 0; number < INFINITE; number++) {
        const double next = number + 1 == INFINITE ? 65536 : value_of(number + 1);
        const float middle = (float)((value_of(number) + next) / 2); // exact: one bit more
        assert_true((double)middle * 2 == value_of(number) + next);
        assert_rounds(middle, number + (number & 1)); // to the even one
        assert_rounds(nextafterf(middle, 0), number);
        assert_rounds(nextafterf(middle, INFINITY), number + 1);
    }
}

static void test_ends(void **state)
{
    (void)state;
    assert_rounds(0x1p-149f, 0);
    assert_rounds(0x1p-126f, 0);
    assert_rounds(0x1.fffffep127f, INFINITE);
    assert_rounds(INFINITY, INFINITE);
    assert_true(is_nan(float16_of(NAN)));
    assert_true(is_nan(float16_of(-NAN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_number),
        cmocka_unit_test(test_midpoints),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
