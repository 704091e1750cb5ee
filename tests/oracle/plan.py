# SPDX-License-Identifier: MIT
"""A whole training in PyTorch: plan.py DATA INIT TRAINED OUT STATE fastest|native|exact

DATA: inputs [count][H][W][F], targets [count][H][W][K], training_count, plan [rounds][lr, gamma, bce_weight, batch_size,
num_epochs]. INIT: the weights to start from. TRAINED: weights that vkgrid trained. Both are taken by load_state_dict as
they are. Targets come in order, without shuffling.

OUT: steps [steps][bce, dice, loss]; epochs [epochs][validation bce, dice, loss]; rounds [rounds][lowest validation loss, lowest
validation dice]; probabilities of the validation targets [n][K][H][W] by TRAINED ("trained") and by the last round's best weights
("own"), which STATE gets as torch.save writes them. native: by PyTorch's own convolutions, not mkldnn's; exact: also
steps in float64, "exact_steps".
"""
import copy
import sys

import numpy
import torch

import safetensors_io
import unet_torch


def channels_first(values):
    return torch.from_numpy(values).permute(0, 3, 1, 2).contiguous()


def load(model, path):
    state = safetensors_io.read(path)
    model.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, strict=True)


def batches(first, last, size):
    return [slice(i, min(i + size, last)) for i in range(first, last, size)]


def mean_over_samples(metrics, slices):
    return numpy.average(metrics, axis=0, weights=[s.stop - s.start for s in slices])


class Training:
    def __init__(self, model, inputs, targets, training_count):
        self.model, self.inputs, self.targets = model, inputs, targets
        self.training_count = training_count
        self.steps, self.epochs, self.rounds = [], [], []

    def epoch(self, optimizer, batch_size, bce_weight):
        for part in batches(0, self.training_count, batch_size):
            self.steps.append(
                unet_torch.train_step(
                    self.model, optimizer, self.inputs[part], self.targets[part], bce_weight
                )
            )
        slices = batches(self.training_count, len(self.inputs), batch_size)
        metrics = [
            unet_torch.evaluate(self.model, self.inputs[part], self.targets[part], bce_weight)
            for part in slices
        ]
        self.epochs.append(mean_over_samples(metrics, slices))
        return self.epochs[-1]

    def round(self, lr, gamma, bce_weight, batch_size, num_epochs):
        optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)
        best, best_dice, best_state = numpy.inf, numpy.inf, None
        for epoch in range(int(num_epochs)):
            for group in optimizer.param_groups:
                group["lr"] = lr * gamma**epoch
            _, dice, loss = self.epoch(optimizer, int(batch_size), bce_weight)
            best_dice = min(best_dice, dice)
            if loss < best:
                best, best_state = loss, copy.deepcopy(self.model.state_dict())
        self.model.load_state_dict(best_state)
        self.rounds.append([best, best_dice])


def probabilities(model, inputs):
    model.eval()
    with torch.no_grad():
        return torch.sigmoid(model(inputs)).numpy()


def main(data_path, init_path, trained_path, out_path, state_path, backend):
    torch.backends.mkldnn.enabled = backend == "fastest"
    data = safetensors_io.read(data_path)
    inputs, targets = channels_first(data["inputs"]), channels_first(data["targets"])
    training_count = int(data["training_count"])
    model = unet_torch.UNet("resnet18", inputs.shape[1], targets.shape[1])
    load(model, init_path)
    plan = data["plan"].astype(numpy.float64)
    exact = Training(copy.deepcopy(model).double(), inputs.double(), targets.double(), training_count)
    training = Training(model, inputs, targets, training_count)
    for row in plan:
        training.round(*row)
        if backend == "exact":
            exact.round(*row)
    torch.save(model.state_dict(), state_path)
    own = probabilities(model, inputs[training_count:])
    load(model, trained_path)
    safetensors_io.write(
        out_path,
        {
            "steps": training.steps,
            "exact_steps": exact.steps or training.steps,
            "epochs": training.epochs,
            "rounds": training.rounds,
            "own": own,
            "trained": probabilities(model, inputs[training_count:]),
        },
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
