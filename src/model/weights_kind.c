// SPDX-License-Identifier: MIT
#include "model/weights_kind.h"

#include "vkgrid/base/error.h"

#include <stdio.h>

static bool has(const struct tensors *tensors, const char *prefix, const char *name)
{
    char full[64];
    snprintf(full, sizeof(full), "%s%s", prefix, name);
    return tensors_find(tensors, full);
}

// The first stage has two blocks in a ResNet-18, three in a ResNet-34, and blocks of three
// convolutions in deeper ones.
static void find_depth(const struct tensors *tensors, const char *stage, struct weights_kind *kind)
{
    kind->known = !has(tensors, stage, "0.conv3.weight");
    kind->base_model = has(tensors, stage, "2.conv1.weight") ? RESNET34 : RESNET18;
}

struct weights_kind weights_kind_of(const struct tensors *tensors)
{
    struct weights_kind kind = {0};
    const struct named_tensor *first = tensors_find(tensors, "layer0.0.weight"),
                              *last = tensors_find(tensors, "conv_last.weight");
    if (first && last && first->rank == 4 && last->rank == 4) {
        kind.owner = OWNER_UNET;
        kind.features = first->dims[1];
        kind.labels = last->dims[0];
        find_depth(tensors, "layer1.1.", &kind);
    } else if (has(tensors, "", "conv1.weight") && has(tensors, "", "layer1.0.conv1.weight")) {
        kind.owner = OWNER_RESNET;
        find_depth(tensors, "layer1.", &kind);
    }
    return kind;
}

const char *weights_kind_words(const struct weights_kind *kind)
{
    if (!kind->known)
        return "deeper ResNet's";
    return kind->base_model == RESNET34 ? "ResNet-34's" : "ResNet-18's";
}

static bool is_base_model(const struct weights_kind *kind, enum base_model base_model)
{
    return (kind->known && kind->base_model == base_model) ||
           error_set("these are a %s weights, but base_model is %s", weights_kind_words(kind),
                     base_model_name(base_model));
}

bool weights_kind_is_unet(const struct weights_kind *kind, enum base_model base_model,
                          int64_t features, int64_t labels)
{
    if (kind->owner == OWNER_RESNET)
        return error_set(
            "these are a %s weights, of an encoder alone: \"pretrained\" takes them, "
            "here those of a whole U-Net are wanted",
            weights_kind_words(kind));
    if (kind->owner == OWNER_OTHER)
        return true; // the first tensor that is missing says more
    if (!is_base_model(kind, base_model))
        return false;
    return (kind->features == features && kind->labels == labels) ||
           error_set(
               "weights for %lld features and %lld labels, but %lld features and %lld labels "
               "are wanted",
               (long long)kind->features, (long long)kind->labels, (long long)features,
               (long long)labels);
}

bool weights_kind_is_encoder(const struct weights_kind *kind, enum base_model base_model)
{
    if (kind->owner == OWNER_UNET)
        return error_set(
            "these are a whole U-Net's weights (its encoder is a %s): train --init "
            "takes them, \"pretrained\" those of a torchvision ResNet",
            weights_kind_words(kind));
    return kind->owner == OWNER_OTHER || is_base_model(kind, base_model);
}
