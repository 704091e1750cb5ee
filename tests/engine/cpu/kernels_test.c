// SPDX-License-Identifier: MIT
// Every kernel of every set this processor can run, against the naive ops in double. Also:
// instruction sets, numbers of threads and gaps between pixels change no bit, and gaps are not
// written.
#include "tests/engine/cpu/kernel_case.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static float *sums_memory(struct kernel_case *t)
{
    const struct shape s = t->shape;
    return floats(t, sums_scratch(s.n, s.rows, s.cols, s.channels));
}

static void run_gather(struct kernel_case *t)
{
    enum { TARGETS = 4 };
    struct shape all = t->shape;
    all.n = TARGETS;
    const double *data = normals(t, shape_count(all));
    double *expected = doubles(t, shape_count(t->shape));
    uint32_t order[16];
    for (int i = 0; i < t->shape.n; i++)
        order[i] = random_below(&t->random, TARGETS);
    reference_gather(t->shape, data, order, 0, expected);
    for (size_t i = 0; i < shape_count(t->shape); i++)
        expected[i] = rounded(t, expected[i]);
    const struct view y = new_view(t, t->shape);
    t->kernels->gather(y, as_floats(t, shape_count(all), data), order);
    check_view(t, "gather", y, expected, 0);
}

static void run_pointwise(struct kernel_case *t)
{
    const size_t count = shape_count(t->shape);
    double *a = normals(t, count), *b = normals(t, count), *expected = doubles(t, count);
    const struct view x = view_with(t, t->shape, a), z = view_with(t, t->shape, b);
    const struct view y = new_view(t, t->shape);
    t->kernels->copy(x, y);
    check_view(t, "copy", y, a, 0);
    t->kernels->add(x, z, false, y);
    reference_add(count, a, b, expected);
    check_view(t, "add", y, expected, ULP);
    t->kernels->add(x, z, true, y);
    reference_relu(count, expected, expected);
    check_view(t, "add with ReLU", y, expected, ULP);
    t->kernels->relu(x, y);
    reference_relu(count, a, expected);
    check_view(t, "relu", y, expected, 0);
    t->kernels->relu(x, x);
    check_view(t, "relu in place", x, expected, 0);
}

static void run_relu_grad(struct kernel_case *t)
{
    const size_t count = shape_count(t->shape);
    double *output = rectified(t, count), *gradient = channelled(t, 0);
    const struct view y = view_with(t, t->shape, output), dy = view_with(t, t->shape, gradient);
    for (int masked = 0; masked < 2; masked++) {
        double *expected = doubles(t, count), *sums = doubles(t, (size_t)t->shape.channels);
        for (size_t i = 0; i < count; i++)
            expected[i] = gradient[i];
        if (masked)
            reference_relu_grad(count, output, gradient, expected);
        reference_conv_bias_grad(t->shape, expected, sums);
        const struct view mask = masked ? y : empty_view(), dx = new_view(t, t->shape);
        float *dbias = floats(t, (size_t)t->shape.channels), *scratch = sums_memory(t);
        t->kernels->relu_grad(mask, dy, empty_view(), dbias, scratch);
        check_floats(t, "sums without relu_grad", (size_t)t->shape.channels, dbias, sums,
                     sum_bound(t, 1));
        t->kernels->relu_grad(mask, dy, dx, NULL, NULL);
        check_view(t, "relu_grad without sums", dx, expected, 0);
        memset(dbias, 0, (size_t)t->shape.channels * sizeof(dbias[0]));
        t->kernels->relu_grad(mask, dy, dy, dbias, scratch);
        check_view(t, "relu_grad in place", dy, expected, 0);
        check_floats(t, "sums of relu_grad", (size_t)t->shape.channels, dbias, sums,
                     sum_bound(t, 1));
    }
}

