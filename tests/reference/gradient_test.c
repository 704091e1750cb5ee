// SPDX-License-Identifier: MIT
// Every backward op of the reference against central differences of its forward op, in double. With
// the scalar r . f(x) for a random r, the gradient by x is what the backward op makes of dy = r.
#include "tests/test.h"
#include "tests/reference/ops.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Truncation is h^2 and rounding 1e-16 / h: about 1e-10 each for values near 1; 1e-7 leaves room
// for longer sums.
static const double step = 1e-5, tolerance = 1e-7;

static double *noise(size_t count, uint64_t seed)
{
    struct random random = random_stream(seed, 0, 0, 0);
    double *values = mem_alloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = random_normal(&random);
    return values;
}

static double dot(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

// gradient[i] against (f(x + h e_i) - f(x - h e_i)) / 2h for all i. x is restored.
static void check_gradient(const char *what, double (*f)(const void *context), const void *context,
                           double *x, size_t count, const double *gradient)
{
    double largest = 1e-3; // scale of the gradient
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(gradient[i]));
    for (size_t i = 0; i < count; i++) {
        const double kept = x[i];
        x[i] = kept + step;
        const double above = f(context);
        x[i] = kept - step;
        const double below = f(context);
        x[i] = kept;
        const double difference = (above - below) / (2 * step);
        if (!(fabs(difference - gradient[i]) <= tolerance * largest))
            fail_msg("%s[%zu]: %.12g, central difference %.12g", what, i, gradient[i], difference);
    }
}

struct conv_case {
    struct window window;
    double *x, *weight, *bias, *r;
};

static double conv_value(const void *context)
{
    const struct conv_case *c = context;
    const size_t count = shape_count(c->window.out);
    double *y = mem_alloc(count * sizeof *y);
    reference_conv(c->window, c->x, c->weight, c->bias, y);
    const double value = dot(y, c->r, count);
    free(y);
    return value;
}

static struct window window(int n, int rows, int cols, int in, int out, int kernel, int stride)
{
    const int lost = kernel - 2 * (kernel / 2);
    return (struct window){
        .in = {n, rows, cols, in},
        .out = {n, (rows - lost) / stride + 1, (cols - lost) / stride + 1, out},
        .kernel = kernel,
        .stride = stride,
    };
}

static void check_conv(int kernel, int stride)
{
    struct conv_case c = {.window = window(2, 6, 7, 3, 2, kernel, stride)};
    const size_t in = shape_count(c.window.in), out = shape_count(c.window.out);
    const size_t weights = (size_t)(2 * 3 * kernel * kernel);
    c.x = noise(in, 1);
    c.weight = noise(weights, 2);
    c.bias = noise(2, 3);
    c.r = noise(out, 4);
    double *gradient = mem_alloc((in + weights) * sizeof *gradient);

    reference_conv_input_grad(c.window, c.r, c.weight, gradient);
    check_gradient("conv dx", conv_value, &c, c.x, in, gradient);
    reference_conv_weight_grad(c.window, c.x, c.r, gradient);
    check_gradient("conv dweight", conv_value, &c, c.weight, weights, gradient);
    reference_conv_bias_grad(c.window.out, c.r, gradient);
    check_gradient("conv dbias", conv_value, &c, c.bias, 2, gradient);
    free(c.x), free(c.weight), free(c.bias), free(c.r), free(gradient);
}

static void test_conv(void **state)
{
    (void)state;
    check_conv(7, 2);
    check_conv(3, 1);
    check_conv(3, 2);
    check_conv(1, 1);
    check_conv(1, 2);
}

struct norm_case {
    struct shape shape;
    double *x, *weight, *bias, *r;
};

