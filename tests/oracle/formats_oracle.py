# SPDX-License-Identifier: MIT
"""NumPy and PyTorch as judges of vkgrid's readers and writers.

formats_oracle.py probe         exit 0 when PyTorch can be imported, else say why not and exit 1
formats_oracle.py files DIR     write files that vkgrid must read; the values follow a rule that the test knows
formats_oracle.py written DIR   judge the files that vkgrid wrote there
formats_oracle.py resize DIR    write SIZES.in.npy and SIZES.out.npy: antialiased resizing
"""
import json
import os
import struct
import sys


def pattern(count, signed):
    """The values of every array: small whole numbers that every type holds."""
    import numpy

    return numpy.arange(count) * 7 % 32 - (16 if signed else 0)


def write_npy(folder):
    import numpy

    for name in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4"):
        values = pattern(35, not name.startswith("u")).reshape(5, 7)
        for order in "<>":
            for layout in "CF":
                array = numpy.asarray(values, dtype=order + name, order=layout)
                side = "little" if order == "<" else "big"
                numpy.save(f"{folder}/{name}-{side}-{layout}.npy", array)
    numpy.save(f"{folder}/b1-little-C.npy", pattern(35, False).reshape(5, 7) % 2 == 1)
    numpy.lib.format.write_array(open(f"{folder}/version-2.npy", "wb"), pattern(35, True).reshape(5, 7).astype("f4"), (2, 0))


TYPES = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")


def write_torch(folder):
    import torch

    state = {}
    for name in TYPES:
        values = torch.from_numpy(pattern(35, name not in ("uint8", "bool"))).reshape(5, 7)
        values = values % 2 == 1 if name == "bool" else values.to(getattr(torch, name))
        torch.save(values, f"{folder}/{name}.pt")
        torch.save(values.t().contiguous().t(), f"{folder}/{name}-transposed.pt")
        state[name] = values
    wide = torch.from_numpy(pattern(35, True)).reshape(5, 7).float()
    padded = torch.full((9, 20), 99.0)
    padded[2:7, 3:17:2] = wide
    torch.save(padded[2:7, 3:17:2], f"{folder}/view.pt")
    torch.save(torch.nn.Parameter(wide), f"{folder}/parameter.pt")
    torch.save(state, f"{folder}/dict.pt")
    layers = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    with torch.no_grad():
        layers[0].weight.copy_(torch.from_numpy(pattern(54, True)).reshape(3, 2, 3, 3))
    torch.save(layers.state_dict(), f"{folder}/state.pt")
    torch.save(layers, f"{folder}/module.pt")
    torch.save({"state_dict": layers.state_dict(), "epoch": 3}, f"{folder}/checkpoint.pt")
    write_checkpoints(folder, layers)
    torch.save(wide, f"{folder}/legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(wide.to(torch.complex64), f"{folder}/complex.pt")


def write_checkpoints(folder, layers):
    """What training programs keep beside the weights."""
    import argparse
    import collections

    import numpy
    import torch

    state = layers.state_dict()
    optimizer = torch.optim.Adam(layers.parameters())
    layers(torch.zeros(2, 2, 5, 5)).sum().backward()
    optimizer.step()
    layers.load_state_dict({k: v.clone() for k, v in state.items()})
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5])
    training = {
        "epoch": 3,
        "model": state,
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "args": argparse.Namespace(lr=0.1, text="two\nlines", empty=None, sizes=(1, 2)),
        "best": numpy.float64(0.5),
        "history": collections.defaultdict(list, {"loss": [0.5, -1e-3]}),
        "shape": torch.Size([2, 3]),
        "device": torch.device("cpu"),
    }
    torch.save(state, f"{folder}/legacy-state.pt", _use_new_zipfile_serialization=False)
    torch.save(training, f"{folder}/legacy-training.pt", _use_new_zipfile_serialization=False)
    torch.save(training, f"{folder}/training.pt")
    for protocol in (4, 5):
        torch.save(state, f"{folder}/protocol{protocol}.pt", pickle_protocol=protocol)
    torch.save({"model": {"state_dict": state}}, f"{folder}/nested.pt")
    torch.save({**state, "epochs": [1, 2]}, f"{folder}/mixed.pt")