static void run_statistics(struct kernel_case *t, double offset)
{
    const size_t count = shape_count(t->shape), channels = (size_t)t->shape.channels;
    double *values = channelled(t, offset), *y = doubles(t, count), *ones = doubles(t, channels);
    double *mean = doubles(t, channels), *deviation = doubles(t, channels);
    double *running_mean = normals(t, channels), *running_var = positives(t, channels);
    for (size_t c = 0; c < channels; c++)
        ones[c] = 1;
    for (size_t i = 0; channels > 2 && i < count; i += channels)
        values[i + 2] = 0; // a dead channel
    const struct view x = view_with(t, t->shape, values);
    float *kernel_mean = floats(t, channels), *kernel_deviation = floats(t, channels);
    float *kernel_running_mean = as_floats(t, channels, running_mean);
    float *kernel_running_var = as_floats(t, channels, running_var);
    const struct batch_norm norm = {ones, ones, running_mean, running_var};
    reference_batch_norm(t->shape, values, norm, y, mean, deviation);
    t->kernels->norm_statistics(x, kernel_mean, kernel_deviation, kernel_running_mean,
                                kernel_running_var, sums_memory(t));
    check_floats(t, "mean", channels, kernel_mean, mean, sum_bound(t, 1));
    check_floats(t, "deviation", channels, kernel_deviation, deviation, sum_bound(t, 1));
    check_floats(t, "running mean", channels, kernel_running_mean, running_mean, sum_bound(t, 1));
    check_floats(t, "running variance", channels, kernel_running_var, running_var, sum_bound(t, 1));
}

static void run_norm_statistics(struct kernel_case *t)
{
    if (pixels_of(t->shape) < 2)
        return;
    run_statistics(t, 0);
    run_statistics(t, 1000);
}

static struct norm kernel_norm(struct kernel_case *t, const double *weight, const double *bias,
                               const double *mean, const double *deviation)
{
    const size_t channels = (size_t)t->shape.channels;
    return (struct norm){as_floats(t, channels, weight), as_floats(t, channels, bias),
                         as_floats(t, channels, mean), as_floats(t, channels, deviation)};
}

static void run_norm_apply(struct kernel_case *t)
{
    const size_t count = shape_count(t->shape), channels = (size_t)t->shape.channels;
    double *values = channelled(t, 0), *added = normals(t, count), *expected = doubles(t, count);
    const double *weight = normals(t, channels), *bias = normals(t, channels);
    const double *mean = normals(t, channels), *deviation = positives(t, channels);
    const struct view x = view_with(t, t->shape, values), more = view_with(t, t->shape, added);
    const struct norm norm = kernel_norm(t, weight, bias, mean, deviation);
    for (int what = 0; what < 4; what++) {
        for (size_t i = 0; i < count; i++) {
            const size_t c = i % channels;
            expected[i] = (values[i] - mean[c]) * deviation[c] * weight[c] + bias[c] +
                          (what & 1 ? added[i] : 0);
            expected[i] = what & 2 ? fmax(expected[i], 0) : expected[i];
        }
        const struct view y = new_view(t, t->shape);
        t->kernels->norm_apply(x, norm, what & 1 ? more : empty_view(), (what & 2) != 0, y);
        check_view(t, "norm_apply", y, expected, 4 * ULP);
        if (what == 3) {
            t->kernels->norm_apply(x, norm, more, true, x);
            check_view(t, "norm_apply in place", x, expected, 4 * ULP);
        }
    }
}

static void run_norm_grad(struct kernel_case *t)
{
    const size_t count = shape_count(t->shape), channels = (size_t)t->shape.channels;
    double *values = normals(t, count), *gradient = channelled(t, 0), *output = rectified(t, count);
    const double *weight = normals(t, channels), *mean = normals(t, channels),
                 *deviation = positives(t, channels);
    double *expected = doubles(t, count), *dweight = doubles(t, channels),
           *dbias = doubles(t, channels);
    const struct norm norm = kernel_norm(t, weight, weight, mean, deviation);
    const struct view x = view_with(t, t->shape, values), dy = view_with(t, t->shape, gradient);
    const struct view y = view_with(t, t->shape, output);
    for (int masked = 0; masked < 2; masked++) {
        const struct view mask = masked ? y : empty_view(), dx = new_view(t, t->shape);
        if (masked)
            reference_relu_grad(count, output, gradient, gradient);
        reference_batch_norm_grad(t->shape, values, gradient, weight, mean, deviation, expected,
                                  dweight, dbias);
        float *kernel_dweight = floats(t, channels), *kernel_dbias = floats(t, channels),
              *scratch = sums_memory(t);
        t->kernels->norm_grad(x, dy, mask, norm, empty_view(), kernel_dweight, kernel_dbias,
                              scratch);
        check_floats(t, "norm_grad's dweight without dx", channels, kernel_dweight, dweight,
                     sum_bound(t, 4));
        t->kernels->norm_grad(x, dy, mask, norm, dx, kernel_dweight, kernel_dbias, scratch);
        check_view(t, "norm_grad", dx, expected, sum_bound(t, 4));
        check_floats(t, "norm_grad's dweight", channels, kernel_dweight, dweight, sum_bound(t, 4));
        check_floats(t, "norm_grad's dbias", channels, kernel_dbias, dbias, sum_bound(t, 4));
    }
    t->kernels->norm_grad(x, dy, y, norm, dy, floats(t, channels), floats(t, channels),
                          sums_memory(t));
    check_view(t, "norm_grad in place", dy, expected, sum_bound(t, 4));
}