static double norm_value(const void *context)
{
    const struct norm_case *c = context;
    const size_t count = shape_count(c->shape);
    double running_mean[3] = {0}, running_var[3] = {0}, mean[3], inverse_deviation[3];
    double *y = mem_alloc(count * sizeof *y);
    reference_batch_norm(c->shape, c->x,
                         (struct batch_norm){c->weight, c->bias, running_mean, running_var}, y,
                         mean, inverse_deviation);
    const double value = dot(y, c->r, count);
    free(y);
    return value;
}

static void test_batch_norm(void **state)
{
    (void)state;
    struct norm_case c = {.shape = {2, 3, 5, 3}};
    const size_t count = shape_count(c.shape);
    c.x = noise(count, 1);
    c.weight = noise(3, 2);
    c.bias = noise(3, 3);
    c.r = noise(count, 4);
    double running_mean[3] = {0}, running_var[3] = {0}, mean[3], inverse_deviation[3];
    double dweight[3], dbias[3];
    double *y = mem_alloc(count * sizeof *y), *dx = mem_alloc(count * sizeof *dx);
    reference_batch_norm(c.shape, c.x,
                         (struct batch_norm){c.weight, c.bias, running_mean, running_var}, y, mean,
                         inverse_deviation);
    reference_batch_norm_grad(c.shape, c.x, c.r, c.weight, mean, inverse_deviation, dx, dweight,
                              dbias);
    check_gradient("batch norm dx", norm_value, &c, c.x, count, dx);
    check_gradient("batch norm dweight", norm_value, &c, c.weight, 3, dweight);
    check_gradient("batch norm dbias", norm_value, &c, c.bias, 3, dbias);
    free(c.x), free(c.weight), free(c.bias), free(c.r), free(y), free(dx);
}

// With the statistics that a batch left behind (momentum 0.1 from mean 0, variance 1), not its own.
static void test_batch_norm_eval(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 6}, weight[] = {2}, bias[] = {0.5};
    double running_mean[] = {0}, running_var[] = {1}, mean[1], inverse_deviation[1], y[4];
    const struct batch_norm norm = {weight, bias, running_mean, running_var};
    reference_batch_norm((struct shape){2, 1, 2, 1}, x, norm, y, mean, inverse_deviation);
    assert_float_equal(mean[0], 3, 1e-12);
    assert_float_equal(inverse_deviation[0], 1 / sqrt(3.5 + 1e-5), 1e-12);
    assert_float_equal(running_mean[0], 0.3, 1e-12);
    assert_float_equal(running_var[0], 0.9 + 0.1 * 14 / 3, 1e-12);
    reference_batch_norm_eval((struct shape){2, 1, 2, 1}, x, norm, y);
    assert_float_equal(y[3], (6 - 0.3) / sqrt(0.9 + 1.4 / 3 + 1e-5) * 2 + 0.5, 1e-12);
}

struct pointwise_case {
    size_t count;
    double *x, *r;
};

static double relu_value(const void *context)
{
    const struct pointwise_case *c = context;
    double *y = mem_alloc(c->count * sizeof *y);
    reference_relu(c->count, c->x, y);
    const double value = dot(y, c->r, c->count);
    free(y);
    return value;
}

static void test_relu(void **state)
{
    (void)state;
    struct pointwise_case c = {40, noise(40, 1), noise(40, 2)};
    double y[40], dx[40];
    for (size_t i = 0; i < c.count; i++)
        c.x[i] += copysign(0.1, c.x[i]); // no closer to the kink than 0.1
    reference_relu(c.count, c.x, y);
    reference_relu_grad(c.count, y, c.r, dx);
    check_gradient("relu dx", relu_value, &c, c.x, c.count, dx);
    free(c.x), free(c.r);
}

struct pool_case {
    struct window window;
    double *x, *r;
};

static double pool_value(const void *context)
{
    const struct pool_case *c = context;
    const size_t count = shape_count(c->window.out);
    double *y = mem_alloc(count * sizeof *y);
    uint32_t *index = mem_alloc(count * sizeof *index);
    reference_max_pool(c->window, c->x, y, index);
    const double value = dot(y, c->r, count);
    free(y), free(index);
    return value;
}

