// SPDX-License-Identifier: MIT
// Initial weights. ResNet: torchvision/models/resnet.py (He et al. 2015: kaiming normal,
// fan-out). Everything else: torch/nn/modules/conv.py (kaiming uniform with a = sqrt 5, which is
// uniform in +-1/sqrt(fan-in)).
#include "model/state.h"
#include "vkgrid/base/memory.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// "layer<digit>.": a part of the ResNet, unlike "layer<digit>_1x1.".
static bool in_resnet(const char *name)
{
    return strncmp(name, "layer", 5) == 0 && isdigit((unsigned char)name[5]) && name[6] == '.';
}

// The tensor of the same layer whose last part of the name is `part`, or NULL.
static const struct named_tensor *sibling(const struct tensors *weights, const char *name,
                                          const char *part)
{
    char *other = text_format("%.*s.%s", (int)(strrchr(name, '.') - name), name, part);
    const struct named_tensor *tensor = tensors_find(weights, other);
    free(other);
    return tensor;
}

static void fill(struct named_tensor *tensor, float value)
{
    for (size_t i = 0; i < tensor->count; i++)
        ((float *)tensor->values)[i] = value;
}

static void fill_uniform(struct named_tensor *tensor, double bound, struct random *random)
{
    for (size_t i = 0; i < tensor->count; i++)
        ((float *)tensor->values)[i] = (float)(bound * (2 * random_uniform(random) - 1));
}

static void fill_normal(struct named_tensor *tensor, double deviation, struct random *random)
{
    for (size_t i = 0; i < tensor->count; i++)
        ((float *)tensor->values)[i] = (float)(deviation * random_normal(random));
}

static void initialise_conv(const struct tensors *weights, struct named_tensor *tensor,
                            struct random *random)
{
    const struct named_tensor *kernel = sibling(weights, tensor->name, "weight");
    const double taps = (double)(kernel->dims[2] * kernel->dims[3]);
    const double fan_out = (double)kernel->dims[0] * taps;
    const double fan_in = (double)kernel->dims[1] * taps;
    const bool replaced = strncmp(tensor->name, "layer0.0.", 9) == 0 && kernel->dims[1] != 3;
    if (in_resnet(tensor->name) && !replaced)
        fill_normal(tensor, sqrt(2 / fan_out), random);
    else
        fill_uniform(tensor, 1 / sqrt(fan_in), random);
}

void weights_initial(const struct graph *graph, struct random random, struct tensors *weights)
{
    weights_zero(graph, weights);
    for (int i = 0; i < weights->count; i++) {
        struct named_tensor *tensor = &weights->items[i];
        if (!sibling(weights, tensor->name, "running_var"))
            initialise_conv(weights, tensor, &random);
        else if (name_stem(tensor->name, ".weight") || name_stem(tensor->name, ".running_var"))
            fill(tensor, 1);
    }
}
