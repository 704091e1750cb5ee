// SPDX-License-Identifier: MIT
// Random numbers: those of the published generators, without bias, and streams that stay what they
// are, as studies go on from them.
#include "tests/test.h"
#include "vkgrid/base/random.h"

#include <math.h>

// The vector that implementations of xoshiro256** check themselves with.
static void test_generator(void **state)
{
    static const uint64_t wanted[] = {
        11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600};
    struct random random = {{1, 2, 3, 4}};
    (void)state;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        assert_true(random_bits(&random) == wanted[i]);
}

// By splitmix64, worked out apart from this program.
static void test_streams_stay(void **state)
{
    static const uint64_t wanted[] = {0x64a0ed291f183755, 0x49791b1156fb8155, 0x837d0fc08bbd6f2,
                                      0x949cd05998426404};
    const struct random random = random_stream(1, 2, 3, 4);
    (void)state;
    assert_memory_equal(random.state, wanted, sizeof wanted);
}

// A stream for each purpose: one name changed is another stream.
static void test_streams_differ(void **state)
{
    (void)state;
    for (int i = 0; i < 81; i++) {
        for (int k = 0; k < i; k++) {
            struct random a = random_stream(i % 3, i / 3 % 3, i / 9 % 3, i / 27),
                          b = random_stream(k % 3, k / 3 % 3, k / 9 % 3, k / 27);
            assert_true(random_bits(&a) != random_bits(&b));
        }
    }
}

// Bounds are six standard deviations of the means.
static void test_distributions(void **state)
{
    enum { COUNT = 1 << 20, BOUND = 6 };
    struct random random = random_stream(7, 0, 0, 0);
    double uniform = 0, normal = 0, square = 0;
    int counts[BOUND] = {0};
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        const double u = random_uniform(&random), n = random_normal(&random);
        assert_true(u >= 0 && u < 1 && isfinite(n));
        uniform += u / COUNT;
        normal += n / COUNT;
        square += n * n / COUNT;
        counts[random_below(&random, BOUND)]++;
    }
    assert_true(fabs(uniform - 0.5) < 6 * sqrt(1. / 12 / COUNT));
    assert_true(fabs(normal) < 6 * sqrt(1. / COUNT));
    assert_true(fabs(square - 1) < 6 * sqrt(2. / COUNT));
    for (int i = 0; i < BOUND; i++)
        assert_true(fabs(counts[i] - COUNT / 6.) < 6 * sqrt(COUNT * 5. / 36));
}

static void test_below_reaches_its_ends(void **state)
{
    struct random random = random_stream(8, 0, 0, 0);
    uint32_t highest = 0;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(random_below(&random, 1), 0);
        const uint32_t drawn = random_below(&random, UINT32_MAX);
        assert_true(drawn < UINT32_MAX);
        highest = drawn > highest ? drawn : highest;
    }
    assert_true(highest > UINT32_MAX / 100 * 98);
}

static void test_shuffle(void **state)
{
    enum { COUNT = 5, SHUFFLES = 60000 };
    struct random random = random_stream(9, 0, 0, 0);
    int counts[COUNT][COUNT] = {{0}};
    (void)state;
    for (int i = 0; i < SHUFFLES; i++) {
        uint32_t values[COUNT] = {0, 1, 2, 3, 4}, seen = 0;
        random_shuffle(&random, values, COUNT);
        for (int k = 0; k < COUNT; k++) {
            counts[k][values[k]]++;
            seen |= 1u << values[k];
        }
        assert_int_equal(seen, (1 << COUNT) - 1);
    }
    for (int i = 0; i < COUNT * COUNT; i++) // each value at each place
        assert_true(fabs(counts[i / COUNT][i % COUNT] - SHUFFLES / 5.) <
                    6 * sqrt(SHUFFLES * 4. / 25));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generator),
        cmocka_unit_test(test_streams_stay),
        cmocka_unit_test(test_streams_differ),
        cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_below_reaches_its_ends),
        cmocka_unit_test(test_shuffle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