static void test_max_pool(void **state)
{
    (void)state;
    struct pool_case c = {.window = window(2, 7, 6, 3, 3, 3, 2)};
    const size_t in = shape_count(c.window.in), out = shape_count(c.window.out);
    struct random random = random_stream(1, 0, 0, 0);
    uint32_t *order = mem_alloc(in * sizeof *order);
    for (size_t i = 0; i < in; i++)
        order[i] = (uint32_t)i;
    random_shuffle(&random, order, (uint32_t)in);
    c.x = mem_alloc(in * sizeof *c.x);
    for (size_t i = 0; i < in; i++)
        c.x[i] = 0.1 * order[i] - 5; // no two closer than 0.1
    c.r = noise(out, 2);
    double *y = mem_alloc(out * sizeof *y), *dx = mem_alloc(in * sizeof *dx);
    uint32_t *index = mem_alloc(out * sizeof *index);
    reference_max_pool(c.window, c.x, y, index);
    reference_max_pool_grad(c.window, index, c.r, dx);
    check_gradient("max pool dx", pool_value, &c, c.x, in, dx);
    free(order), free(c.x), free(c.r), free(y), free(dx), free(index);
}

static void test_max_pool_takes_first_of_equals(void **state)
{
    (void)state;
    const struct window w = window(1, 3, 3, 1, 1, 3, 2);
    const double x[9] = {0};
    double y[4];
    uint32_t index[4];
    reference_max_pool(w, x, y, index);
    const uint32_t expected[4] = {4, 3, 1, 0}; // the first place that is inside
    assert_memory_equal(index, expected, sizeof expected);
}

struct upsample_case {
    struct shape in;
    double *x, *r;
};

static double upsample_value(const void *context)
{
    const struct upsample_case *c = context;
    const size_t count = 4 * shape_count(c->in);
    double *y = mem_alloc(count * sizeof *y);
    reference_upsample(c->in, c->x, y);
    const double value = dot(y, c->r, count);
    free(y);
    return value;
}

static void check_upsample(struct shape in)
{
    const size_t count = shape_count(in);
    struct upsample_case c = {in, noise(count, 1), noise(4 * count, 2)};
    double *dx = mem_alloc(count * sizeof *dx);
    reference_upsample_grad(in, c.r, dx);
    check_gradient("upsample dx", upsample_value, &c, c.x, count, dx);
    free(c.x), free(c.r), free(dx);
}

static void test_upsample(void **state)
{
    (void)state;
    check_upsample((struct shape){2, 3, 4, 2});
    check_upsample((struct shape){1, 1, 5, 1});
    check_upsample((struct shape){1, 1, 1, 3});
}

// torch.nn.functional.interpolate([0, 3], scale_factor=2, mode="linear", align_corners=True)
static void test_upsample_aligns_corners(void **state)
{
    (void)state;
    const double x[] = {0, 3}, expected[] = {0, 1, 2, 3, 0, 1, 2, 3};
    double y[8];
    reference_upsample((struct shape){1, 1, 2, 1}, x, y);
    for (int i = 0; i < 8; i++)
        assert_float_equal(y[i], expected[i], 1e-12);
}

// The gradients of a concatenation are slices: each gives back what went in.
static void test_concat_and_slice(void **state)
{
    (void)state;
    const struct shape joined = {2, 2, 3, 5};
    double *a = noise(2 * 2 * 3 * 2, 1), *b = noise(2 * 2 * 3 * 3, 2), y[60], back[36];
    reference_concat(joined, 2, a, b, y);
    assert_true(y[5] == a[2] && y[7] == b[3]);
    reference_slice(joined, 0, 2, y, back);
    assert_memory_equal(back, a, 24 * sizeof *a);
    reference_slice(joined, 2, 3, y, back);
    assert_memory_equal(back, b, 36 * sizeof *b);
    free(a), free(b);
}

