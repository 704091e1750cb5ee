#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/pytorch_unet.py: every setting gives a rate or a reason, and those of one precision train alike."""
import json
import os
import subprocess
import sys

try:
    import torch
    import torchvision  # pylint: disable=unused-import
except ImportError as problem:
    print(f"skipped: {problem}")
    sys.exit(77)

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "pytorch_unet.py")
SETTINGS = ["eager", "channels_last", "amp", "amp_channels_last", "fused:2", "processes:2", "cuda_graphs"]
if not hasattr(torch, "compile"):  # where it is, it takes minutes
    SETTINGS.append("compile")

arguments = ["--device", "cpu", "--size", "32x64", "--batch", "2", "--seconds", "0", "--threads", "1"]
output = subprocess.run([sys.executable, "-B", SCRIPT, *arguments, *(f"--setting={name}" for name in SETTINGS)],
                        stdout=subprocess.PIPE, text=True, check=True).stdout
results = {result["setting"]: result for result in map(json.loads, output.splitlines())}
assert list(results) == SETTINGS, output
for name, result in results.items():
    if name in ("cuda_graphs", "compile"):
        assert result["unavailable"] and "seconds" not in result, result
    else:
        assert result["samples_per_second"] > 0 and len(result["seconds"]) >= 2 and result["peak_bytes"] > 1e8, result
# Seven steps from the same weights on the same samples, after which rounding tells a little.
loss = results["eager"]["loss"]
for name, bound in {"channels_last": 1e-3, "amp": 1e-2, "amp_channels_last": 1e-2}.items():
    assert abs(results[name]["loss"] / loss - 1) < bound, (name, results[name]["loss"], loss)
assert 0 < results["fused:2"]["loss"] < 2, results["fused:2"]  # models of its own
