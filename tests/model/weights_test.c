// SPDX-License-Identifier: MIT
// Weight files: written, read back, exchanged with PyTorch, and refused.
#include "tests/test.h"
#include "tests/hash_weights.h"
#include "tests/model/support.h"
#include "vkgrid/base/error.h"
#include "vkgrid/model/unet.h"
#include "vkgrid/model/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
                   "weights for 4 features and 2 labels, but 4 features and 5 labels are wanted");
    assert_refused(path, features,
                   "weights for 4 features and 2 labels, but 14 features and 2 labels are wanted");
    assert_refused(path, deeper, "these are a ResNet-18's weights, but base_model is resnet34");
    assert_true(weights_write(path, &deep, NULL));
    assert_refused(path, mine, "these are a ResNet-34's weights, but base_model is resnet18");
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

// Puts a prefix before every name.
static void rename_all(struct tensors *weights, const char *prefix)
{
    for (int i = 0; i < weights->count; i++) {
        struct named_tensor *tensor = &weights->items[i];
        char name[sizeof(tensor->name)];
        strcpy(name, tensor->name);
        assert_in_range(snprintf(tensor->name, sizeof(tensor->name), "%s%s", prefix, name), 1,
                        sizeof(tensor->name) - 1);
    }
}

// A file is known by its content, and prefixes that all names have are dropped.
static void test_names(void **state)
{
    static const struct {
        const char *prefix, *note;
    } cases[] = {
        {"", NULL},
        {"module.", "\"module.\" dropped from all names"},
        {"_orig_mod.module.",
         "\"_orig_mod.\" dropped from all names; \"module.\" dropped from all names"},
        {"model.", "\"model.\" dropped from all names"},
    };
    (void)state;
    struct graph *graph = network(RESNET18, 4, 2);
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        struct tensors weights = initial(graph), again;
        const uint64_t hash = tensors_hash(&weights);
        char *path = process_path(i % 2 ? "weights.pt" : "weights.safetensors"), *note;
        rename_all(&weights, cases[i / 2].prefix);
        // Each under the other's name.
        must(i % 2 ? safetensors_write(path, &weights, NULL) : torch_write(path, &weights));
        must(weights_load_unet(path, RESNET18, 4, 2, &again, &note));
        assert_true(tensors_hash(&again) == hash);
        if (cases[i / 2].note)
            assert_string_equal(note, cases[i / 2].note);
        else
            assert_null(note);
        free(note);
        tensors_free(&again);
        tensors_free(&weights);
        discard(path);
    }
    graph_destroy(&graph);
}

// A prefix that not all names have is part of the names.
static void test_other_names(void **state)
{
    (void)state;
    struct graph *graph = network(RESNET18, 4, 2);
    struct tensors weights = initial(graph);
    rename_all(&weights, "module.");
    strcpy(weights.items[0].name, "layer0.0.weight");
    char *path = written(&weights);
    assert_refused(path, graph, "tensor layer0.1.weight is missing");
    tensors_free(&weights);
    discard(path);
    graph_destroy(&graph);
}

// The encoder of a list of a U-Net's tensors under torchvision's names.
static struct tensors encoder_of(const struct tensors *unet, const char *prefix)
{
    static const char *const names[][2] = {{"layer0.0.", "conv1."},  {"layer0.1.", "bn1."},
                                           {"layer1.1.", "layer1."}, {"layer2.", "layer2."},
                                           {"layer3.", "layer3."},   {"layer4.", "layer4."}};
    struct tensors encoder = {0};
    for (int i = 0; i < unet->count; i++) {
        const struct named_tensor *tensor = &unet->items[i];
        for (int k = 0; k < 6; k++) {
            char name[128];
            const size_t size = strlen(names[k][0]);
            if (strncmp(tensor->name, names[k][0], size) != 0)
                continue;
            snprintf(name, sizeof(name), "%s%s%s", prefix, names[k][1], tensor->name + size);
            memcpy(tensors_add(&encoder, name, tensor->type, tensor->rank, tensor->dims)->values,
                   tensor->values,
                   tensor->count * (tensor->type == TENSOR_INT ? sizeof(int64_t) : sizeof(float)));
        }
    }
    return encoder;
}

// Weights of an encoder: by themselves, as a part of a network, and other networks' in their place.
static void test_encoders(void **state)
{
    (void)state;
    struct graph *graph = network(RESNET34, 3, 2);
    struct tensors unet = initial(graph), encoder = encoder_of(&unet, ""),
                   part = encoder_of(&unet, "encoder.");
    char *path = written(&encoder), *note;
    must(weights_check_pretrained(path, RESNET34, 3, &note));
    assert_null(note);
    must(weights_check_pretrained(path, RESNET34, 7, &note));
    assert_false(weights_check_pretrained(path, RESNET18, 3, &note));
    assert_error(
        "weights.safetensors: these are a ResNet-34's weights, but base_model is resnet18");
    assert_null(note);
    assert_refused(path, graph, "these are a ResNet-34's weights, of an encoder alone");
    tensors_add(&encoder, "layer1.0.conv3.weight", TENSOR_FLOAT, 0, NULL);
    must(weights_write(path, &encoder, NULL));
    assert_false(weights_check_pretrained(path, RESNET34, 3, &note));
    assert_error("these are a deeper ResNet's weights, but base_model is resnet34");

    tensors_add(&part, "decoder.weight", TENSOR_FLOAT, 0, NULL);
    must(weights_write(path, &part, NULL));
    must(weights_check_pretrained(path, RESNET34, 3, &note));
    assert_string_equal(note, "taken from \"encoder.\", 1 tensors beside it left out");
    free(note);

    must(weights_write(path, &unet, NULL));
    assert_false(weights_check_pretrained(path, RESNET34, 3, &note));
    assert_error("these are a whole U-Net's weights (its encoder is a ResNet-34's)");
    tensors_free(&unet);
    tensors_free(&encoder);
    tensors_free(&part);
    discard(path);
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
    assert_error("encoder.pth: these are a ResNet-18's weights, but base_model is resnet34");
    assert_refused(path, deeper, "these are a ResNet-18's weights, of an encoder alone");
    tensors_free(&weights);
    graph_destroy(&deeper);
    discard(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_other_architecture),
        cmocka_unit_test(test_bad_values),       cmocka_unit_test(test_names),
        cmocka_unit_test(test_other_names),      cmocka_unit_test(test_encoders),
        cmocka_unit_test(test_no_file),          cmocka_unit_test(test_pytorch_takes_ours),
        cmocka_unit_test(test_we_take_pytorchs), cmocka_unit_test(test_pretrained),
    };
    return RUN_TESTS(tests, NULL, NULL);
}
