# SPDX-License-Identifier: MIT
"""Weights made of others, so that a test of several networks trains one."""
import json
import struct

import numpy as np


def _read(path):
    with open(path, 'rb') as file:
        size, = struct.unpack('<Q', file.read(8))
        return json.loads(file.read(size)), file.read()


def derive(path, to, noise=0, seed=0, **options):
    """Weights with some noise (of the mean of a tensor's absolute values) and other options."""
    header, data = _read(path)
    data = bytearray(data)
    random = np.random.default_rng(seed)
    for name, tensor in header.items():
        if noise and name.endswith('weight') and tensor['dtype'] == 'F32':
            first, end = tensor['data_offsets']
            values = np.frombuffer(bytes(data[first:end]), '<f4')
            values = values + noise * np.abs(values).mean() * random.standard_normal(values.shape)
            data[first:end] = values.astype('<f4').tobytes()
    described = json.loads(header['__metadata__']['options'])
    header['__metadata__']['options'] = json.dumps({**described, **options})
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(to, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + data)
