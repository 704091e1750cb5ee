// SPDX-License-Identifier: MIT
// Weight files: written, read back, exchanged with PyTorch, and refused.
#include "tests/test.h"
#include "tests/hash_weights.h"
#include "tests/model/support.h"
#include "vkgrid/base/error.h"
#include "vkgrid/model/unet.h"
#include "vkgrid/model/weights.h"

#include <stdlib.h>
#include <unistd.h>

static struct graph *network(enum base_model base_model, int features, int labels)
{
    struct unet_tensors tensors;
    return unet_prediction_graph(&(struct unet_shape){.base_model = base_model,
                                                      .rows = 32,
                                                      .cols = 32,
                                                      .features = features,
                                                      .labels = labels,
                                                      .count = 1,
                                                      .batch_size = 1},
                                 &tensors);
}

static struct tensors initial(const struct graph *graph)
{
    struct tensors weights;
    weights_initial(graph, random_stream(5, 0, 0, RANDOM_WEIGHTS), &weights);
    return weights;
}

// A file with these weights. The caller frees the name and removes the file.
static char *written(const struct tensors *weights)
{
    char *path = process_path("weights.safetensors");
    assert_true(weights_write(path, weights, NULL));
    return path;
}

static void discard(char *path)
{
    unlink(path);
    free(path);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct graph *graph = network(RESNET18, 4, 2);
    struct tensors weights = initial(graph), again;
    *(int64_t *)tensors_find(&weights, "layer0.1.num_batches_tracked")->values = 77;
    char *path = written(&weights);
    assert_true(weights_read(path, graph, &again));
    assert_int_equal(weights.count, again.count);
    for (int i = 0; i < weights.count; i++) {
        const struct named_tensor *a = &weights.items[i], *b = &again.items[i];
        assert_string_equal(a->name, b->name);
        assert_int_equal(a->count, b->count);
        const size_t size = a->type == TENSOR_INT ? sizeof(int64_t) : sizeof(float);
        assert_memory_equal(a->values, b->values, a->count * size);
    }
    tensors_free(&weights);
    tensors_free(&again);
    discard(path);
    graph_destroy(&graph);
}

static void assert_refused(const char *path, const struct graph *graph, const char *part)
{
    struct tensors weights;
    assert_false(weights_read(path, graph, &weights));
    assert_int_equal(weights.count, 0);
    assert_error(part);
    assert_non_null(strstr(error_text(), path));
}

// A file of this network does not fit another.
static void test_other_architecture(void **state)
{
    (void)state;
    struct graph *mine = network(RESNET18, 4, 2), *labels = network(RESNET18, 4, 5),
                 *features = network(RESNET18, 14, 2), *deeper = network(RESNET34, 4, 2);
    struct tensors weights = initial(mine), deep = initial(deeper);
    char *path = written(&weights);
    assert_refused(path, labels,
                   "tensor conv_last.weight has the shape [2, 64, 1, 1], the network needs "
                   "[5, 64, 1, 1]");
    assert_refused(path, features,
                   "tensor layer0.0.weight has the shape [64, 4, 7, 7], the network needs "
                   "[64, 14, 7, 7]");
    assert_refused(path, deeper, "tensor layer1.1.2.conv1.weight is missing");
    assert_true(weights_write(path, &deep, NULL));
    assert_refused(path, mine, "tensor layer1.1.2.conv1.weight is not part of the network");
    tensors_free(&weights);
    tensors_free(&deep);
    discard(path);
    graph_destroy(&mine);
    graph_destroy(&labels);
    graph_destroy(&features);
    graph_destroy(&deeper);
}

static void test_bad_values(void **state)
{
    (void)state;
    struct graph *graph = network(RESNET18, 4, 2);
    struct tensors weights = initial(graph);
    float *values = tensors_find(&weights, "conv_up1.0.bias")->values;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        values[10] = bad[i];
        char *path = written(&weights);
        assert_refused(path, graph, "tensor conv_up1.0.bias: element 10 is not finite");
        discard(path);
    }
    tensors_free(&weights);
    graph_destroy(&graph);
}

static void test_no_file(void **state)
{
    (void)state;
    struct graph *graph = network(RESNET18, 4, 2);
    assert_refused("does-not-exist.safetensors", graph, "does-not-exist.safetensors");
    assert_refused("does-not-exist.pt", graph, "does-not-exist.pt");
    graph_destroy(&graph);
}

