# SPDX-License-Identifier: MIT
"""Losses of the first steps: training.py BASE_MODEL FEATURES LABELS ROWS COLS SAMPLES BATCH STEPS LR IN OUT

IN: the weights to start from, which load_state_dict must take as they are. Samples come from hash_weights.py (seed 0), in
order, without shuffling. OUT: metrics [STEPS][3]: bce, dice, loss at bce_weight 0.5.
"""
import sys

import torch

import hash_weights
import safetensors_io
import unet_torch


def channels_first(values):
    return torch.from_numpy(values).permute(0, 3, 1, 2)


def main(base_model, features, labels, rows, cols, count, batch, steps, lr, weights, out):
    model = unet_torch.UNet(base_model, features, labels)
    state = safetensors_io.read(weights)
    model.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, strict=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    inputs = channels_first(hash_weights.inputs(0, (count, rows, cols, features)))
    targets = channels_first(hash_weights.targets(0, (count, rows, cols, labels)))
    metrics = []
    for step in range(steps):
        first = step * batch % count
        x, t = inputs[first : first + batch], targets[first : first + batch]
        metrics.append(unet_torch.train_step(model, optimizer, x, t, 0.5))
    safetensors_io.write(out, {"metrics": metrics})


if __name__ == "__main__":
    base, *numbers = sys.argv[1:9]
    main(base, *map(int, numbers), float(sys.argv[9]), sys.argv[10], sys.argv[11])
