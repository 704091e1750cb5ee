# SPDX-License-Identifier: MIT
"""The ways in which PyTorch is asked for training steps. Network, loss and optimizer are always the same.

Samples lie on the device before a step and metrics stay there after it, so that no setting waits for the host.
"""
import dataclasses
import functools
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "oracle"))

from fused_unet import FusedUNet, fused_adam, fused_losses
from unet_torch import UNet, losses

LEARNING_RATE, BCE_WEIGHT = 0.00167, 0.5
WARM_UP = 3  # steps before a graph is captured, on the stream that captures it, as PyTorch's manual asks


@dataclasses.dataclass
class Setting:
    help: str
    amp: bool = False  # autocast: fp16 with a GradScaler on CUDA, bf16 on a CPU
    channels_last: bool = False
    tuned: bool = True  # what else a user would switch on: cuDNN's own benchmark, Adam in one kernel
    graphs: bool = False
    compile: str = None  # mode of torch.compile
    fused: bool = False


best = functools.partial(Setting, amp=True, channels_last=True)
SETTINGS = {
    "eager": Setting("contiguous fp32 by PyTorch's defaults, on CUDA with TF32", tuned=False),
    "channels_last": Setting("the same, channels last", channels_last=True),
    "amp": Setting("autocast: fp16 with a GradScaler on CUDA, bf16 on a CPU", amp=True),
    "amp_channels_last": best("autocast, channels last"),
    "cuda_graphs": best("that, captured as one CUDA graph", graphs=True),
    "compile": best("autocast, channels last, torch.compile", compile="default"),
    "compile_max_autotune": best("that, with mode max-autotune", compile="max-autotune"),
    "fused": best("fused:N, N models in one by grouped convolutions, as HFTA does it; autocast, channels last", fused=True),
}


class Unavailable(Exception):
    """A setting that this PyTorch or device does not have."""


def prepare(setting, device):
    """Sets what is global in PyTorch; raises Unavailable."""
    if device == "cuda" and not torch.cuda.is_available():
        raise Unavailable(f"PyTorch {torch.__version__} finds no CUDA device")
    if setting.graphs and device != "cuda":
        raise Unavailable("only CUDA has graphs")
    if setting.compile and not hasattr(torch, "compile"):
        raise Unavailable(f"PyTorch {torch.__version__} has no torch.compile")
    torch.set_float32_matmul_precision("high")  # TF32
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = setting.tuned


def grad_scaler(enabled):
    if hasattr(torch.amp, "GradScaler"):
        return torch.amp.GradScaler("cuda", enabled=enabled)
    return torch.cuda.amp.GradScaler(enabled=enabled)  # before PyTorch 2.3


def make_adam(model, setting, device, models):
    options = {"fused": True} if setting.tuned and device == "cuda" else {}
    if setting.graphs:
        options["capturable"] = True
    if setting.fused:
        return fused_adam(model, [LEARNING_RATE] * models, **options)
    return torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, **options)


def make_network(setting, options, models):
    networks = [UNet(options.base_model, options.features, options.labels).train() for _ in range(models)]
    model = FusedUNet(networks) if setting.fused else networks[0]
    layout = torch.channels_last if setting.channels_last else torch.contiguous_format
    return model.to(options.device, memory_format=layout)


def make_batch(setting, options, models):
    """Samples and targets, [N][M * C][H][W]."""
    rows, cols = map(int, options.size.split("x"))
    inputs = torch.randn(options.batch, models * options.features, rows, cols)
    targets = (torch.rand(options.batch, models * options.labels, rows, cols) > 0.7).float()
    layout = torch.channels_last if setting.channels_last else torch.contiguous_format
    return [values.to(options.device).contiguous(memory_format=layout) for values in (inputs, targets)]


def capture(step, optimizer):
    """The step as a CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    optimizer.zero_grad(set_to_none=True)  # so that gradients get memory of the graph
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step()

    def replay():
        graph.replay()
        return loss

    return replay


def make_step(setting, options, models):
    """A function that does a training step and returns its loss, on the device; of several models if the setting is fused."""
    torch.manual_seed(1)
    model = make_network(setting, options, models)
    inputs, targets = make_batch(setting, options, models)
    optimizer = make_adam(model, setting, options.device, models)
    scaler = grad_scaler(setting.amp and options.device == "cuda")
    dtype = torch.float16 if options.device == "cuda" else torch.bfloat16

    def loss_of_batch():
        with torch.autocast(options.device, dtype=dtype, enabled=setting.amp):
            logits = model(inputs)
        if setting.fused:
            return fused_losses(logits.float(), targets, BCE_WEIGHT, models)[2].sum()
        return losses(logits.float(), targets, BCE_WEIGHT)[2]

    if setting.compile:
        loss_of_batch = torch.compile(loss_of_batch, mode=setting.compile)

    def step():
        optimizer.zero_grad(set_to_none=not setting.fused)
        loss = loss_of_batch()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return loss.detach()

    return capture(step, optimizer) if setting.graphs else step
