// SPDX-License-Identifier: MIT
// Winograd convolutions: neither the number of threads nor gaps between pixels change a bit, and
// gaps stay as they are. That the numbers are right is shown by ops_test, which runs them in an
// engine.
#include "tests/test.h"
#include "engine/cpu/kernels/kernels.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64, GAP = 64 };

struct shape {
    int n, rows, cols, in, out;
};

// Even and odd sizes; one block of output channels (tiles are split), and more than one.
static const struct shape shapes[] = {
    {2, 32, 64, 64, 64}, {3, 17, 23, 192, 64}, {1, 9, 11, 64, 192}, {2, 24, 20, 128, 320}};

static void *lines(size_t bytes)
{
    void *memory = aligned_alloc(LINE, (bytes + LINE - 1) / LINE * LINE);
    assert_non_null(memory);
    return memory;
}

static float *normals(size_t count, uint64_t seed)
{
    struct random random = random_stream(seed, 0, 0, RANDOM_WEIGHTS);
    float *values = mem_alloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)random_normal(&random);
    return values;
}

// Random values, the same whatever the gap; the gap is filled with bytes of 0x5a.
static struct view image(const struct cpu_kernels *kernels, const struct shape *s, int channels,
                         int gap, uint64_t seed)
{
    const size_t pixels = (size_t)s->n * (size_t)s->rows * (size_t)s->cols;
    struct view view = {NULL, s->n, s->rows, s->cols, channels, (size_t)(channels + gap)};
    const size_t bytes = pixels * view.pitch * kernels->element;
    const uint32_t order[] = {0, 1, 2};
    float *values = normals(pixels * (size_t)channels, seed);
    view.data = memset(lines(bytes), 0x5a, bytes);
    kernels->gather(view, values, order);
    free(values);
    return view;
}

static void check_same(const struct cpu_kernels *kernels, struct view a, struct view b)
{
    const size_t pixels = (size_t)a.n * (size_t)a.rows * (size_t)a.cols, element = kernels->element;
    for (size_t i = 0; i < pixels; i++) {
        const char *pixel = (const char *)b.data + i * b.pitch * element;
        assert_memory_equal((const char *)a.data + i * a.pitch * element, pixel,
                            (size_t)a.channels * element);
        for (size_t e = (size_t)b.channels * element; e < b.pitch * element; e++)
            assert_int_equal(pixel[e], 0x5a);
    }
}

struct results {
    struct view y, dx;
    float *dweight;
};

static struct results compute(const struct cpu_kernels *k, const struct shape *s, int gap,
                              int threads)
{
    omp_set_num_threads(threads);
    const size_t weights = 9 * (size_t)s->in * (size_t)s->out;
    float *weight = normals(weights, 1), *bias = normals((size_t)s->out, 2);
    const struct view x = image(k, s, s->in, gap, 3), dy = image(k, s, s->out, gap, 4);
    struct results r = {image(k, s, s->out, gap, 5), image(k, s, s->in, gap, 6),
                        mem_alloc(weights * sizeof(float))};
    void *packed = lines(winograd_weights_size(s->in, s->out) * k->element);
    const int widest = s->in > s->out ? s->in : s->out;
    void *scratch =
        lines(k->winograd_conv_scratch(widest, threads) + k->winograd_conv_scratch(64, threads));
    void *sums =
        lines(k->winograd_weight_grad_scratch(s->n, s->rows, s->cols, s->in, s->out, threads));
    k->winograd_weights(weight, s->in, s->out, packed);
    k->winograd_conv(x, packed, bias, true, r.y, scratch);
    k->winograd_weights_back(weight, s->in, s->out, packed);
    k->winograd_conv(dy, packed, NULL, false, r.dx, scratch);
    k->winograd_weight_grad(x, dy, r.dweight, sums);
    void *const used[] = {weight, bias, x.data, dy.data, packed, scratch, sums};
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++)
        free(used[i]);
    return r;
}

static void forget(struct results r)
{
    free(r.y.data);
    free(r.dx.data);
    free(r.dweight);
}

static void test_same_bits(void **state)
{
    const struct cpu_kernels *kernels = cpu_kernels(*state != NULL);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct shape *s = &shapes[i];
        const struct results expected = compute(kernels, s, 0, 1);
        for (int threads = 1; threads <= 5; threads += 2) {
            const struct results r = compute(kernels, s, GAP, threads);
            check_same(kernels, expected.y, r.y);
            check_same(kernels, expected.dx, r.dx);
            assert_memory_equal(expected.dweight, r.dweight,
                                9 * (size_t)s->in * (size_t)s->out * sizeof(float));
            forget(r);
        }
        forget(expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"fp32", test_same_bits, NULL, NULL, NULL},
        {"bfloat16", test_same_bits, NULL, NULL, "bfloat16"},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
