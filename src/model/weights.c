// SPDX-License-Identifier: MIT
// Weight files, and the way between them and a slot.
#include "model/state.h"
#include "model/weights_file.h"
#include "model/weights_kind.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t name_stem(const char *name, const char *end)
{
    const size_t length = strlen(name), end_length = strlen(end);
    const bool ends = length >= end_length && strcmp(name + length - end_length, end) == 0;
    return ends ? length - end_length : 0;
}

void weights_zero(const struct graph *graph, struct tensors *weights)
{
    *weights = (struct tensors){0};
    for (int i = 0; i < graph->tensor_count; i++) {
        const struct tensor *tensor = &graph->tensors[i];
        if (tensor->block != BLOCK_STATE)
            continue;
        int64_t dims[4];
        for (int k = 0; k < tensor->rank; k++)
            dims[k] = tensor->dims[k];
        tensors_add(weights, tensor->name, TENSOR_FLOAT, tensor->rank, dims);

        const size_t layer = name_stem(tensor->name, ".running_var");
        if (layer > 0) {
            char *name = text_format("%.*s.num_batches_tracked", (int)layer, tensor->name);
            tensors_add(weights, name, TENSOR_INT, 0, NULL);
            free(name);
        }
    }
}

// "[64, 7, 3, 3]". The caller frees it.
static char *shape_text(const struct named_tensor *tensor)
{
    struct text text = {0};
    text_add(&text, "[");
    for (int i = 0; i < tensor->rank; i++)
        text_add(&text, "%s%lld", i > 0 ? ", " : "", (long long)tensor->dims[i]);
    text_add(&text, "]");
    return text.bytes;
}

static bool check_shape(const struct named_tensor *wanted, const struct named_tensor *found)
{
    if (wanted->rank == found->rank &&
        memcmp(wanted->dims, found->dims, (size_t)wanted->rank * sizeof(*wanted->dims)) == 0)
        return true;
    char *wanted_shape = shape_text(wanted), *found_shape = shape_text(found);
    error_set("tensor %s has the shape %s, the network needs %s", found->name, found_shape,
              wanted_shape);
    free(wanted_shape);
    free(found_shape);
    return false;
}

// Takes the values of a tensor of a file.
static bool take(struct named_tensor *wanted, const struct named_tensor *found)
{
    if (!check_shape(wanted, found))
        return false;
    if (wanted->type != found->type)
        return error_set("tensor %s must hold %s", found->name,
                         wanted->type == TENSOR_FLOAT ? "floating-point numbers" : "integers");
    if (wanted->type == TENSOR_FLOAT) {
        const float *values = found->values;
        for (size_t i = 0; i < found->count; i++)
            if (!isfinite(values[i]))
                return error_set("tensor %s: element %zu is not finite", found->name, i);
    }
    const size_t size = wanted->type == TENSOR_FLOAT ? sizeof(float) : sizeof(int64_t);
    memcpy(wanted->values, found->values, wanted->count * size);
    return true;
}

// The name in the file of one of the network's tensors; written to `name`. False: not taken from
// the file.
typedef bool name_in_file(const struct named_tensor *tensor, char name[128]);

// Fills `weights` from the tensors of a file.
static bool take_all(struct tensors *weights, const struct tensors *file, name_in_file *name_of)
{
    for (int i = 0; i < weights->count; i++) {
        struct named_tensor *wanted = &weights->items[i];
        char name[sizeof(wanted->name)];
        if (!name_of(wanted, name))
            continue;
        const struct named_tensor *found = tensors_find(file, name);
        if (found && !take(wanted, found))
            return false;
        if (!found && wanted->type == TENSOR_INT) // older versions of PyTorch do not write it
            *(int64_t *)wanted->values = 0;
        else if (!found)
            return error_set("tensor %s is missing", name);
    }
    return true;
}

static bool same_name(const struct named_tensor *tensor, char name[128])
{
    snprintf(name, 128, "%s", tensor->name);
    return true;
}

// The graph of a U-Net of images of any size: no weight's shape depends on it.
static struct graph *network(enum base_model base_model, int features, int labels)
{
    struct unet_tensors tensors;
    const struct unet_shape shape = {
        .base_model = base_model,
        .rows = 32,
        .cols = 32,
        .features = features,
        .labels = labels,
        .count = 1,
        .batch_size = 1,
    };
    return unet_prediction_graph(&shape, &tensors);
}

// The network that a list of the graph's tensors belongs to.
static struct weights_kind kind_of(const struct tensors *weights)
{
    const struct weights_kind kind = weights_kind_of(weights);
    assert(kind.owner == OWNER_UNET && kind.known);
    return kind;
}

static bool take_unet(const struct tensors *file, struct tensors *weights)
{
    const struct weights_kind wanted = kind_of(weights), found = weights_kind_of(file);
    if (!weights_kind_is_unet(&found, wanted.base_model, wanted.features, wanted.labels) ||
        !take_all(weights, file, same_name))
        return false;
    for (int i = 0; i < file->count; i++)
        if (!tensors_find(weights, file->items[i].name))
            return error_set("tensor %s is not part of the network", file->items[i].name);
    return true;
}

static bool read_noting(const char *path, const struct graph *graph, struct tensors *weights,
                        char **note)
{
    struct tensors file = {0};
    weights_zero(graph, weights);
    if (!weights_read_any(path, &file, note)) { // names the file
        tensors_free(weights);
        return false;
    }
    const bool taken = take_unet(&file, weights);
    tensors_free(&file);
    if (taken)
        return true;
    free(*note);
    *note = NULL;
    tensors_free(weights);
    return error_prefix("%s", path);
}

