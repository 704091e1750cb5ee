// SPDX-License-Identifier: MIT
// Reads all that a list of tensors says it has.
#pragma once

#include "tests/fuzz/fuzz.h"
#include "vkgrid/formats/tensors.h"

static inline void use_tensors(const struct tensors *tensors)
{
    for (int i = 0; i < tensors->count; i++) {
        const struct named_tensor *tensor = &tensors->items[i];
        fuzz_use(tensor->values,
                 tensor->count * (tensor->type == TENSOR_INT ? sizeof(int64_t) : sizeof(float)));
    }
}
