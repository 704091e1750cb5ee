#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The cells of a grid trained by a plain PyTorch loop, one after the other: the other side of `vkgrid search`.

    bench/pytorch_search.py GRID.json -d DATA [--threads 2] [--bf16] [--cells N]

The plan is that of spec.md section 2: three rounds, a fresh Adam in each, the best epoch's weights (and batch-norm buffers) handed on.
channels_last fp32; --bf16: autocast. Reads 2-D .npy and .png files of a grid without raters, whose feature sets it
names itself. Prints one line of JSON: wall seconds with all imports, each cell's lowest validation dice loss, and the process's peak memory.
"""
import time

START = time.perf_counter()

import argparse
import copy
import json
import os
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "oracle"))

import numpy
import torch
import torchvision
from torchvision.transforms import functional
from unet_torch import UNet, losses

DEFAULTS = {"base_model": "resnet18", "image_size": [128, 256], "num_epochs": 10, "until": 2, "seed": 1}
ROUNDS = [(1, 1), (2 / 3, 1 / 2), (1 / 3, 0)]  # factors of lr and of bce_weight


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grid")
    parser.add_argument("-d", "--data", required=True)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--bf16", action="store_true", help="autocast")
    parser.add_argument("--cells", type=int, help="only the first N")
    return parser.parse_args()


def cells(grid):
    """Every cell's options; the first key of `hyper` varies fastest."""
    keys = list(grid["hyper"])
    count = int(numpy.prod([len(grid["hyper"][key]) for key in keys]))
    for number in range(count):
        cell = {**DEFAULTS, **grid["static"]}
        for key in keys:
            values = grid["hyper"][key]
            cell[key] = values[number % len(values)]
            number //= len(values)
        yield cell


def read(folder, name, target, size):
    """[rows][cols] in the size that is trained"""
    path = os.path.join(folder, name, target)
    if os.path.exists(path + ".npy"):
        image = torch.from_numpy(numpy.load(path + ".npy").astype(numpy.float32))
    else:
        image = torchvision.io.read_image(path + ".png", torchvision.io.ImageReadMode.GRAY)[0] / 255
    return functional.resize(image.nan_to_num(0)[None], size, antialias=True)[0]


def load(folder, names, targets, size):
    images = [torch.stack([read(folder, name, target, size) for name in names]) for target in targets]
    return torch.stack(images).contiguous(memory_format=torch.channels_last)


class Run:
    def __init__(self, cell, data, bf16):
        self.cell, self.data, self.bf16 = cell, data, bf16
        inputs, targets = data[0]
        self.model = UNet(cell["base_model"], inputs.shape[1], targets.shape[1]).to(memory_format=torch.channels_last)

    def metrics(self, part, order, bce_weight):
        inputs, targets = (values[order] for values in self.data[part])
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            logits = self.model(inputs)
        return losses(logits.float(), targets, bce_weight)

    def train(self, optimizer, bce_weight):
        self.model.train()
        for order in torch.randperm(len(self.data[0][0])).split(self.cell["batch_size"]):
            optimizer.zero_grad()
            self.metrics(0, order, bce_weight)[2].backward()
            optimizer.step()

    def evaluate(self, bce_weight):
        """Validation dice and loss: means over samples."""
        self.model.eval()
        count = len(self.data[1][0])
        sums = numpy.zeros(3)
        with torch.no_grad():
            for order in torch.arange(count).split(self.cell["batch_size"]):
                sums += len(order) * numpy.array([metric.item() for metric in self.metrics(1, order, bce_weight)])
        return sums[1] / count, sums[2] / count

    def round(self, lr, bce_weight):
        """The lowest validation dice of its epochs; leaves the weights of the epoch with the lowest loss."""
        optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)
        best_dice, best_loss, best_state = numpy.inf, numpy.inf, None
        for epoch in range(self.cell["num_epochs"]):
            optimizer.param_groups[0]["lr"] = lr * self.cell["gamma"] ** epoch
            self.train(optimizer, bce_weight)
            dice, loss = self.evaluate(bce_weight)
            best_dice = min(best_dice, dice)
            if loss < best_loss:
                best_loss, best_state = loss, copy.deepcopy(self.model.state_dict())
        if best_state:
            self.model.load_state_dict(best_state)
        return best_dice


def train_cell(cell, data, bf16):
    best = numpy.inf
    for repeat in range(cell["until"]):
        torch.manual_seed(cell["seed"] + repeat)
        run = Run(cell, data, bf16)
        best = min([best] + [run.round(cell["lr"] * lr, cell["bce_weight"] * bce) for lr, bce in ROUNDS])
    return best


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    with open(options.grid, encoding="utf-8") as file:
        grid = json.load(file)
    loaded, dice = {}, []
    for cell in list(cells(grid))[: options.cells]:
        sets = [cell["features"]["inputs"][cell["inputs"]], cell["features"]["prediction"][cell["prediction"]]]
        key = json.dumps([sets, cell["partition"], cell["image_size"]])
        if key not in loaded:
            loaded[key] = [[load(options.data, names, targets, cell["image_size"]) for names in sets]
                           for targets in cell["partition"]]
        dice.append(train_cell(cell, loaded[key], options.bf16))
    print(json.dumps({
        "side": "pytorch", "version": torch.__version__, "precision": "bf16" if options.bf16 else "fp32",
        "threads": options.threads, "wall_seconds": time.perf_counter() - START, "dice": dice,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }))


main()