static void run_max_pool(struct kernel_case *t)
{
    static const int pools[][2] = {{3, 2}, {3, 1}, {1, 1}, {5, 3}};
    for (size_t i = 0; i < COUNT(pools); i++) {
        struct window w = {t->shape, t->shape, pools[i][0], pools[i][1]};
        const int lost = w.kernel - 2 * (w.kernel / 2);
        w.out.rows = (w.in.rows - lost) / w.stride + 1;
        w.out.cols = (w.in.cols - lost) / w.stride + 1;
        const size_t count = shape_count(w.out);
        double *values = i % 2 ? normals(t, shape_count(w.in)) : rectified(t, shape_count(w.in));
        double *gradient = normals(t, count), *expected = doubles(t, count),
               *dx = doubles(t, shape_count(w.in));
        uint32_t *index = words(t, count);
        uint32_t *kernel_index = words(t, count);
        const struct view x = view_with(t, w.in, values), dy = view_with(t, w.out, gradient);
        const struct view y = new_view(t, w.out), kernel_dx = new_view(t, w.in);
        reference_max_pool(w, values, expected, index);
        t->kernels->max_pool(x, w.kernel, w.stride, y, kernel_index);
        check_view(t, "max_pool", y, expected, 0);
        assert_memory_equal(index, kernel_index, count * sizeof(index[0]));
        reference_max_pool_grad(w, index, gradient, dx);
        t->kernels->max_pool_grad(kernel_index, dy, w.kernel, w.stride, kernel_dx);
        check_view(t, "max_pool_grad", kernel_dx, dx, 4 * ULP);
    }
}

static void run_upsample(struct kernel_case *t)
{
    struct shape large = t->shape;
    large.rows *= 2;
    large.cols *= 2;
    double *values = normals(t, shape_count(t->shape)), *expected = doubles(t, shape_count(large));
    double *gradient = normals(t, shape_count(large)),
           *expected_dx = doubles(t, shape_count(t->shape));
    const struct view x = view_with(t, t->shape, values), dy = view_with(t, large, gradient);
    const struct view y = new_view(t, large), dx = new_view(t, t->shape);
    reference_upsample(t->shape, values, expected);
    t->kernels->upsample(x, y);
    check_view(t, "upsample", y, expected, 2 * ULP);
    reference_upsample_grad(t->shape, gradient, expected_dx);
    t->kernels->upsample_grad(dy, dx);
    check_view(t, "upsample_grad", dx, expected_dx, 2 * ULP);
}

static void run_loss(struct kernel_case *t)
{
    const struct shape s = t->shape;
    const size_t count = shape_count(s);
    double *logits = normals(t, count), *targets = doubles(t, count);
    double *expected = doubles(t, count), metrics[3];
    for (size_t i = 0; i < count; i++) {
        targets[i] = (float)fmin(fmax(1.5 * random_uniform(&t->random) - 0.5, 0), i % 2 ? 1 : 0.6);
        logits[i] = (float)(logits[i] * (i % 7 == 0 ? 30 : 1));
    }
    reference_loss(s, logits, targets, 0.375, metrics, expected);
    float kernel_metrics[3];
    struct view gradient = {NULL, s.n, s.rows, s.cols, s.channels, (size_t)s.channels};
    gradient.data = reals(t, count);
    struct loss loss = {
        .logits = as_floats(t, count, logits),
        .targets = as_floats(t, count, targets),
        .n = s.n,
        .pixels = s.rows * s.cols,
        .labels = s.channels,
        .bce_weight = 0.375f,
        .metrics = kernel_metrics,
        .scratch = floats(t, loss_scratch(s.n, s.rows * s.cols, s.channels)),
    };
    t->kernels->loss(&loss);
    check_floats(t, "metrics without gradient", 3, kernel_metrics, metrics, sum_bound(t, 8));
    loss.gradient = gradient.data;
    t->kernels->loss(&loss);
    check_floats(t, "metrics", 3, kernel_metrics, metrics, sum_bound(t, 8));
    check_view(t, "gradient of the loss", gradient, expected, sum_bound(t, 8));
}

