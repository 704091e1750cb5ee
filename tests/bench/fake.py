#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stands for a `vkgrid` on a GPU, and for a Python with PyTorch (its first argument is a script then).

vkgrid: 100 samples/s a slot up to 4 slots, no mixed precision. PyTorch: by setting; compile hangs, processes:4 is not there.
FAKE_KIND: the kind of the device.
"""
import json
import os
import sys
import time

RATES = {"eager": 80, "channels_last": 90, "amp_channels_last": 160, "cuda_graphs": 200, "fused:4": 250, "fused:8": 320}


def value(name, otherwise=None):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else otherwise


def step(slots):
    rate = 100 * min(slots, 4)
    return {"samples_per_second": rate, "gflops": rate * 71.0}


def bench():
    if value("--precision") == "mixed":
        sys.exit("vkgrid: fake: cannot compute in mixed precision")
    curve = [{"slots": n, "device_bytes": n << 30, **step(n)} for n in (1, 2, 4, 8)] if "--curve" in sys.argv else []
    return {"training_step": step(int(value("--pack", 1))), "device_bytes": 1 << 30, "peak_bytes": 1, "curve": curve,
            "tile": os.environ.get("VKGRID_TILE")}


def pytorch():
    setting = value("--setting")
    if setting == "compile":
        time.sleep(600)
    if setting not in RATES:
        return {"unavailable": "it is a fake"}
    return {"samples_per_second": RATES[setting], "peak_bytes": 1 << 30}


def devices():
    kind = os.environ.get("FAKE_KIND", "discrete GPU")
    device = {"index": 0, "name": "Fake", "kind": kind, "driver": "none", "memory": 8 << 30, "features": "", "missing": ""}
    return {"devices": [device], "chosen": 0}


def dry_run():
    return {"groups": [{"label": f"resnet18, batch {batch}, 128x256", "work": 71e9 * 3600 * 400} for batch in (2, 4, 6)]}


commands = {"devices": devices, "bench": bench, "search": dry_run}
print(json.dumps(commands.get(sys.argv[1], pytorch)()))
