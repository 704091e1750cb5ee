// SPDX-License-Identifier: MIT
// The state of one slot on the host: every tensor of BLOCK_STATE under PyTorch's name and in its
// layout, and num_batches_tracked of every batch norm.
#pragma once

#include "vkgrid/engine/engine.h"
#include "vkgrid/base/random.h"
#include "vkgrid/formats/tensors.h"
#include "vkgrid/model/unet.h"

// Fresh weights as PyTorch's initialisation draws them (spec.md section 3): torchvision's for
// layer0.* (except that layer0.0 gets PyTorch's default when F is not 3) to layer4.*, PyTorch's
// default for everything else.
void weights_initial(const struct graph *graph, struct random random, struct tensors *weights);

// Reads a .safetensors file, or a torch.save one, for this graph: every tensor must be there with
// its shape, none may be left over (num_batches_tracked may be missing: 0), all values finite.
// Errors name the tensor and both shapes.
bool weights_read(const char *path, const struct graph *graph, struct tensors *weights);

// The same for a U-Net of images of any size. Fails as weights_read() does.
bool weights_read_unet(const char *path, enum base_model base_model, int features, int labels,
                       struct tensors *weights);

// The weights of this graph out of a list that may hold more. Fails as weights_read() does.
bool weights_take(const struct graph *graph, const struct tensors *from, struct tensors *weights);

// Writes .safetensors that load_state_dict(strict=True) takes.
bool weights_write(const char *path, const struct tensors *weights, const char *const *metadata);

// Replaces the encoder (layer0.0 when F is 3, layer0.1, layer1 ... layer4) by that of a torchvision
// ResNet state file (names conv1.weight, bn1.*, layer1.0.conv1.weight, ...; fc.* is ignored).
bool weights_pretrained(const char *path, const struct graph *graph, struct tensors *weights);

// Between host and slot. batches: what num_batches_tracked becomes (download) for every batch norm.
// block: BLOCK_STATE or BLOCK_BEST. Tensors that are not part of the network are ignored.
bool weights_upload(struct program *program, const struct graph *graph, enum block block, int slot,
                    const struct tensors *weights);
bool weights_download(struct program *program, const struct graph *graph, enum block block,
                      int slot, int64_t batches, struct tensors *weights);
