// SPDX-License-Identifier: MIT
// Dice, distances and intervals against counting by hand and by brute force.
#include "tests/test.h"
#include "vkgrid/base/random.h"
#include "vkgrid/data/overlap.h"
#include "vkgrid/data/spread.h"
#include "vkgrid/data/surface_distance.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static void counts_by_hand(void **state)
{
    (void)state;
    const uint8_t p[] = {1, 1, 0, 0, 1}, t[] = {1, 0, 0, 1, 1}, none[] = {0, 0, 0, 0, 0};
    struct overlap overlap = overlap_count(p, t, 5);
    assert_int_equal(overlap.both, 2);
    assert_int_equal(overlap.predicted, 3);
    assert_int_equal(overlap.target, 3);
    assert_true(fabs(overlap_dice(&overlap) - 4.0 / 6) < 1e-15);
    assert_true(fabs(overlap_iou(&overlap) - 0.5) < 1e-15);
    overlap = overlap_count(p, none, 5);
    assert_true(overlap_dice(&overlap) == 0 && overlap_iou(&overlap) == 0);
    overlap = overlap_count(none, none, 5);
    assert_true(isnan(overlap_dice(&overlap)) && isnan(overlap_iou(&overlap)));
}

static void losses_by_hand(void **state)
{
    (void)state;
    // Probabilities 1/2 and 1 (exactly, as a float), targets 1 and 0, the second of each two.
    const float logits[] = {0, 100}, targets[] = {9, 1, 9, 0};
    const struct soft_loss loss = overlap_losses(logits, targets + 1, 2, 2);
    assert_true(fabs(loss.dice - (1 - 2.0 / 3.25)) < 1e-12);
    assert_true(fabs(loss.entropy - (log(2) + 100) / 2) < 1e-12); // of the probability: infinite
    assert_true(loss.background == 0.5);
}

// The same from its definition, at the cost of the product of the outlines.
struct outline {
    int rows[1024], cols[1024], count;
};

static bool inside(const uint8_t *mask, int rows, int cols, int row, int col)
{
    return row >= 0 && row < rows && col >= 0 && col < cols && mask[row * cols + col];
}

static struct outline outline_of(const uint8_t *mask, int rows, int cols)
{
    struct outline outline = {.count = 0};
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) {
            const bool within =
                inside(mask, rows, cols, r - 1, c) && inside(mask, rows, cols, r + 1, c) &&
                inside(mask, rows, cols, r, c - 1) && inside(mask, rows, cols, r, c + 1);
            if (!mask[r * cols + c] || within)
                continue;
            outline.rows[outline.count] = r;
            outline.cols[outline.count++] = c;
        }
    return outline;
}

static int nearest_distances(const struct outline *from, const struct outline *to,
                             double *distances)
{
    for (int i = 0; i < from->count; i++) {
        distances[i] = INFINITY;
        for (int j = 0; j < to->count; j++)
            distances[i] =
                fmin(distances[i], hypot(from->rows[i] - to->rows[j], from->cols[i] - to->cols[j]));
    }
    qsort(distances, (size_t)from->count, sizeof(*distances), compare_doubles);
    return from->count;
}

static struct surface_distance by_definition(const uint8_t *a, const uint8_t *b, int rows, int cols)
{
    const struct outline outlines[] = {outline_of(a, rows, cols), outline_of(b, rows, cols)};
    double worst = 0, sum = 0, distances[1024];
    if (outlines[0].count == 0 || outlines[1].count == 0)
        return (struct surface_distance){NAN, NAN};
    for (int i = 0; i < 2; i++) {
        const int count = nearest_distances(&outlines[i], &outlines[1 - i], distances);
        worst = fmax(worst, sorted_quantile(distances, count, 0.95));
        for (int n = 0; n < count; n++)
            sum += distances[n];
    }
    return (struct surface_distance){worst, sum / (outlines[0].count + outlines[1].count)};
}

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) < 1e-9;
}

static void distances_by_definition(void **state)
{
    (void)state;
    struct random random = random_stream(7, 0, 0, 0);
    uint8_t a[1024], b[1024];
    int empty = 0;
    for (int round = 0; round < 500; round++) {
        const int rows = 1 + (int)random_below(&random, 32),
                  cols = 1 + (int)random_below(&random, 32);
        const double dense[] = {random_uniform(&random), random_uniform(&random)};
        for (int i = 0; i < rows * cols; i++) {
            a[i] = random_uniform(&random) < dense[0] * dense[0] * dense[0];
            b[i] = random_uniform(&random) < dense[1] * dense[1] * dense[1];
        }
        const struct surface_distance got = surface_distance(a, b, rows, cols),
                                      wanted = by_definition(a, b, rows, cols);
        assert_true(same(got.hausdorff95, wanted.hausdorff95) && same(got.average, wanted.average));
        empty += isnan(got.average);
    }
    assert_true(empty > 10 && empty < 400);
}

static void spread_by_hand(void **state)
{
    (void)state;
    const double values[] = {3, NAN, 1, 2, 10}, one[] = {NAN, 4}, none[] = {NAN};
    const struct spread spread = spread_of(values, 5), again = spread_of(values, 5);
    assert_int_equal(spread.count, 4);
    assert_int_equal(spread.left_out, 1);
    assert_true(spread.mean == 4 && spread.median == 2.5);
    assert_true(spread.low == again.low && spread.high == again.high);
    assert_true(spread.low >= 1 && spread.low < 2.5 && spread.high > 6 && spread.high <= 10);
    const struct spread single = spread_of(one, 2), empty = spread_of(none, 1);
    assert_true(single.mean == 4 && single.median == 4 && isnan(single.low) && isnan(single.high));
    assert_true(empty.count == 0 && isnan(empty.mean) && isnan(empty.median));
}

// Of many values the bootstrap interval is that of the normal distribution.
static void interval_of_many(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static double values[COUNT];
    struct random random = random_stream(8, 0, 0, 0);
    double sum = 0, squares = 0;
    for (int i = 0; i < COUNT; i++) {
        values[i] = 5 + 2 * random_normal(&random);
        sum += values[i];
        squares += values[i] * values[i];
    }
    const double mean = sum / COUNT, error = sqrt((squares / COUNT - mean * mean) / COUNT);
    const struct spread spread = spread_of(values, COUNT);
    assert_true(fabs(spread.low - (mean - 1.96 * error)) < 0.1 * error);
    assert_true(fabs(spread.high - (mean + 1.96 * error)) < 0.1 * error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_hand),          cmocka_unit_test(losses_by_hand),
        cmocka_unit_test(distances_by_definition), cmocka_unit_test(spread_by_hand),
        cmocka_unit_test(interval_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
