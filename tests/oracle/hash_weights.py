# SPDX-License-Identifier: MIT
"""Weights and samples from an integer hash; the twin of tests/hash_weights.h, bit for bit."""
import math

import numpy


def uniform(name, seed, count):
    """`count` numbers in [0, 1) with 24 bits: FNV-1a of the name, then a 32-bit mixer (Wellons' lowbias32)."""
    key = 2166136261 ^ seed
    for byte in name.encode():
        key = (key ^ byte) * 16777619 & 0xFFFFFFFF
    x = numpy.arange(count, dtype=numpy.uint32) * numpy.uint32(0x9E3779B9) + numpy.uint32(key)
    x ^= x >> numpy.uint32(16)
    x *= numpy.uint32(0x7FEB352D)
    x ^= x >> numpy.uint32(15)
    x *= numpy.uint32(0x846CA68B)
    x ^= x >> numpy.uint32(16)
    return (x >> numpy.uint32(8)).astype(numpy.float64) / 16777216


def state(name, seed, shape):
    """A tensor of the network's state as float32, by the kind that its name and rank tell."""
    if len(shape) == 4:  # convolution: activations keep their variance through a ReLU
        bound = math.sqrt(6 / (shape[1] * shape[2] * shape[3]))
        low, high = -bound, bound
    elif name.endswith("bn2.weight"):  # last of a block: keeps the sum over the blocks in range
        low, high = 0.2, 0.6
    elif name.endswith((".weight", ".running_var")):
        low, high = 0.5, 1.5
    else:
        low, high = -0.2, 0.2
    values = low + (high - low) * uniform(name, seed, math.prod(shape))
    return values.astype(numpy.float32).reshape(shape)


def inputs(seed, shape):
    """Samples [N][H][W][F] in [0, 1)."""
    return uniform("inputs", seed, math.prod(shape)).astype(numpy.float32).reshape(shape)


def targets(seed, shape):
    """Targets [N][H][W][K]: two in five are 0, two in five are 1, the rest in between."""
    u = uniform("targets", seed, math.prod(shape))
    return numpy.clip(5 * u - 2, 0, 1).astype(numpy.float32).reshape(shape)
