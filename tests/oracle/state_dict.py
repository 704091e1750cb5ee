# SPDX-License-Identifier: MIT
"""Weight files between vkgrid and PyTorch.

state_dict.py check BASE_MODEL FEATURES LABELS FILE.safetensors   load_state_dict(strict=True) takes it, in its order
state_dict.py save BASE_MODEL FEATURES LABELS FILE                torch.save of weights from hash_weights.py, seed 1
state_dict.py encoder BASE_MODEL FILE                             torch.save of a torchvision ResNet, seed 1
"""
import sys

import torch
import torchvision

import hash_weights
import safetensors_io
import unet_torch


def hashed(model):
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.from_numpy(hash_weights.state(name, 1, tuple(tensor.shape))))
        else:
            tensor.fill_(12)
    return model.state_dict()


command, base_model, *rest, path = sys.argv[1:]
if command == "encoder":
    torch.save(hashed(getattr(torchvision.models, base_model)()), path)
else:
    unet = unet_torch.UNet(base_model, *map(int, rest))
    if command == "save":
        torch.save(hashed(unet), path)
    else:
        state = {k: torch.from_numpy(v) for k, v in safetensors_io.read(path).items()}
        assert list(state) == list(unet.state_dict()), "order of the tensors"
        unet.load_state_dict(state, strict=True)
