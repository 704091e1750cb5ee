# SPDX-License-Identifier: MIT
"""How long the published grid would take: 1,800 cells, two runs each (Benson, Song et al. 2025).

What counts of it is its shape: 130 subjects for training and 33 for validation, four raters each, 3 rounds of 10 epochs.
`vkgrid search --dry-run` counts the operations: about 1.3 PFLOP a run, 4,650 PFLOP in all, evaluations included.
Operations of the measured network (ResNet-18, 7 -> 3 channels), of ResNet-34 and of 14 channels are taken to cost the same.
"""
import json
import os
import re
import tempfile

from running import last_json, run

GRID = {
    "static": {"partition": [list(range(130)), list(range(130, 163))], "until": 2},
    "hyper": {"base_model": ["resnet18", "resnet34"], "lr": [0.00167, 0.00250, 0.00375, 0.00562, 0.00844],
              "gamma": [0.8, 0.85, 0.9, 0.95, 1], "bce_weight": [0.5, 0.67, 0.75], "batch_size": [4, 2, 6],
              "inputs": ["full", "anat"], "prediction": ["area", "ring"]},
}


def grid_work(vkgrid, environment=None):
    """Batch size -> floating-point operations of all runs with it; {} if vkgrid cannot tell."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "grid.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(GRID, file)
        command = [vkgrid, "search", path, "--dry-run", "--json", "-o", os.path.join(folder, "out")]
        outcome = run(command, 60, environment)
    work = {}
    for group in (last_json(outcome.output) or {}).get("groups", []):
        batch = int(re.search(r"batch (\d+)", group["label"]).group(1))
        work[batch] = work.get(batch, 0) + group["work"]
    return work


def grid_hours(work, rates, sample_work):
    """rates: batch size -> samples/s of training; a batch size that was not measured goes at the mean of these."""
    mean = sum(rates.values()) / len(rates)
    return sum(operations / (rates.get(batch, mean) * sample_work) for batch, operations in work.items()) / 3600
