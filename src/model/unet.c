// SPDX-License-Identifier: MIT
// The U-Net (Ronneberger et al. 2015) with a ResNet encoder (He et al. 2016). Layers are appended
// in the order of the PyTorch module's members, so BLOCK_STATE has the order of its state_dict. The
// two full-size layers come late because their outputs are the largest tensors: the later they are
// made, the shorter they live.
#include "vkgrid/model/unet.h"
#include "vkgrid/base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAGES 4

static const struct {
    const char *name;
    int blocks[STAGES];
} base_models[] = {
    [RESNET18] = {"resnet18", {2, 2, 2, 2}},
    [RESNET34] = {"resnet34", {3, 4, 6, 3}},
};

bool base_model_parse(const char *text, enum base_model *base_model)
{
    for (size_t i = 0; i < sizeof(base_models) / sizeof(base_models[0]); i++) {
        if (strcmp(text, base_models[i].name) == 0) {
            *base_model = (enum base_model)i;
            return true;
        }
    }
    return false;
}

const char *base_model_name(enum base_model base_model)
{
    return base_models[base_model].name;
}

// A layer that is a Sequential(convolution, ReLU): its convolution is "<name>.0".
static int conv_relu(struct graph *graph, const char *name, int x, int channels, int kernel)
{
    char *conv = text_format("%s.0", name);
    const int y = graph_relu(graph, graph_conv(graph, conv, x, channels, kernel, 1, true));
    free(conv);
    return y;
}

// "<block>.<conv>" without bias, then "<block>.<norm>".
static int conv_norm(struct graph *graph, const char *block, const char *conv, const char *norm,
                     int x, int channels, int kernel, int stride)
{
    char *conv_name = text_format("%s.%s", block, conv);
    char *norm_name = text_format("%s.%s", block, norm);
    const int y = graph_conv(graph, conv_name, x, channels, kernel, stride, false);
    const int z = graph_batch_norm(graph, norm_name, y);
    free(conv_name);
    free(norm_name);
    return z;
}

static int basic_block(struct graph *graph, const char *name, int x, int channels, int stride)
{
    int y = conv_norm(graph, name, "conv1", "bn1", x, channels, 3, stride);
    y = conv_norm(graph, name, "conv2", "bn2", graph_relu(graph, y), channels, 3, 1);
    const bool same_shape = stride == 1 && graph->tensors[x].channels == channels;
    const int shortcut =
        same_shape ? x
                   : conv_norm(graph, name, "downsample.0", "downsample.1", x, channels, 1, stride);
    return graph_relu(graph, graph_add(graph, y, shortcut));
}

// ResNet stage 1 to 4. The first stage is second in layer1, after the max-pool, hence its
// longer name.
static int resnet_stage(struct graph *graph, enum base_model base_model, int stage, int x)
{
    const int channels = 32 << stage;
    for (int i = 0; i < base_models[base_model].blocks[stage - 1]; i++) {
        char *name =
            stage == 1 ? text_format("layer1.1.%d", i) : text_format("layer%d.%d", stage, i);
        x = basic_block(graph, name, x, channels, stage > 1 && i == 0 ? 2 : 1);
        free(name);
    }
    return x;
}

// Twice the size, joined with the encoder's output of that size.
static int join(struct graph *graph, int below, int skip)
{
    return graph_concat(graph, graph_upsample(graph, below), skip);
}

int unet_forward(struct graph *graph, enum base_model base_model, int x, int labels)
{
    assert(graph->tensors[x].rows % 32 == 0 && graph->tensors[x].cols % 32 == 0);
    int skip[STAGES + 1]; // layer0_1x1 ... layer4_1x1
    int y = x;
    for (int i = 0; i <= STAGES; i++) {
        if (i == 0)
            y = graph_relu(graph, conv_norm(graph, "layer0", "0", "1", y, 64, 7, 2));
        else if (i == 1)
            y = resnet_stage(graph, base_model, 1, graph_max_pool(graph, y, 3, 2));
        else
            y = resnet_stage(graph, base_model, i, y);
        char *name = text_format("layer%d_1x1", i);
        skip[i] = conv_relu(graph, name, y, graph->tensors[y].channels, 1);
        free(name);
    }
    y = conv_relu(graph, "conv_up3", join(graph, skip[4], skip[3]), 512, 3);
    y = conv_relu(graph, "conv_up2", join(graph, y, skip[2]), 256, 3);
    y = conv_relu(graph, "conv_up1", join(graph, y, skip[1]), 256, 3);
    y = conv_relu(graph, "conv_up0", join(graph, y, skip[0]), 128, 3);

    int original = conv_relu(graph, "conv_original_size0", x, 64, 3);
    original = conv_relu(graph, "conv_original_size1", original, 64, 3);
    y = conv_relu(graph, "conv_original_size2", join(graph, y, original), 64, 3);

    const int logits = graph_conv(graph, "conv_last", y, labels, 1, 1, true);
    struct tensor *tensor = &graph->tensors[logits];
    char *name = text_format("logits%s", strchr(tensor->name, '@'));
    strcpy(tensor->name, name); // shorter than the name it replaces
    free(name);
    tensor->output = true;
    return logits;
}
