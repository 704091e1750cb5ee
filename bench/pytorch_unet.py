#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Training steps of the U-Net in PyTorch, timed: the other side of `vkgrid bench`.

    bench/pytorch_unet.py [--batch 4] [--threads 2] [--steps 5] [--mode NAME]...

Prints one line of JSON per mode: samples/s of the median step, and the process's peak memory. The step is what
a training loop of PyTorch does: zero_grad, forward, loss, backward, Adam. Modes: eager (contiguous fp32), channels_last (fp32),
bf16 and bf16_channels_last (autocast).
"""
import argparse
import json
import os
import resource
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "oracle"))

MODES = ["eager", "channels_last", "bf16", "bf16_channels_last"]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", default="128x256", help="rows x columns")
    parser.add_argument("--features", type=int, default=7)
    parser.add_argument("--labels", type=int, default=3)
    parser.add_argument("--base-model", default="resnet18", choices=["resnet18", "resnet34"])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--steps", type=int, default=5, help="timed steps of each mode, after one that is not")
    parser.add_argument("--mode", action="append", choices=MODES, help="may be given several times; default: all")
    return parser.parse_args()


def make_step(torch, options, mode):
    """A function that does one training step."""
    from unet_torch import UNet, losses

    torch.manual_seed(1)
    rows, cols = map(int, options.size.split("x"))
    model = UNet(options.base_model, options.features, options.labels).train()
    inputs = torch.randn(options.batch, options.features, rows, cols)
    targets = (torch.rand(options.batch, options.labels, rows, cols) > 0.7).float()
    if mode.endswith("channels_last"):
        model = model.to(memory_format=torch.channels_last)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.00167)

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=mode.startswith("bf16")):
            logits = model(inputs)
        loss = losses(logits.float(), targets, 0.5)[2]
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def main():
    options = parse()
    import torch

    torch.set_num_threads(options.threads)
    for mode in options.mode or MODES:
        step = make_step(torch, options, mode)
        step()
        seconds = []
        for _ in range(options.steps):
            start = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - start)
        print(json.dumps({
            "side": "pytorch", "version": torch.__version__, "mode": mode, "batch": options.batch,
            "threads": options.threads, "seconds": seconds,
            "samples_per_second": options.batch / statistics.median(seconds),
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }), flush=True)


main()