// With many values that are the very thresholds.
static void run_overlap(struct kernel_case *t)
{
    const struct shape s = t->shape;
    const size_t count = shape_count(s), size = (size_t)s.n * (size_t)s.channels * 3;
    double *logits = normals(t, count), *targets = doubles(t, count);
    uint32_t *counts = words(t, size), *expected = words(t, size);
    for (size_t i = 0; i < count; i++) {
        targets[i] = round(4 * random_uniform(&t->random)) / 4;
        logits[i] = i % 5 == 0 ? 0 : logits[i];
    }
    reference_overlap(s, logits, targets, expected);
    const struct overlap_counts overlap = {
        .logits = as_floats(t, count, logits),
        .targets = as_floats(t, count, targets),
        .n = s.n,
        .pixels = s.rows * s.cols,
        .labels = s.channels,
        .counts = counts,
    };
    t->kernels->overlap(&overlap);
    assert_memory_equal(counts, expected, size * sizeof *counts);
}

static void run_adam(struct kernel_case *t)
{
    const size_t count = shape_count(t->shape);
    double *weight = normals(t, count), *gradient = normals(t, count);
    double *moment1 = doubles(t, count), *moment2 = doubles(t, count), correction[2] = {0, 0};
    for (size_t i = 0; i < count; i++)
        gradient[i] =
            i % 9 == 4 ? 0 : (float)(gradient[i] * pow(10, 6 * random_uniform(&t->random) - 4));
    float *kernel_weight = as_floats(t, count, weight);
    float *kernel_moment1 = floats(t, count), *kernel_moment2 = floats(t, count);
    for (int step = 0; step < 3; step++) {
        reference_adam(count, 0.01f, correction, weight, gradient, moment1, moment2);
        reference_advance_correction(correction);
        t->kernels->adam(&(struct adam){kernel_weight, kernel_moment1, kernel_moment2,
                                        as_floats(t, count, gradient), count, 0.01f,
                                        (float)correction[0], (float)correction[1]});
    }
    check_floats(t, "weight", count, kernel_weight, weight, 8 * ULP);
    check_floats(t, "first moment", count, kernel_moment1, moment1, 8 * ULP);
    check_floats(t, "second moment", count, kernel_moment2, moment2, 8 * ULP);
}

// One pixel, few and many channels, more than a part is wide (512), several chunks of pixels.
static const struct shape shapes[] = {
    {1, 5, 7, 1},   {2, 3, 5, 3},  {2, 9, 11, 7},  {5, 1, 3, 14},   {1, 13, 17, 64},
    {6, 3, 3, 192}, {3, 1, 1, 64}, {5, 47, 45, 3}, {2, 23, 29, 40}, {1, 2, 3, 700},
};

static const char *const levels[] = {"baseline", "v3", "v4", "v4bf16"};

static uint64_t run_once(void (*run)(struct kernel_case *), const struct cpu_kernels *kernels,
                         size_t shape, size_t gap)
{
    struct kernel_case t = kernel_case(kernels, shapes[shape], gap, shape);
    run(&t);
    kernel_case_end(&t);
    return t.digest;
}

// All sets of one element type, on all shapes, with 1 to 3 threads, with gaps and without.
static void run_all(void (*run)(struct kernel_case *), bool bfloat16)
{
    for (size_t shape = 0; shape < COUNT(shapes); shape++) {
        const struct cpu_kernels *last = NULL;
        uint64_t expected = 0;
        for (size_t level = 0; level < COUNT(levels); level++) {
            assert_int_equal(setenv("VKGRID_CPU_KERNELS", levels[level], 1), 0);
            const struct cpu_kernels *kernels = cpu_kernels(bfloat16);
            if (kernels == last)
                continue;
            for (int i = 0; i < 4; i++) {
                omp_set_num_threads(i < 3 ? i + 1 : 2);
                const uint64_t digest = run_once(run, kernels, shape, i < 3 ? 0 : 5);
                if (last || i > 0)
                    assert_true(digest == expected);
                expected = digest;
            }
            last = kernels;
        }
    }
    assert_int_equal(unsetenv("VKGRID_CPU_KERNELS"), 0);
}

