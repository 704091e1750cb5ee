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

// Fails unless the file looks like one of weights: by its first bytes.
bool weights_file_check(const char *path);

// Reads a safetensors file or one of torch.save, which their contents tell apart; of a checkpoint
// its state dict; the names without prefixes that all of them have ("module.", "model.", ...).
// *note: what was taken, left out or dropped ("taken from ["state_dict"]; left out: epoch"), or
// NULL; the caller frees it. Errors name the file.
bool weights_read_any(const char *path, struct tensors *tensors, char **note);

// Reads such a file for this graph: every tensor must be there with its shape, none may be left
// over (num_batches_tracked may be missing: 0), all values finite. Errors say whose weights they
// are, or name the tensor and both shapes.
bool weights_read(const char *path, const struct graph *graph, struct tensors *weights);

// The same for a U-Net of images of any size. Fails as weights_read() does.
bool weights_read_unet(const char *path, enum base_model base_model, int features, int labels,
                       struct tensors *weights);

// The same with the note of weights_read_any().
bool weights_load_unet(const char *path, enum base_model base_model, int features, int labels,
                       struct tensors *weights, char **note);

// The weights of this graph out of a list that may hold more. Fails as weights_read() does.
bool weights_take(const struct graph *graph, const struct tensors *from, struct tensors *weights);

// Writes .safetensors that load_state_dict(strict=True) takes.
bool weights_write(const char *path, const struct tensors *weights, const char *const *metadata);

// Replaces the encoder (layer0.0 when F is 3, layer0.1, layer1 ... layer4) by that of a torchvision
// ResNet state file (names conv1.weight, bn1.*, layer1.0.conv1.weight, ...; fc.* is ignored), which
// is read as above; of a larger network it may be the part "encoder." or "backbone.".
bool weights_pretrained(const char *path, const struct graph *graph, struct tensors *weights);

// Whether that would succeed for a network of so many features; *note as above.
bool weights_check_pretrained(const char *path, enum base_model base_model, int features,
                              char **note);

// Between host and slot. batches: what num_batches_tracked becomes (download) for every batch norm.
// block: BLOCK_STATE or BLOCK_BEST. Tensors that are not part of the network are ignored.
bool weights_upload(struct program *program, const struct graph *graph, enum block block, int slot,
                    const struct tensors *weights);
bool weights_download(struct program *program, const struct graph *graph, enum block block,
                      int slot, int64_t batches, struct tensors *weights);
