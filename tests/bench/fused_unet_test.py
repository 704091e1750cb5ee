#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/fused_unet.py: three U-Nets in one have the losses, gradients, statistics and steps of
three by themselves."""
import os
import sys

try:
    import torch
    import torchvision  # pylint: disable=unused-import
except ImportError as problem:
    print(f"skipped: {problem}")
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "bench"), os.path.join(HERE, "..", "oracle")]

from fused_unet import FusedUNet, fuse, fused_adam, fused_losses
from torch import nn
from unet_torch import UNet, losses

MODELS, BATCH, FEATURES, LABELS, ROWS, COLS = 3, 2, 5, 2, 32, 64
RATES, BCE_WEIGHTS = [0.00167, 0.0025, 0.00844], [0.5, 0.67, 0.75]


def smooth(module):
    """No ReLU: where its input is within rounding of zero, a gradient moves by far more than rounding."""
    for name, child in module.named_children():
        if isinstance(child, nn.ReLU):
            setattr(module, name, nn.Softplus())
        else:
            smooth(child)
    return module


def worst_of(values, expected):
    """The largest difference of tensors, relative to the largest that is expected in the tensor."""
    return max(((a - b).abs().max() / b.abs().max()).item() for a, b in zip(values, expected))


def test_gradients():
    """Each model has samples and a weight of the loss of its own."""
    models = [smooth(UNet("resnet18", FEATURES, LABELS)).train() for _ in range(MODELS)]
    fused = FusedUNet(models)
    inputs = [torch.randn(BATCH, FEATURES, ROWS, COLS) for _ in models]
    targets = [(torch.rand(BATCH, LABELS, ROWS, COLS) > 0.7).float() for _ in models]
    found = fused_losses(fused(torch.cat(inputs, 1)), torch.cat(targets, 1), torch.tensor(BCE_WEIGHTS), MODELS)
    found[2].sum().backward()
    expected = [losses(model(x), t, weight) for model, x, t, weight in zip(models, inputs, targets, BCE_WEIGHTS)]
    for _, _, loss in expected:
        loss.backward()

    worst_loss = worst_of(found, [torch.stack(metric) for metric in zip(*expected)])
    worst_gradient = max(worst_of(parameter.grad.chunk(MODELS), [model.get_parameter(name).grad for model in models])
                         for name, parameter in fused.named_parameters())
    worst_statistic = max(worst_of(buffer.chunk(MODELS), [model.get_buffer(name) for model in models])
                          for name, buffer in fused.named_buffers() if buffer.dim())
    print(f"losses differ by {worst_loss:.1e}, gradients by {worst_gradient:.1e}, statistics by {worst_statistic:.1e}")
    assert worst_loss < 1e-6 and worst_gradient < 1e-3 and worst_statistic < 1e-5


def test_steps():
    """Adam, each model with its own learning rate, on gradients that have no rounding in them."""
    models = [nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)) for _ in range(MODELS)]
    fused = fuse(models)
    fused.models = MODELS
    optimizer = fused_adam(fused, RATES)
    singles = [torch.optim.Adam(model.parameters(), lr=rate) for model, rate in zip(models, RATES)]
    for _ in range(3):
        optimizer.zero_grad(set_to_none=False)
        for name, parameter in fused.named_parameters():
            (parameter * torch.randn_like(parameter)).sum().backward()
            for model, share in zip(models, parameter.grad.chunk(MODELS)):
                model.get_parameter(name).grad = share.clone()
        for each in [optimizer] + singles:
            each.step()
    worst = max(worst_of(parameter.chunk(MODELS), [model.get_parameter(name) for model in models])
                for name, parameter in fused.named_parameters())
    print(f"weights after three steps differ by {worst:.1e}")
    assert worst < 1e-6


torch.manual_seed(7)
torch.set_num_threads(2)
test_gradients()
test_steps()