#define KERNEL_TEST(name) \
    static void test_##name(void **state) \
    { \
        (void)state; \
        run_all(run_##name, false); \
        run_all(run_##name, true); \
    }
KERNEL_TEST(gather)
KERNEL_TEST(pointwise)
KERNEL_TEST(relu_grad)
KERNEL_TEST(norm_statistics)
KERNEL_TEST(norm_apply)
KERNEL_TEST(norm_grad)
KERNEL_TEST(max_pool)
KERNEL_TEST(upsample)
KERNEL_TEST(loss)
KERNEL_TEST(overlap)
KERNEL_TEST(adam)

// What a set makes of a float: by gather, which only rounds.
static void test_rounding(void **state)
{
    static const struct {
        uint32_t bits;
        uint16_t expected;
    } cases[] = {
        {0x00000000, 0x0000}, {0x80000000, 0x8000}, {0x3f808000, 0x3f80}, // halfway: to even, down
        {0x3f818000, 0x3f82},                                             // to even, up
        {0x3f808001, 0x3f81}, {0x3f807fff, 0x3f80}, {0xbf818000, 0xbf82},
        {0x7f800000, 0x7f80}, {0xff800000, 0xff80}, {0x7f7fffff, 0x7f80}, // beyond the largest
        {0x00018000, 0x0002},                                             // subnormal
        {0x7f800001, 0x7fc0},                       // a NaN that would be cut to infinity
        {0x7fffffff, 0x7fff}, {0xffffffff, 0xffff}, // NaNs that would be rounded to 0
    };
    (void)state;
    float data[COUNT(cases)];
    for (size_t i = 0; i < COUNT(cases); i++)
        memcpy(&data[i], &cases[i].bits, sizeof(data[i]));
    for (size_t level = 0; level < COUNT(levels); level++) {
        assert_int_equal(setenv("VKGRID_CPU_KERNELS", levels[level], 1), 0);
        uint16_t y[COUNT(cases)] = {0};
        const struct view view = {y, 1, 1, COUNT(cases), 1, 1};
        cpu_kernels(true)->gather(view, data, &(uint32_t){0});
        for (size_t i = 0; i < COUNT(cases); i++)
            assert_int_equal(y[i], cases[i].expected);
    }
    assert_int_equal(unsetenv("VKGRID_CPU_KERNELS"), 0);
}

// NaN goes through ReLU, joined or not, and wins a max-pool: a run that diverged must be seen.
static void test_nan(void **state)
{
    (void)state;
    const struct cpu_kernels *kernels = cpu_kernels(false);
    float x[4] = {1, NAN, 2, -1}, zero[4] = {0}, y[4];
    const float one = 1, none = 0;
    const struct view from = {x, 1, 2, 2, 1, 1}, to = {y, 1, 2, 2, 1, 1},
                      still = {zero, 1, 2, 2, 1, 1};
    kernels->relu(from, to);
    assert_true(y[0] == 1 && isnan(y[1]) && y[2] == 2 && y[3] == 0);
    kernels->add(from, still, true, to);
    assert_true(isnan(y[1]) && y[3] == 0);
    kernels->norm_apply(from, (struct norm){&one, &none, &none, &one}, (struct view){0}, true, to);
    assert_true(isnan(y[1]) && y[3] == 0);
    uint32_t index;
    kernels->max_pool(from, 3, 2, (struct view){y, 1, 1, 1, 1, 1}, &index);
    assert_true(isnan(y[0]));
    assert_int_equal(index, 5);
}

static void print_sets(void)
{
    printf("sets:");
    for (int bfloat16 = 0; bfloat16 < 2; bfloat16++)
        for (size_t level = 0; level < COUNT(levels); level++) {
            setenv("VKGRID_CPU_KERNELS", levels[level], 1);
            printf(" %s,", cpu_kernels(bfloat16)->name);
        }
    unsetenv("VKGRID_CPU_KERNELS");
    printf(" a set that repeats: the level is not available\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gather),     cmocka_unit_test(test_pointwise),
        cmocka_unit_test(test_relu_grad),  cmocka_unit_test(test_norm_statistics),
        cmocka_unit_test(test_norm_apply), cmocka_unit_test(test_norm_grad),
        cmocka_unit_test(test_max_pool),   cmocka_unit_test(test_upsample),
        cmocka_unit_test(test_loss),       cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_adam),       cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_nan),
    };
    print_sets();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
