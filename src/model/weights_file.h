// SPDX-License-Identifier: MIT
// A part of a weights file.
#pragma once

#include "vkgrid/formats/tensors.h"

// Of a network that has a ResNet as a part ("encoder.conv1.weight", ...): only that part, without
// the prefix. *note grows.
void weights_file_encoder(struct tensors *tensors, char **note);
