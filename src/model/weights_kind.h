// SPDX-License-Identifier: MIT
// Whose weights a list of tensors is, by the names of telling ones.
#pragma once

#include "vkgrid/formats/tensors.h"
#include "vkgrid/model/unet.h"

enum weights_owner {
    OWNER_OTHER,
    OWNER_RESNET, // torchvision's names: conv1.weight, layer1.0.conv1.weight, ...
    OWNER_UNET,   // ours: layer0.0.weight, ..., conv_last.bias
};

struct weights_kind {
    enum weights_owner owner;
    bool known; // base_model: one of ours, not a deeper ResNet
    enum base_model base_model;
    int64_t features, labels; // of a U-Net
};

struct weights_kind weights_kind_of(const struct tensors *tensors);

// "ResNet-34's", "deeper ResNet's".
const char *weights_kind_words(const struct weights_kind *kind);

// Fails when they are of another network than the one that is wanted: says whose they are.
bool weights_kind_is_unet(const struct weights_kind *kind, enum base_model base_model,
                          int64_t features, int64_t labels);
bool weights_kind_is_encoder(const struct weights_kind *kind, enum base_model base_model);
