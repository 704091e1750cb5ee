# SPDX-License-Identifier: MIT
"""Safetensors files: u64 length of the header, JSON header, raw little-endian data. float32 and int64 only."""
import json
import struct

import numpy

TYPES = {"F32": numpy.dtype("<f4"), "I64": numpy.dtype("<i8")}


def write(path, tensors, metadata=None):
    """tensors: a dict of names to arrays; integers are written as I64, everything else as F32."""
    header, chunks, offset = {}, [], 0
    if metadata:
        header["__metadata__"] = metadata
    for name, values in tensors.items():
        values = numpy.asarray(values)
        kind = "I64" if values.dtype.kind in "iu" else "F32"
        data = values.astype(TYPES[kind]).tobytes()
        header[name] = {
            "dtype": kind,
            "shape": list(values.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        chunks.append(data)
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(chunks))


def read(path):
    """A dict of names to arrays."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            values = numpy.frombuffer(data[first:last], TYPES[entry["dtype"]])
            tensors[name] = values.reshape(entry["shape"]).copy()
    return tensors
