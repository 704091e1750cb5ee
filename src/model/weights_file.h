// SPDX-License-Identifier: MIT
// Weight files as people have them.
#pragma once

#include "vkgrid/formats/tensors.h"

// Reads a safetensors file or one of torch.save, which their contents tell apart; the state dict of
// a checkpoint; names without what wrappers of a network put before all of them. *note: what was
// taken, left out or dropped, or NULL; the caller frees it. Errors name the file.
bool weights_file_read(const char *path, struct tensors *tensors, char **note);

// Of a network that has a ResNet as a part ("encoder.conv1.weight", ...): only that part, without
// the prefix. *note grows.
void weights_file_encoder(struct tensors *tensors, char **note);
