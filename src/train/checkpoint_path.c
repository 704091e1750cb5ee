// SPDX-License-Identifier: MIT
#include "vkgrid/train/train.h"

#include "vkgrid/base/memory.h"

char *checkpoint_path(const char *checkpoints, int epochs_done)
{
    return text_format("%s-%d.safetensors", checkpoints, epochs_done);
}
