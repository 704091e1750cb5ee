# SPDX-License-Identifier: MIT
"""M U-Nets of one shape that are trained as one network, the way of HFTA: Wang et al. 2021, "Horizontally Fused
Training Array: An Effective Hardware Utilization Squeezer for Training Novel Deep Learning Models", MLSys.

Activations are [N][M * C][H][W], model after model along channels. Convolutions have a group per model; batch norm,
pooling and everything else work on channels one by one anyway. Each model has samples, loss and learning rate of its own.
"""
import copy
import os
import sys

import torch
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "oracle"))

from unet_torch import UNet, losses_by_class


def fuse(modules):
    """One module that does what each of these does, to its share of the channels."""
    first, models = modules[0], len(modules)
    if isinstance(first, nn.Conv2d):
        fused = nn.Conv2d(models * first.in_channels, models * first.out_channels, first.kernel_size, first.stride,
                          first.padding, groups=models, bias=first.bias is not None)
        return take_weights(fused, modules)
    if isinstance(first, nn.BatchNorm2d):
        fused = nn.BatchNorm2d(models * first.num_features, first.eps, first.momentum)
        return take_weights(fused, modules)
    fused = copy.deepcopy(first)
    for name, _ in first.named_children():
        setattr(fused, name, fuse([getattr(module, name) for module in modules]))
    return fused


def take_weights(fused, modules):
    states = [module.state_dict() for module in modules]
    # num_batches_tracked is one number, the same for all
    fused.load_state_dict({name: torch.cat([state[name] for state in states]) if value.dim() else value
                           for name, value in states[0].items()})
    return fused.to(modules[0].weight.dtype)


class FusedUNet(UNet):
    def __init__(self, models):
        nn.Module.__init__(self)  # not UNet's: the layers are those of the models
        self.models = len(models)
        for name, _ in models[0].named_children():
            setattr(self, name, fuse([getattr(model, name) for model in models]))

    def join(self, y, skip):
        pairs = zip(self.up(y).chunk(self.models, 1), skip.chunk(self.models, 1))
        return torch.cat([part for pair in pairs for part in pair], 1)


def fused_losses(logits, targets, bce_weight, models):
    """bce [M], dice [M] and loss [M] of a batch; bce_weight: a number, or [M]."""
    bce, dice = losses_by_class(logits, targets)
    bce = bce.view(models, -1).sum(1)
    dice = dice.view(len(dice), models, -1).mean((0, 2))
    return bce, dice, bce_weight * bce + (1 - bce_weight) * dice


def fused_adam(model, learning_rates, **options):
    """Adam with a learning rate per model.

    It is PyTorch's own, with a group of parameters for each model, which are views of the fused ones. So gradients must stay
    where they are: zero_grad(set_to_none=False).
    """
    groups = [{"params": [], "lr": rate} for rate in learning_rates]
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
        shares = zip(parameter.detach().chunk(model.models), parameter.grad.chunk(model.models))
        for group, (share, gradient) in zip(groups, shares):
            share.grad = gradient
            group["params"].append(share)
    return torch.optim.Adam(groups, **options)
