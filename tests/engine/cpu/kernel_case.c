// SPDX-License-Identifier: MIT
#include "tests/engine/cpu/kernel_case.h"

#include "vkgrid/base/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GAP_BYTE 0x5a

struct kernel_case kernel_case(const struct cpu_kernels *kernels, struct shape shape, size_t gap,
                               uint64_t seed)
{
    return (struct kernel_case){
        .kernels = kernels,
        .shape = shape,
        .gap = gap,
        .random = random_stream(seed, 0, 0, 0),
        .digest = 0xcbf29ce484222325, // FNV-1a's
    };
}

void kernel_case_end(struct kernel_case *t)
{
    while (t->memory_count > 0)
        free(t->memory[--t->memory_count]);
}

static void *keep(struct kernel_case *t, void *memory)
{
    assert_true(t->memory_count < COUNT(t->memory));
    return t->memory[t->memory_count++] = memory;
}

double *doubles(struct kernel_case *t, size_t count)
{
    return keep(t, mem_zalloc(count, sizeof(double)));
}

float *floats(struct kernel_case *t, size_t count)
{
    return keep(t, mem_zalloc(count, sizeof(float)));
}

uint32_t *words(struct kernel_case *t, size_t count)
{
    return keep(t, mem_zalloc(count, sizeof(uint32_t)));
}

void *reals(struct kernel_case *t, size_t count)
{
    return keep(t, mem_zalloc(count, t->kernels->element));
}

static bool is_bf16(const struct kernel_case *t)
{
    return t->kernels->element == 2;
}

double rounded(const struct kernel_case *t, double value)
{
    int exponent;
    if (!is_bf16(t) || !isfinite(value))
        return (float)value;
    const double fraction = frexp((float)value, &exponent);
    return (float)ldexp(nearbyint(fraction * 256), exponent - 8);
}

size_t pixels_of(struct shape s)
{
    return (size_t)s.n * (size_t)s.rows * (size_t)s.cols;
}

struct view empty_view(void)
{
    return (struct view){0};
}

struct view new_view(struct kernel_case *t, struct shape s)
{
    const struct view v = {NULL, s.n, s.rows, s.cols, s.channels, (size_t)s.channels + t->gap};
    const size_t bytes = pixels_of(s) * v.pitch * t->kernels->element;
    struct view filled = v;
    filled.data = keep(t, mem_alloc(bytes));
    memset(filled.data, GAP_BYTE, bytes);
    return filled;
}

static double load(const struct kernel_case *t, const void *data, size_t at)
{
    if (!is_bf16(t))
        return ((const float *)data)[at];
    const uint32_t bits = (uint32_t)((const uint16_t *)data)[at] << 16;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static void store(const struct kernel_case *t, void *data, size_t at, double value)
{
    const float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof(bits));
    if (is_bf16(t))
        ((uint16_t *)data)[at] = (uint16_t)(bits >> 16);
    else
        ((float *)data)[at] = narrow;
}

struct view view_with(struct kernel_case *t, struct shape s, double *values)
{
    const struct view v = new_view(t, s);
    const size_t channels = (size_t)s.channels;
    for (size_t i = 0; i < shape_count(s); i++) {
        values[i] = rounded(t, values[i]);
        store(t, v.data, i / channels * v.pitch + i % channels, values[i]);
    }
    return v;
}

double *normals(struct kernel_case *t, size_t count)
{
    double *values = doubles(t, count);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)random_normal(&t->random);
    return values;
}

double *rectified(struct kernel_case *t, size_t count)
{
    double *values = normals(t, count);
    for (size_t i = 0; i < count; i++)
        values[i] = fmax(values[i], 0);
    return values;
}

double *channelled(struct kernel_case *t, double offset)
{
    double *values = normals(t, shape_count(t->shape));
    for (size_t i = 0; i < shape_count(t->shape); i++) {
        const size_t c = i % (size_t)t->shape.channels;
        values[i] = (float)(values[i] * (0.5 + (double)(c % 3)) + (double)(c % 5) - 2 + offset);
    }
    return values;
}

double *positives(struct kernel_case *t, size_t count)
{
    double *values = doubles(t, count);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(0.5 + 1.5 * random_uniform(&t->random));
    return values;
}

float *as_floats(struct kernel_case *t, size_t count, const double *values)
{
    float *narrow = floats(t, count);
    for (size_t i = 0; i < count; i++)
        narrow[i] = (float)values[i];
    return narrow;
}

static void add_to_digest(struct kernel_case *t, const void *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        t->digest = (t->digest ^ ((const unsigned char *)data)[i]) * 0x100000001b3;
}

static void check(struct kernel_case *t, const char *what, size_t count, const double *actual,
                  const double *expected, double bound, bool real)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += expected[i] * expected[i];
    const double mean = sqrt(squares / (double)count);
    for (size_t i = 0; i < count; i++) {
        const double size = fabs(expected[i]), error = fabs(actual[i] - expected[i]);
        const double allowed =
            4 * bound * fmax(size, mean) + (real && is_bf16(t) && bound > 0 ? 0x1p-8 * size : 0);
        if (!(error <= allowed))
            fail_msg(
                "%s: %s, %d x %d x %d x %d, gap %zu: "
                "element %zu is %g, not %g (error %g, allowed %g)",
                t->kernels->name, what, t->shape.n, t->shape.rows, t->shape.cols, t->shape.channels,
                t->gap, i, actual[i], expected[i], error, allowed);
    }
}

void check_floats(struct kernel_case *t, const char *what, size_t count, const float *actual,
                  const double *expected, double bound)
{
    double *values = doubles(t, count);
    for (size_t i = 0; i < count; i++)
        values[i] = actual[i];
    check(t, what, count, values, expected, bound, false);
    add_to_digest(t, actual, count * sizeof(actual[0]));
}

void check_view(struct kernel_case *t, const char *what, struct view v, const double *expected,
                double bound)
{
    const size_t channels = (size_t)v.channels,
                 pixels = (size_t)v.n * (size_t)v.rows * (size_t)v.cols;
    const size_t element = t->kernels->element;
    double *values = doubles(t, pixels * channels);
    for (size_t p = 0; p < pixels; p++) {
        const unsigned char *pixel = (const unsigned char *)v.data + p * v.pitch * element;
        add_to_digest(t, pixel, channels * element);
        for (size_t c = 0; c < channels; c++)
            values[p * channels + c] = load(t, v.data, p * v.pitch + c);
        for (size_t i = channels * element; i < v.pitch * element; i++)
            if (pixel[i] != GAP_BYTE)
                fail_msg("%s: %s: wrote behind the channels of pixel %zu", t->kernels->name, what,
                         p);
    }
    check(t, what, pixels * channels, values, expected, bound, true);
}

double sum_bound(const struct kernel_case *t, double factor)
{
    return factor * ULP * (2 + sqrt((double)pixels_of(t->shape)));
}