static void need_oracle(void)
{
    if (!oracle_available())
        SKIP_TEST("PyTorch is not here to judge");
}

static void test_pytorch_takes_ours(void **state)
{
    (void)state;
    need_oracle();
    for (int i = 0; i < 2; i++) {
        struct graph *graph = network(i ? RESNET34 : RESNET18, i ? 3 : 7, i ? 1 : 5);
        struct tensors weights = initial(graph);
        char *path = written(&weights);
        assert_true(
            oracle_run((const char *[]){"state_dict.py", "check", i ? "resnet34" : "resnet18",
                                        i ? "3" : "7", i ? "1" : "5", path, NULL}));
        tensors_free(&weights);
        discard(path);
        graph_destroy(&graph);
    }
}

// Whether a tensor has the hash's values of another name.
static void assert_hashed(const struct named_tensor *tensor, const char *name)
{
    struct tensor as = {.rank = tensor->rank, .count = tensor->count};
    strcpy(as.name, name);
    for (int i = 0; i < tensor->rank && i < 4; i++)
        as.dims[i] = (int)tensor->dims[i];
    float *expected = calloc(tensor->count, sizeof(float));
    hash_state(&as, 1, expected);
    assert_memory_equal(tensor->values, expected, tensor->count * sizeof(float));
    free(expected);
}

static void test_we_take_pytorchs(void **state)
{
    (void)state;
    need_oracle();
    struct graph *graph = network(RESNET18, 7, 3);
    struct tensors weights;
    char *path = process_path("state.pt");
    assert_true(
        oracle_run((const char *[]){"state_dict.py", "save", "resnet18", "7", "3", path, NULL}));
    must(weights_read(path, graph, &weights));
    for (int i = 0; i < weights.count; i++) {
        const struct named_tensor *tensor = &weights.items[i];
        if (tensor->type == TENSOR_FLOAT)
            assert_hashed(tensor, tensor->name);
        else
            assert_int_equal(*(int64_t *)tensor->values, 12);
    }
    tensors_free(&weights);
    discard(path);
    graph_destroy(&graph);
}

static void test_pretrained(void **state)
{
    (void)state;
    need_oracle();
    char *path = process_path("encoder.pth");
    assert_true(oracle_run((const char *[]){"state_dict.py", "encoder", "resnet18", path, NULL}));
    for (int features = 3; features <= 7; features += 4) {
        struct graph *graph = network(RESNET18, features, 2);
        struct tensors weights = initial(graph), before = initial(graph);
        must(weights_pretrained(path, graph, &weights));
        const struct named_tensor *first = tensors_find(&weights, "layer0.0.weight");
        const struct named_tensor *up = tensors_find(&weights, "conv_up3.0.weight");
        if (features == 3)
            assert_hashed(first, "conv1.weight");
        else
            assert_memory_equal(first->values, tensors_find(&before, "layer0.0.weight")->values,
                                first->count * sizeof(float));
        assert_hashed(tensors_find(&weights, "layer0.1.running_var"), "bn1.running_var");
        assert_hashed(tensors_find(&weights, "layer1.1.1.conv2.weight"), "layer1.1.conv2.weight");
        assert_hashed(tensors_find(&weights, "layer4.0.downsample.1.bias"),
                      "layer4.0.downsample.1.bias");
        assert_memory_equal(up->values, tensors_find(&before, "conv_up3.0.weight")->values,
                            up->count * sizeof(float));
        tensors_free(&weights);
        tensors_free(&before);
        graph_destroy(&graph);
    }
    struct graph *deeper = network(RESNET34, 3, 2);
    struct tensors weights = initial(deeper);
    assert_false(weights_pretrained(path, deeper, &weights));
    assert_non_null(strstr(error_text(), "tensor layer1.2.conv1.weight is missing"));
    tensors_free(&weights);
    graph_destroy(&deeper);
    discard(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),         cmocka_unit_test(test_other_architecture),
        cmocka_unit_test(test_bad_values),         cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_pytorch_takes_ours), cmocka_unit_test(test_we_take_pytorchs),
        cmocka_unit_test(test_pretrained),
    };
    return RUN_TESTS(tests, NULL, NULL);
}