def read_safetensors(path):
    """The format's own definition, not vkgrid's code."""
    import numpy

    with open(path, "rb") as file:
        data = file.read()
    (size,) = struct.unpack("<Q", data[:8])
    assert size % 8 == 0, "header is not aligned"
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    arrays, end = {}, 0
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        assert first == end, "data is not contiguous"
        end = last
        dtype = {"F32": "<f4", "I64": "<i8"}[entry["dtype"]]
        arrays[name] = numpy.frombuffer(data[8 + size + first : 8 + size + last], dtype).reshape(entry["shape"])
    assert len(data) == 8 + size + end, "bytes after the data"
    return arrays, metadata


def judge_torch(path, wanted):
    import zipfile

    import torch

    state = torch.load(path, weights_only=True)
    assert type(state).__name__ == "OrderedDict" and list(state) == ["weight", "batches", "empty"], state
    assert torch.equal(state["weight"], torch.from_numpy(wanted).float()) and state["weight"].is_contiguous()
    assert state["batches"].dtype == torch.int64 and state["batches"].shape == () and state["batches"] == 2**40
    assert state["empty"].shape == (0, 3)
    assert all(torch.equal(torch.load(path)[name], value) for name, value in state.items())
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for member in archive.infolist():
            with open(path, "rb") as file:
                file.seek(member.header_offset)
                head = file.read(30)
            start = member.header_offset + 30 + sum(struct.unpack("<HH", head[26:]))
            assert start % 64 == 0, member


def judge_written(folder):
    import numpy

    wanted = pattern(24, True).reshape(2, 3, 4)
    array = numpy.load(f"{folder}/written.npy")
    assert array.dtype == numpy.float32 and numpy.array_equal(array, wanted), array
    arrays, metadata = read_safetensors(f"{folder}/written.safetensors")
    assert metadata == {"format": "pt"}, metadata
    assert list(arrays) == ["weight", "batches"], list(arrays)
    assert arrays["weight"].dtype == numpy.float32 and numpy.array_equal(arrays["weight"], wanted)
    assert arrays["batches"].shape == () and arrays["batches"] == 2**40
    judge_torch(f"{folder}/written.pt", wanted)
    try:
        from PIL import Image
    except ImportError:
        print("PNG not judged: no PIL")
        return
    grey = numpy.array(Image.open(f"{folder}/grey.png"))
    assert grey.dtype == numpy.uint8 and numpy.array_equal(grey, pattern(35, False).reshape(5, 7))
    colour = numpy.array(Image.open(f"{folder}/colour.png"))
    assert numpy.array_equal(colour, pattern(105, False).reshape(5, 7, 3))


SIZES = (
    (512, 1024, 128, 256),
    (97, 61, 32, 33),
    (61, 97, 60, 13),
    (10, 10, 3, 7),
    (1000, 37, 32, 64),
    (5, 7, 32, 64),
    (64, 200, 64, 31),
    (200, 64, 31, 64),
    (1, 9, 4, 4),
    (2048, 3, 1, 1),
    (33, 2047, 32, 96),
)


def write_resized(folder):
    import numpy
    import torch

    torch.manual_seed(1)
    for rows, cols, new_rows, new_cols in SIZES:
        image = torch.rand(1, 1, rows, cols)
        resized = torch.nn.functional.interpolate(
            image, size=(new_rows, new_cols), mode="bilinear", antialias=True, align_corners=False
        )
        name = f"{folder}/{rows}x{cols}-{new_rows}x{new_cols}"
        numpy.save(f"{name}.in.npy", image[0, 0].numpy())
        numpy.save(f"{name}.out.npy", resized[0, 0].numpy())


def main():
    command, folder = sys.argv[1], sys.argv[-1]
    if command == "probe":
        try:
            import torch  # noqa: F401
        except ImportError as reason:
            print(f"skipped: {sys.executable} cannot import PyTorch: {reason}")
            return 1
        return 0
    os.makedirs(folder, exist_ok=True)
    if command == "files":
        write_npy(folder)
        write_torch(folder)
    elif command == "written":
        judge_written(folder)
    elif command == "resize":
        write_resized(folder)
    else:
        print(__doc__)
        return 2
    return 0


sys.exit(main())
