// SPDX-License-Identifier: MIT
#include "tests/test.h"
#include "vkgrid/data/label_map.h"

#include <math.h>
#include <string.h>

#define LABELS(...) label_of((const float[]){__VA_ARGS__}, sizeof((float[]){__VA_ARGS__}) / 4, 1)

// The rule by its words: of what is left for none and of the labels, in this order, the first that
// is the largest.
static int by_argmax(const float *values, int labels)
{
    double best, rest = 1;
    int class = 0;
    for (int k = 0; k < labels; k++)
        rest -= (double)values[k];
    best = rest;
    for (int k = 0; k < labels; k++)
        if ((double)values[k] > best) {
            best = (double)values[k];
            class = k + 1;
        }
    return class;
}

static void test_rule(void **state)
{
    (void)state;
    assert_int_equal(LABELS(0.2f, 0.3f, 0.1f), 0); // 0.3 against 0.4
    assert_int_equal(LABELS(0.3f, 0.2f, 0.3f), 1); // 0.3 against 0.2, of two equal ones the first
    assert_int_equal(LABELS(0.2f, 0.3f, 0.3f), 2);
    assert_int_equal(LABELS(0.6f, 0.7f, 0.9f), 3); // they are probabilities each by itself
    assert_int_equal(LABELS(0, 0, 0), 0);
    assert_int_equal(LABELS(0, 0, 1), 3);
    assert_int_equal(LABELS(0.25f, 0.25f, 0.25f), 0); // equal to what is left
    assert_int_equal(LABELS(0.25f, 0.5f), 2);
    assert_int_equal(LABELS(0.5f, 0), 0);
    assert_int_equal(LABELS(0.5f, 0.001f), 1);
}

static void test_one_label(void **state)
{
    (void)state;
    assert_int_equal(LABELS(0.5f), 0);
    assert_int_equal(LABELS(nextafterf(0.5f, 1)), 1);
    assert_int_equal(LABELS(nextafterf(0.5f, 0)), 0);
    assert_int_equal(LABELS(1), 1);
    assert_int_equal(LABELS(0), 0);
}

static void test_not_numbers(void **state)
{
    (void)state;
    assert_int_equal(LABELS(NAN), 0);
    assert_int_equal(LABELS(NAN, 0.9f), 0);
    assert_int_equal(LABELS(0.9f, NAN), 0);
    assert_int_equal(LABELS(0.9f, NAN, 1), 0);
    assert_int_equal(LABELS(-INFINITY, 0.9f), 0);
}

static void test_many(void **state)
{
    uint32_t random = 1;
    int found[5] = {0};
    (void)state;
    for (int i = 0; i < 20000; i++) {
        float values[4];
        for (int k = 0; k < 4; k++) {
            random = random * 1664525 + 1013904223;
            values[k] = (float)(random >> 24) / 512; // sums are exact, and ties happen
        }
        const int class = label_of(values, 4, 1);
        assert_int_equal(class, by_argmax(values, 4));
        found[class]++;
    }
    for (int i = 0; i < 5; i++)
        assert_true(found[i] > 0);
}

static void test_stride(void **state)
{
    const float apart[] = {0.9f, 0.6f, 0.1f, 0.8f}; // two labels of two pixels, [label][pixel]
    (void)state;
    assert_int_equal(label_of(apart, 2, 2), 1);
    assert_int_equal(label_of(apart + 1, 2, 2), 2);
}

static void test_groups(void **state)
{
    static const char *const sect[] = {"V1", "V2", "V3", "E0", "E1", "E2", "E3", "E4"};
    static const char *const other[] = {"V1", "V2", "V3", "E0", "E1", "E2", "E3", "E5"};
    struct label_group groups[LABEL_GROUPS];
    (void)state;
    assert_int_equal(label_groups("sect", sect, 8, groups), 2);
    assert_string_equal(groups[0].name, "area");
    assert_int_equal(groups[0].first, 0);
    assert_int_equal(groups[0].count, 3);
    assert_string_equal(groups[0].names[2], "V3");
    assert_string_equal(groups[1].name, "ring");
    assert_int_equal(groups[1].first, 3);
    assert_int_equal(groups[1].count, 5);
    assert_string_equal(groups[1].names[0], "E0");
    assert_int_equal(label_groups("area", sect, 3, groups), 1);
    assert_string_equal(groups[0].name, "area");
    assert_int_equal(groups[0].count, 3);
    assert_int_equal(label_groups("mine", sect, 8, groups), 1); // the user's own exclude each other
    assert_int_equal(groups[0].count, 8);
    assert_int_equal(label_groups("sect", other, 8, groups), 1);
    assert_int_equal(label_groups("sect", sect, 7, groups), 1);
}

static void test_colours(void **state)
{
    static const uint8_t white[] = {255, 255, 255}, orange[] = {230, 159, 0},
                         grey[] = {128, 128, 128}, half[] = {115, 79, 0};
    uint8_t all[LABEL_CLASSES][3];
    (void)state;
    for (int i = 0; i < LABEL_CLASSES; i++)
        label_colour(i, all[i]);
    assert_memory_equal(all[0], white, 3);
    assert_memory_equal(all[1], orange, 3);
    assert_memory_equal(all[8], grey, 3);
    assert_memory_equal(all[9], half, 3);
    for (int i = 0; i < LABEL_CLASSES; i++) {
        assert_int_not_equal(all[i][0] + all[i][1] + all[i][2],
                             0); // black means nothing in a .annot
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(all[i], all[j], 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule),        cmocka_unit_test(test_one_label),
        cmocka_unit_test(test_not_numbers), cmocka_unit_test(test_many),
        cmocka_unit_test(test_stride),      cmocka_unit_test(test_groups),
        cmocka_unit_test(test_colours)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
