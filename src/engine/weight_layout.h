// SPDX-License-Identifier: MIT
// Convolution weights, and what has their shape (gradients, moments), lie in a device's memory as
// [ky][kx][I][O]: the matrix that kernels multiply by. The host has them as PyTorch:
// [O][I][ky][kx].
#pragma once

#include "vkgrid/graph/graph.h"

// Whether the tensor is one of them.
bool weight_is_permuted(const struct tensor *tensor);
void weight_to_device(const struct tensor *tensor, const float *host, float *device);
void weight_to_host(const struct tensor *tensor, const float *device, float *host);
