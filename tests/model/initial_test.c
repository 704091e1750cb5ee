// SPDX-License-Identifier: MIT
// Fresh weights have the distributions of PyTorch's initialisation.
#include "tests/test.h"
#include "vkgrid/model/unet.h"
#include "vkgrid/model/weights.h"

#include <math.h>
#include <string.h>

static struct graph *network(int features)
{
    struct unet_tensors tensors;
    return unet_prediction_graph(&(struct unet_shape){.base_model = RESNET18,
                                                      .rows = 32,
                                                      .cols = 32,
                                                      .features = features,
                                                      .labels = 3,
                                                      .count = 1,
                                                      .batch_size = 1},
                                 &tensors);
}

struct moments {
    double mean, deviation, lowest, highest;
};

static struct moments moments(const struct named_tensor *tensor)
{
    const float *x = tensor->values;
    struct moments m = {.lowest = INFINITY, .highest = -INFINITY};
    for (size_t i = 0; i < tensor->count; i++) {
        m.mean += x[i] / (double)tensor->count;
        m.lowest = fmin(m.lowest, x[i]);
        m.highest = fmax(m.highest, x[i]);
    }
    for (size_t i = 0; i < tensor->count; i++)
        m.deviation += (x[i] - m.mean) * (x[i] - m.mean) / (double)tensor->count;
    m.deviation = sqrt(m.deviation);
    return m;
}

static struct moments moments_of(const struct tensors *weights, const char *name)
{
    const struct named_tensor *tensor = tensors_find(weights, name);
    assert_non_null(tensor);
    return moments(tensor);
}

// Mean and deviation within five standard errors of those of `count` draws, whose fourth moment is
// `kurtosis` times the squared variance.
static void assert_moments(const struct moments *m, double deviation, double kurtosis, double count)
{
    assert_true(fabs(m->mean) < 5 * deviation / sqrt(count));
    assert_true(fabs(m->deviation / deviation - 1) < 5 * sqrt((kurtosis - 1) / (4 * count)));
}

static void assert_normal(const struct tensors *weights, const char *name, double fan_out)
{
    const struct moments m = moments_of(weights, name);
    const double count = (double)tensors_find(weights, name)->count, deviation = sqrt(2 / fan_out);
    assert_moments(&m, deviation, 3, count);
    assert_true(m.highest > 3 * deviation && m.highest < 7 * deviation); // has tails
    assert_true(m.lowest < -3 * deviation && m.lowest > -7 * deviation);
}

static void assert_uniform(const struct tensors *weights, const char *name, double fan_in)
{
    const struct moments m = moments_of(weights, name);
    const double count = (double)tensors_find(weights, name)->count, bound = 1 / sqrt(fan_in);
    const float limit = (float)bound;
    assert_moments(&m, bound / sqrt(3), 1.8, count);
    assert_true(m.lowest >= -limit && m.highest <= limit);
    assert_true(m.highest - m.lowest > 2 * bound * (1 - 10 / count));
}

static void assert_constant(const struct tensors *weights, const char *name, double value)
{
    const struct moments m = moments_of(weights, name);
    assert_true(m.lowest == value && m.highest == value);
}

static void test_distributions(void **state)
{
    (void)state;
    struct graph *graph = network(7);
    struct tensors weights;
    weights_initial(graph, random_stream(1, 2, 3, RANDOM_WEIGHTS), &weights);
    assert_uniform(&weights, "layer0.0.weight", 7 * 49); // not torchvision's: 7 channels
    assert_normal(&weights, "layer1.1.0.conv1.weight", 64 * 9);
    assert_normal(&weights, "layer2.0.conv1.weight", 128 * 9);
    assert_normal(&weights, "layer2.0.downsample.0.weight", 128);
    assert_normal(&weights, "layer4.1.conv2.weight", 512 * 9);
    assert_uniform(&weights, "layer3_1x1.0.weight", 256);
    assert_uniform(&weights, "layer3_1x1.0.bias", 256);
    assert_uniform(&weights, "conv_up3.0.weight", 768 * 9);
    assert_uniform(&weights, "conv_up3.0.bias", 768 * 9);
    assert_uniform(&weights, "conv_original_size0.0.weight", 7 * 9);
    assert_uniform(&weights, "conv_last.weight", 64);
    assert_constant(&weights, "layer0.1.weight", 1);
    assert_constant(&weights, "layer0.1.bias", 0);
    assert_constant(&weights, "layer2.0.downsample.1.running_mean", 0);
    assert_constant(&weights, "layer2.0.downsample.1.running_var", 1);
    const struct named_tensor *batches = tensors_find(&weights, "layer4.1.bn2.num_batches_tracked");
    assert_int_equal(batches->rank, 0);
    assert_int_equal(*(int64_t *)batches->values, 0);
    tensors_free(&weights);
    graph_destroy(&graph);
}

static void test_three_channels(void **state)
{
    (void)state;
    struct graph *graph = network(3);
    struct tensors weights;
    weights_initial(graph, random_stream(1, 2, 3, RANDOM_WEIGHTS), &weights);
    assert_normal(&weights, "layer0.0.weight", 64 * 49);
    tensors_free(&weights);
    graph_destroy(&graph);
}

static void test_streams(void **state)
{
    (void)state;
    struct graph *graph = network(2);
    struct tensors weights[3];
    for (int i = 0; i < 3; i++)
        weights_initial(graph, random_stream(1, 2, i == 2, RANDOM_WEIGHTS), &weights[i]);
    const struct named_tensor *a[3];
    for (int i = 0; i < 3; i++)
        a[i] = tensors_find(&weights[i], "layer0.0.weight");
    assert_memory_equal(a[0]->values, a[1]->values, a[0]->count * sizeof(float));
    assert_memory_not_equal(a[0]->values, a[2]->values, a[0]->count * sizeof(float));
    for (int i = 0; i < 3; i++)
        tensors_free(&weights[i]);
    graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_three_channels),
        cmocka_unit_test(test_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