static void test_gather(void **state)
{
    (void)state;
    const double data[] = {0, 1, 10, 11, 20, 21}, expected[] = {20, 21, 0, 1};
    const uint32_t order[] = {1, 2, 0};
    double y[4];
    reference_gather((struct shape){2, 1, 2, 1}, data, order, 1, y);
    assert_memory_equal(y, expected, sizeof expected);
}

struct loss_case {
    struct shape shape;
    double *z, *t, bce_weight;
};

static double loss_value(const void *context)
{
    const struct loss_case *c = context;
    double metrics[3];
    reference_loss(c->shape, c->z, c->t, c->bce_weight, metrics, NULL);
    return metrics[2];
}

static void test_loss(void **state)
{
    (void)state;
    static const double weights[] = {0, 0.3, 1};
    for (int i = 0; i < 3; i++) {
        struct loss_case c = {.shape = {2, 3, 5, 3}, .bce_weight = weights[i]};
        const size_t count = shape_count(c.shape);
        double metrics[3], *dz = mem_alloc(count * sizeof *dz);
        c.z = noise(count, 1);
        c.t = noise(count, 2);
        for (size_t k = 0; k < count; k++)
            c.t[k] = fmin(fmax(c.t[k], 0), 1);
        reference_loss(c.shape, c.z, c.t, c.bce_weight, metrics, dz);
        check_gradient("loss dz", loss_value, &c, c.z, count, dz);
        free(c.z), free(c.t), free(dz);
    }
}

// By hand: p = 1/2 everywhere, so each class's cross entropy is log 2.
static void test_loss_values(void **state)
{
    (void)state;
    const double z[8] = {0}, t[8] = {1, 0, 0, 0, 0, 1, 0, 1};
    double metrics[3];
    reference_loss((struct shape){2, 1, 2, 2}, z, t, 0.25, metrics, NULL);
    const double bce = log(2) * (3.0 / 4) + log(2) * (2.0 / 4);
    // I, sum of squares of p and of t: sample 0 (0.5, 0.5 + 1), (0, 0.5); sample 1 (0, 0.5), (1,
    // 0.5 + 2).
    const double dice = 1 - (2 / 2.5 + 1 / 1.5 + 1 / 1.5 + 3 / 3.5) / 4;
    assert_float_equal(metrics[0], bce, 1e-12);
    assert_float_equal(metrics[1], dice, 1e-12);
    assert_float_equal(metrics[2], 0.25 * bce + 0.75 * dice, 1e-12);
}

// The first step of Adam is lr against the gradient's sign; a constant gradient keeps it so.
static void test_adam(void **state)
{
    (void)state;
    double parameter[2] = {1, 1}, moment1[2] = {0}, moment2[2] = {0}, correction[2] = {0};
    const double gradient[2] = {0.5, -20};
    for (int i = 1; i <= 3; i++) {
        reference_adam(2, 0.01, correction, parameter, gradient, moment1, moment2);
        reference_advance_correction(correction);
        assert_float_equal(parameter[0], 1 - 0.01 * i, 1e-8);
        assert_float_equal(parameter[1], 1 + 0.01 * i, 1e-8);
    }
    assert_float_equal(correction[0], 1 - pow(0.9, 3), 1e-12);
    assert_float_equal(correction[1], 1 - pow(0.999, 3), 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),
        cmocka_unit_test(test_batch_norm),
        cmocka_unit_test(test_batch_norm_eval),
        cmocka_unit_test(test_relu),
        cmocka_unit_test(test_max_pool),
        cmocka_unit_test(test_max_pool_takes_first_of_equals),
        cmocka_unit_test(test_upsample),
        cmocka_unit_test(test_upsample_aligns_corners),
        cmocka_unit_test(test_concat_and_slice),
        cmocka_unit_test(test_gather),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_loss_values),
        cmocka_unit_test(test_adam),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
