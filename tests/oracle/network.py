# SPDX-License-Identifier: MIT
"""Results of the network for one batch: network.py BASE_MODEL FEATURES LABELS ROWS COLS OUT.safetensors [mixed]

network.py serve: takes lines of such arguments, with tabs between them, and answers each by "done".

Weights and samples come from hash_weights.py. Two implementations in float32 differ by rounding; where an input of a
ReLU or the runner-up of a max-pool window is that near to the other branch, they may take different ones, and gradients
then differ by far more than rounding. So no value may stand that near: biases are moved a little (ReLU), or the seed is
changed (max-pool).

OUT holds seed; metrics (bce, dice, loss at BCE_WEIGHT); evaluation (logits with the running statistics before the step);
logits; "state:<name>" (biases that were moved); "gradient:<name>" (every parameter); "after:<name>" (running statistics
after the step). Logits are channels last.

With "mixed" also "error:<name>" for each of these but seed and state: how far the same step under PyTorch's own autocast
to bfloat16 is from it, |autocast - float32| / |float32|.
"""
import copy
import sys

import numpy
import torch
from torchvision.models.resnet import BasicBlock

import hash_weights
import safetensors_io
import unet_torch

BATCH = 2
BCE_WEIGHT = 0.5
RELU_MARGIN = 1e-4  # of a layer's root mean square; float32 activations are within 1e-5 of float64's
POOL_MARGIN = 3e-6  # of values about 1, one convolution away from the samples


def hashed_model(base_model, features, labels, seed):
    model = unet_torch.UNet(base_model, features, labels)
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.from_numpy(hash_weights.state(name, seed, tuple(tensor.shape))))
    return model


def hashed_samples(seed, batch, features, labels, rows, cols):
    """Inputs and targets, channels first."""
    inputs = hash_weights.inputs(seed, (batch, rows, cols, features))
    targets = hash_weights.targets(seed, (batch, rows, cols, labels))
    return [torch.from_numpy(values).permute(0, 3, 1, 2) for values in (inputs, targets)]


def pool_is_clear(model, inputs):
    """Whether the two largest values of every max-pool window are apart, or the largest is 0."""
    y = torch.nn.functional.pad(model.layer0(inputs), (1, 1, 1, 1))
    best = y.unfold(2, 3, 2).unfold(3, 3, 2).flatten(4).topk(2).values
    gaps = (best[..., 0] - best[..., 1])[best[..., 0] > 0]
    return gaps.min() > POOL_MARGIN


def clearing_shift(values, margin):
    """The smallest change of all the values after which none is within the margin of zero."""
    values = values.flatten().sort().values
    if values.abs().min() > margin:
        return 0.0
    gaps = values[1:] - values[:-1] > 2 * margin
    places = torch.cat([
        values[:1] - 2 * margin,
        ((values[1:] + values[:-1]) / 2)[gaps],
        values[-1:] + 2 * margin,
    ])
    return -places[places.abs().argmin()].item()


def relu_biases(model):
    """Pairs of a ReLU and the biases in front of it, one for each of its calls."""
    for module in model.modules():
        if isinstance(module, BasicBlock):
            yield module.relu, [module.bn1.bias, module.bn2.bias]
        elif isinstance(module, torch.nn.Sequential) and isinstance(module[-1], torch.nn.ReLU):
            yield module[-1], [module[-2].bias]


@torch.no_grad()
def clear_relus(model, inputs):
    """Moves the bias in front of each ReLU, in the order of the forward pass; returns the names moved."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    pending = {relu: list(biases) for relu, biases in relu_biases(model)}
    moved = set()

    def before_relu(relu, arguments):
        y = arguments[0].clone()
        bias = pending[relu].pop(0)
        margin = RELU_MARGIN * y.square().mean().sqrt()
        for channel in range(y.shape[1]):
            change = clearing_shift(y[:, channel], margin)
            if change != 0:
                bias[channel] += change
                y[:, channel] += change
                moved.add(names[bias])
        return y

    handles = [relu.register_forward_pre_hook(before_relu) for relu in pending]
    model(inputs)
    for handle in handles:
        handle.remove()
    return moved


def clear_model(base_model, features, labels, rows, cols):
    """A model whose gradients rounding cannot change much: seed, model, names of moved biases."""
    for seed in range(1000):
        model = hashed_model(base_model, features, labels, seed)
        inputs, _ = hashed_samples(seed, BATCH, features, labels, rows, cols)
        exact = copy.deepcopy(model).double()
        if pool_is_clear(exact, inputs.double()):
            break
    exact = copy.deepcopy(model).double()  # without the running statistics of pool_is_clear
    moved = clear_relus(exact, inputs.double())
    exact_state, state = exact.state_dict(), model.state_dict()
    for name in moved:
        state[name].copy_(exact_state[name])
    return seed, model, moved


def channels_last(tensor):
    return tensor.detach().permute(0, 2, 3, 1).numpy()


def one_step(model, inputs, targets, autocast):
    """The loss is computed in float32 in any case."""
    out = {}
    # Two contexts: autocast remembers the weights that it rounded, those of the first without gradients.
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        out["evaluation"] = channels_last(model.eval()(inputs).float())
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        logits = model.train()(inputs).float()
    metrics = unet_torch.losses(logits, targets, BCE_WEIGHT)
    metrics[2].backward()
    out["logits"] = channels_last(logits)
    out["metrics"] = [metric.item() for metric in metrics]
    for name, parameter in model.named_parameters():
        out["gradient:" + name] = parameter.grad.numpy()
    for name, buffer in model.named_buffers():
        if "running" in name:
            out["after:" + name] = buffer.numpy()
    return out


def relative_error(found, wanted):
    found, wanted = numpy.float64(found), numpy.float64(wanted)
    return numpy.linalg.norm(found - wanted) / numpy.linalg.norm(wanted)


def results(base_model, features, labels, rows, cols, mixed):
    seed, model, moved = clear_model(base_model, features, labels, rows, cols)
    inputs, targets = hashed_samples(seed, BATCH, features, labels, rows, cols)
    out = {"seed": [seed]}
    for name in moved:
        out["state:" + name] = model.state_dict()[name].numpy().copy()
    twin = copy.deepcopy(model)
    exact = one_step(model, inputs, targets, autocast=False)
    out.update(exact)
    if mixed:
        for name, values in one_step(twin, inputs, targets, autocast=True).items():
            out["error:" + name] = [relative_error(values, exact[name])]
    return out


def write(base_model, features, labels, rows, cols, path, precision="fp32"):
    shape = map(int, (features, labels, rows, cols))
    safetensors_io.write(path, results(base_model, *shape, mixed=precision == "mixed"))


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        for line in sys.stdin:
            write(*line.rstrip("\n").split("\t"))
            print("done", flush=True)
    else:
        write(*sys.argv[1:])
