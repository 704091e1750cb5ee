# SPDX-License-Identifier: MIT
"""The U-Net, its loss and its training step in PyTorch: what vkgrid must agree with (spec.md sections 2 to 4)."""
import torch
import torch.nn.functional as F
import torchvision
from torch import nn


def conv_relu(inputs, outputs, kernel):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.ReLU())


class UNet(nn.Module):
    def __init__(self, base_model, features, labels):
        super().__init__()
        layers = list(getattr(torchvision.models, base_model)().children())
        if features != 3:
            layers[0] = nn.Conv2d(features, 64, 7, stride=2, padding=3, bias=False)
        self.layer0 = nn.Sequential(*layers[:3])
        self.layer0_1x1 = conv_relu(64, 64, 1)
        self.layer1 = nn.Sequential(*layers[3:5])
        self.layer1_1x1 = conv_relu(64, 64, 1)
        self.layer2 = layers[5]
        self.layer2_1x1 = conv_relu(128, 128, 1)
        self.layer3 = layers[6]
        self.layer3_1x1 = conv_relu(256, 256, 1)
        self.layer4 = layers[7]
        self.layer4_1x1 = conv_relu(512, 512, 1)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.conv_up3 = conv_relu(512 + 256, 512, 3)
        self.conv_up2 = conv_relu(512 + 128, 256, 3)
        self.conv_up1 = conv_relu(256 + 64, 256, 3)
        self.conv_up0 = conv_relu(256 + 64, 128, 3)
        self.conv_original_size0 = conv_relu(features, 64, 3)
        self.conv_original_size1 = conv_relu(64, 64, 3)
        self.conv_original_size2 = conv_relu(128 + 64, 64, 3)
        self.conv_last = nn.Conv2d(64, labels, 1)

    def join(self, y, skip):
        """y upsampled, then skip, along channels"""
        return torch.cat([self.up(y), skip], 1)

    def forward(self, x):
        """x [N][F][H][W] -> logits [N][K][H][W]"""
        layer0 = self.layer0(x)
        layer1 = self.layer1(layer0)
        layer2 = self.layer2(layer1)
        layer3 = self.layer3(layer2)
        layer4 = self.layer4(layer3)
        y = self.layer4_1x1(layer4)
        y = self.conv_up3(self.join(y, self.layer3_1x1(layer3)))
        y = self.conv_up2(self.join(y, self.layer2_1x1(layer2)))
        y = self.conv_up1(self.join(y, self.layer1_1x1(layer1)))
        y = self.conv_up0(self.join(y, self.layer0_1x1(layer0)))
        original = self.conv_original_size1(self.conv_original_size0(x))
        y = self.conv_original_size2(self.join(y, original))
        return self.conv_last(y)


def losses_by_class(logits, targets):
    """bce [K] and dice [N][K] of a batch"""
    n = targets.shape[0] * targets.shape[2] * targets.shape[3]
    each = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    bce = each.mean((0, 2, 3)) * (n - targets.sum((0, 2, 3))) / n
    p = torch.sigmoid(logits)
    both = (p * targets).sum((2, 3))
    dice = 1 - (2 * both + 1) / ((p**2).sum((2, 3)) + (targets**2).sum((2, 3)) + 1)
    return bce, dice


def losses(logits, targets, bce_weight):
    """bce, dice and loss of a batch."""
    bce, dice = losses_by_class(logits, targets)
    bce, dice = bce.sum(), dice.mean()
    return bce, dice, bce_weight * bce + (1 - bce_weight) * dice


def train_step(model, optimizer, inputs, targets, bce_weight):
    """One step of Adam; returns [bce, dice, loss] before it."""
    model.train()
    optimizer.zero_grad()
    metrics = losses(model(inputs), targets, bce_weight)
    metrics[2].backward()
    optimizer.step()
    return [metric.item() for metric in metrics]


def evaluate(model, inputs, targets, bce_weight):
    """[bce, dice, loss] with the running statistics."""
    model.eval()
    with torch.no_grad():
        return [metric.item() for metric in losses(model(inputs), targets, bce_weight)]
