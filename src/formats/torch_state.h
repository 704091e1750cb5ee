// SPDX-License-Identifier: MIT
// Which tensors of a checkpoint are its state dict.
#pragma once

#include "formats/torch_tensor.h"

// The tensors of a dict. `only`: everything in it must be one; else the rest is left out.
bool torch_take_dict(struct torch_file *file, uint32_t index, bool only, struct tensors *tensors);

// As torch_read_state().
bool torch_take_state(struct torch_file *file, struct tensors *tensors, char **note);
