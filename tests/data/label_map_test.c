// SPDX-License-Identifier: MIT
#include "tests/test.h"
#include "vkgrid/data/label_map.h"

static void test_label_of(void **state)
{
    const float none[] = {0.49f, 0.499f, 0}, half[] = {0.5f, 0.1f, 0.2f},
                equal[] = {0.2f, 0.7f, 0.7f}, last[] = {0.6f, 0.7f, 0.9f};
    const float apart[] = {0.9f, 0.6f, 0.1f, 0.8f}; // two labels of two pixels, [label][pixel]
    (void)state;
    assert_int_equal(label_of(none, 3, 1), 0);
    assert_int_equal(label_of(half, 3, 1), 1);
    assert_int_equal(label_of(equal, 3, 1), 2);
    assert_int_equal(label_of(last, 3, 1), 3);
    assert_int_equal(label_of(last, 1, 1), 1);
    assert_int_equal(label_of(apart, 2, 2), 1);
    assert_int_equal(label_of(apart + 1, 2, 2), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_label_of)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
