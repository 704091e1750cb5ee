// SPDX-License-Identifier: MIT
// Means and standard deviations over runs and folds, against numbers of numpy.
#include "tests/test.h"
#include "vkgrid/study/over_runs.h"

#include <math.h>

static bool is(double value, double expected)
{
    return isnan(expected) ? isnan(value) : fabs(value - expected) < 1e-12;
}

static void test_runs(void **state)
{
    const double values[] = {0.25, 0.5, NAN, 0.375};
    struct over_runs over;
    (void)state;
    over_runs_of(values, 4, 0, &over);
    assert_int_equal(over.runs, 3);
    assert_int_equal(over.folds, 0);
    assert_true(is(over.best, 0.25) && is(over.mean, 0.375) && is(over.sd, 0.125));
    assert_true(is(over.sd_between_folds, NAN) && is(over.sd_within_folds, NAN));
    over_runs_of(values, 1, 0, &over);
    assert_true(over.runs == 1 && is(over.mean, 0.25) && is(over.sd, NAN));
    over_runs_of(values + 2, 1, 0, &over);
    assert_true(over.runs == 0 && is(over.mean, NAN) && is(over.best, NAN));
}

// Run r is of fold r % 3: folds (0.1, 0.2), (0.4, 0.5), (0.6, 0.9), of means 0.15, 0.45, 0.75.
static void test_folds(void **state)
{
    const double values[] = {0.1, 0.4, 0.6, 0.2, 0.5, 0.9};
    struct over_runs over;
    (void)state;
    over_runs_of(values, 6, 3, &over);
    assert_int_equal(over.runs, 6);
    assert_int_equal(over.folds, 3);
    assert_true(is(over.mean, 0.45) && is(over.best, (0.1 + 0.4 + 0.6) / 3));
    assert_true(is(over.sd, 0.2880972058177586));
    assert_true(is(over.sd_between_folds, 0.3));
    assert_true(is(over.sd_within_folds, sqrt((0.005 + 0.005 + 0.045) / 3)));
    over_runs_of(values, 3, 3, &over); // one run a fold: the folds' is that of the runs
    assert_true(is(over.sd, sqrt(0.19 / 3)) && is(over.sd_between_folds, NAN) &&
                is(over.sd_within_folds, NAN));
}

// An easy fold alone is no score; a fold that lost a run has its weight still.
static void test_missing(void **state)
{
    const double lost[] = {0.1, 0.4, NAN, 0.2, 0.5, NAN}, uneven[] = {0.1, 0.4, NAN, 0.8};
    struct over_runs over;
    (void)state;
    over_runs_of(lost, 6, 3, &over);
    assert_true(over.runs == 4 && over.folds == 2 && is(over.mean, NAN) && is(over.best, NAN));
    over_runs_of(uneven, 4, 2, &over);
    assert_true(is(over.mean, (0.1 + 0.6) / 2) && is(over.best, 0.25));
    assert_true(is(over.sd_within_folds, sqrt(0.08)) && is(over.sd_between_folds, sqrt(0.125)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_folds),
        cmocka_unit_test(test_missing),
    };
    return RUN_TESTS(tests, NULL, NULL);
}
