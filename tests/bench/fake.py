#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stands for a `vkgrid` on a GPU, and for a Python with PyTorch (its first argument is a script then, or -c).

vkgrid: 100 samples/s a slot up to 4 slots. PyTorch: by setting; processes:4 is not there.
FAKE_KIND, FAKE_FEATURES: of the device. FAKE_MIXED: it can compute in mixed precision. FAKE_HANG: what never ends, a setting of
PyTorch or a word of a command. FAKE_LOG: file that gets a line for each start.
"""
import json
import os
import sys
import time

RATES = {"eager": 80, "channels_last": 90, "amp_channels_last": 160, "cuda_graphs": 200, "fused:4": 250, "fused:8": 320,
         "compile": 90}
CONV = {"op": "conv", "rows": 8, "cols": 16, "in": 32, "out": 64, "kernel": 3, "stride": 1, "times": 1, "slots": 4}


def value(name, otherwise=None):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else otherwise


def step(slots):
    rate = 100 * min(slots, 4)
    if os.environ.get("VKGRID_BARRIER") == "ends":
        rate /= 2
    return {"samples_per_second": rate, "seconds": slots / rate, "gflops": rate * 71.0}


def bench():
    if value("--precision") == "mixed" and not os.environ.get("FAKE_MIXED"):
        sys.exit("vkgrid: fake: cannot compute in mixed precision: auto or fp32 is allowed")
    if "--tune" in sys.argv:
        return {"left": 2, "convolutions": [{**CONV, "default": "a", "chosen": chosen, "default_seconds": 2e-3, "seconds": 1e-3}
                                            for chosen in "ab"]}
    curve = [{"slots": n, "device_bytes": n << 30, **step(n)} for n in (1, 2, 4, 8)] if "--curve" in sys.argv else []
    layers = [] if "--steps" in sys.argv else [{**CONV, "count": 1, "forward": 7e3, "input_grad": 6e3, "weight_grad": 5e3}]
    return {"training_step": step(int(value("--pack", 1))), "device_bytes": 1 << 30, "peak_bytes": 1, "curve": curve,
            "layers": layers, "peaks": {"fp32_flops": 6.1e13} if layers else {}, "op_seconds": {"conv": 0.75, "adam": 0.25},
            "tile": os.environ.get("VKGRID_TILE"), "tuning": os.environ.get("VKGRID_TUNING")}


def pytorch():
    if sys.argv[1] == "-c":
        return {"torch": "fake", "device": "Fake"}
    setting = value("--setting")
    if setting not in RATES:
        return {"unavailable": "it is a fake"}
    return {"samples_per_second": RATES[setting], "peak_bytes": 1 << 30}


def devices():
    kind = os.environ.get("FAKE_KIND", "discrete GPU")
    device = {"index": 0, "name": "Fake\u2122", "kind": kind, "driver": "none", "memory": 8 << 30,
              "features": os.environ.get("FAKE_FEATURES", ""), "missing": ""}
    return {"devices": [device], "chosen": 0}


def search():
    if "--dry-run" not in sys.argv:
        return {"cells": 2}
    return {"groups": [{"label": f"resnet18, batch {batch}, 128x256", "work": 71e9 * 3600 * 400} for batch in (2, 4, 6)]}


def sample():
    os.mkdir(sys.argv[2])


if os.environ.get("FAKE_LOG"):
    with open(os.environ["FAKE_LOG"], "a", encoding="utf-8") as log:
        log.write(" ".join(sys.argv[1:]) + "\n")
if os.environ.get("FAKE_HANG") in sys.argv:
    time.sleep(600)
commands = {"devices": devices, "bench": bench, "search": search, "sample": sample}
print(json.dumps(commands.get(sys.argv[1], pytorch)()))