bool weights_read(const char *path, const struct graph *graph, struct tensors *weights)
{
    char *note;
    const bool read = read_noting(path, graph, weights, &note);
    free(note);
    return read;
}

bool weights_load_unet(const char *path, enum base_model base_model, int features, int labels,
                       struct tensors *weights, char **note)
{
    struct graph *graph = network(base_model, features, labels);
    const bool read = read_noting(path, graph, weights, note);
    graph_destroy(&graph);
    return read;
}

bool weights_read_unet(const char *path, enum base_model base_model, int features, int labels,
                       struct tensors *weights)
{
    char *note;
    const bool read = weights_load_unet(path, base_model, features, labels, weights, &note);
    free(note);
    return read;
}

bool weights_take(const struct graph *graph, const struct tensors *from, struct tensors *weights)
{
    weights_zero(graph, weights);
    if (take_all(weights, from, same_name))
        return true;
    tensors_free(weights);
    return false;
}

bool weights_write(const char *path, const struct tensors *weights, const char *const *metadata)
{
    return safetensors_write(path, weights, metadata);
}

// torchvision's name of a tensor of the encoder: layer0 is conv1 and bn1, layer1.1 is layer1.
static bool torchvision_name(const struct named_tensor *tensor, char name[128])
{
    static const char *const prefixes[][2] = {
        {"layer0.0.", "conv1."}, {"layer0.1.", "bn1."},  {"layer1.1.", "layer1."},
        {"layer2.", "layer2."},  {"layer3.", "layer3."}, {"layer4.", "layer4."},
    };
    if (strcmp(tensor->name, "layer0.0.weight") == 0 && tensor->dims[1] != 3)
        return false;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        const size_t length = strlen(prefixes[i][0]);
        if (strncmp(tensor->name, prefixes[i][0], length) == 0) {
            snprintf(name, 128, "%s%s", prefixes[i][1], tensor->name + length);
            return true;
        }
    }
    return false;
}

// Whether a tensor of a torchvision file belongs to this ResNet.
static bool in_encoder(const struct tensors *weights, const char *file_name)
{
    if (strncmp(file_name, "fc.", 3) == 0 || strcmp(file_name, "conv1.weight") == 0)
        return true; // ignored, or taken when F is 3
    for (int i = 0; i < weights->count; i++) {
        char name[sizeof(weights->items[i].name)];
        if (torchvision_name(&weights->items[i], name) && strcmp(name, file_name) == 0)
            return true;
    }
    return false;
}

static bool take_encoder(const struct tensors *file, struct tensors *weights)
{
    const struct weights_kind wanted = kind_of(weights), found = weights_kind_of(file);
    if (!weights_kind_is_encoder(&found, wanted.base_model))
        return false;
    for (int i = 0; i < file->count; i++)
        if (!in_encoder(weights, file->items[i].name))
            return error_set("tensor %s is not part of the encoder", file->items[i].name);
    return take_all(weights, file, torchvision_name);
}

static bool pretrained_noting(const char *path, struct tensors *weights, char **note)
{
    struct tensors file = {0};
    if (!weights_read_any(path, &file, note))
        return false;
    weights_file_encoder(&file, note);
    const bool taken = take_encoder(&file, weights);
    tensors_free(&file);
    if (taken)
        return true;
    free(*note);
    *note = NULL;
    return error_prefix("%s", path);
}

bool weights_pretrained(const char *path, const struct graph *graph, struct tensors *weights)
{
    char *note;
    (void)graph;
    const bool taken = pretrained_noting(path, weights, &note);
    free(note);
    return taken;
}

bool weights_check_pretrained(const char *path, enum base_model base_model, int features,
                              char **note)
{
    struct graph *graph = network(base_model, features, 1);
    struct tensors weights;
    weights_zero(graph, &weights);
    const bool taken = pretrained_noting(path, &weights, note);
    tensors_free(&weights);
    graph_destroy(&graph);
    return taken;
}

bool weights_upload(struct program *program, const struct graph *graph, enum block block, int slot,
                    const struct tensors *weights)
{
    for (int i = 0; i < graph->tensor_count; i++) {
        const struct tensor *tensor = &graph->tensors[i];
        if (tensor->block != BLOCK_STATE)
            continue;
        const struct named_tensor *named = tensors_find(weights, tensor->name);
        if (!named || named->type != TENSOR_FLOAT || named->count != tensor->count)
            return error_set("weights: %s is missing or has another size", tensor->name);
        if (!(block == BLOCK_STATE
                  ? program_write(program, i, slot, 0, tensor->count, named->values)
                  : program_write_block(program, block, i, slot, named->values)))
            return false;
    }
    return true;
}

bool weights_download(struct program *program, const struct graph *graph, enum block block,
                      int slot, int64_t batches, struct tensors *weights)
{
    weights_zero(graph, weights);
    for (int i = 0; i < weights->count; i++) {
        struct named_tensor *named = &weights->items[i];
        if (named->type == TENSOR_INT) {
            *(int64_t *)named->values = batches;
            continue;
        }
        const int tensor = graph_find(graph, named->name);
        const bool read = block == BLOCK_STATE
                              ? program_read(program, tensor, slot, 0, named->count, named->values)
                              : program_read_block(program, block, tensor, slot, named->values);
        if (!read) {
            tensors_free(weights);
            return false;
        }
    }
    return true;
}
