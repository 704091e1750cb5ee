#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Networks that vkgrid trained, in PyTorch.

    import vkgrid_unet
    model = vkgrid_unet.load("best_anat.safetensors")       # nn.Module in eval mode
    probabilities = model.predict("data", "sub01")          # numpy, [labels][rows][columns]
    logits = model(model.preprocess("data", "sub01"))       # [1][labels][rows][columns]
    logits = model(model.prepare([t1, t2]))                 # of arrays, [rows][columns], in the order of model.features

    vkgrid_unet.py export best_anat.safetensors model.onnx  # ONNX, opset 17, any batch size
    vkgrid_unet.py predict best_anat.safetensors DATA SAMPLE OUT.npy

Needs PyTorch 1.11 or later and NumPy; Pillow where a data set has PNG files. A file of torch.save (what `vkgrid convert` and
`--format pt` write) is taken too, with its options: load("model.pt", "options.json"); those that convert wrote beside it
(model.options.json) are found. On the command line they are the last argument: export model.pt model.onnx options.json.
"""
import glob
import inspect
import json
import os
import re
import struct
import sys

import numpy
import torch
from torch import nn

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}  # of the four stages of a ResNet
OPSET = 17


# --- Network: docs/spec.md, section 3 ---


class BasicBlock(nn.Module):
    """The residual block of ResNet-18 and -34, with torchvision's names."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(x)) + shortcut)


def stage(inputs, outputs, count):
    strides = [1 if inputs == outputs else 2] + [1] * (count - 1)
    return nn.Sequential(*(BasicBlock(inputs if i == 0 else outputs, outputs, stride) for i, stride in enumerate(strides)))


def conv_relu(inputs, outputs, kernel):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.ReLU())


class UNet(nn.Module):
    """x [N][features][rows][columns], both multiples of 32 -> logits [N][labels][rows][columns]."""

    def __init__(self, base_model, features, labels):
        super().__init__()
        blocks = BLOCKS[base_model]
        self.layer0 = nn.Sequential(nn.Conv2d(features, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU())
        self.layer0_1x1 = conv_relu(64, 64, 1)
        self.layer1 = nn.Sequential(nn.MaxPool2d(3, 2, 1), stage(64, 64, blocks[0]))
        self.layer1_1x1 = conv_relu(64, 64, 1)
        self.layer2 = stage(64, 128, blocks[1])
        self.layer2_1x1 = conv_relu(128, 128, 1)
        self.layer3 = stage(128, 256, blocks[2])
        self.layer3_1x1 = conv_relu(256, 256, 1)
        self.layer4 = stage(256, 512, blocks[3])
        self.layer4_1x1 = conv_relu(512, 512, 1)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.conv_up3 = conv_relu(512 + 256, 512, 3)
        self.conv_up2 = conv_relu(512 + 128, 256, 3)
        self.conv_up1 = conv_relu(256 + 64, 256, 3)
        self.conv_up0 = conv_relu(256 + 64, 128, 3)
        self.conv_original_size0 = conv_relu(features, 64, 3)
        self.conv_original_size1 = conv_relu(64, 64, 3)
        self.conv_original_size2 = conv_relu(128 + 64, 64, 3)
        self.conv_last = nn.Conv2d(64, labels, 1)

    def forward(self, x):
        skips = []
        y = x
        for layer, skip in (
            (self.layer0, self.layer0_1x1),
            (self.layer1, self.layer1_1x1),
            (self.layer2, self.layer2_1x1),
            (self.layer3, self.layer3_1x1),
            (self.layer4, self.layer4_1x1),
        ):
            y = layer(y)
            skips.append(skip(y))
        y = skips.pop()
        for conv in self.conv_up3, self.conv_up2, self.conv_up1, self.conv_up0:
            y = conv(torch.cat([self.up(y), skips.pop()], 1))
        original = self.conv_original_size1(self.conv_original_size0(x))
        return self.conv_last(self.conv_original_size2(torch.cat([self.up(y), original], 1)))


class Model(UNet):
    """A U-Net that knows its features, its labels and how its inputs are made (docs/spec.md, section 5)."""

    def __init__(self, options):
        features, labels = members(options, "inputs"), members(options, "prediction")
        super().__init__(options["base_model"], len(features), len(labels))
        self.options = options
        self.features, self.labels = features, labels
        self.sources = members(options, "inputs", sources=True)
        self.image_size = tuple(options["image_size"])
        self.normalize = normalize_of(options, features)
        self.statistics = options.get("statistics", {})  # of the training data: min, max, mean, sd of each feature
        for feature, normalize in zip(features, self.normalize):
            if normalize == "dataset" and feature not in self.statistics:
                raise ValueError(f"{feature}: its normalisation needs options with \"statistics\" (of the training data)")

    def preprocess(self, folder, sample):
        """The sample's features as the network takes them: [1][features][rows][columns]."""
        try:
            return self.prepare([read_feature(folder, source, sample) for source in self.sources])
        except ValueError as error:
            raise ValueError(f"{folder}: {sample}: {error}") from error

    def prepare(self, images):
        """The same of arrays in the order of the features, [rows][columns] with the values that vkgrid reads; None: zeros."""
        images = [None if image is None else numpy.asarray(image, "f4") for image in images]
        shapes = {image.shape for image in images if image is not None}
        if len(shapes) != 1:
            raise ValueError(f"its arrays have the shapes {sorted(shapes)}: one is wanted")
        shape = next(iter(shapes))
        scales = [self.scale(i, image) for i, image in enumerate(images)]
        channels = [numpy.zeros(shape, "f4") if image is None else fill(image, scale) for image, scale in zip(images, scales)]
        inputs = resize(torch.from_numpy(numpy.stack(channels))[None], self.image_size)
        for i, scale in enumerate(scales):
            if scale:
                _, mean, sd = scale
                inputs[:, i] = ((inputs[:, i].double() - mean) / sd).float() if sd > 0 else 0
        return inputs

    def scale(self, i, image):
        """Of an image of feature i: what NaN becomes, mean and sd that it is normalised by; None: it is not."""
        normalize = self.normalize[i]
        if normalize == "none":
            return None
        own = mean_and_sd(image)
        if own is None:
            return 0.0, 0.0, 0.0
        trained = self.statistics.get(self.features[i]) if normalize == "dataset" else None
        if normalize == "dataset":
            return (own[0], trained["mean"], trained["sd"]) if trained else (own[0], 0.0, 0.0)
        return own[0], *own

    def predict(self, folder, sample):
        """Probabilities [labels][rows][columns] at the network's image size."""
        weight = self.conv_last.weight
        with torch.no_grad():
            logits = self(self.preprocess(folder, sample).to(weight.device, weight.dtype))
        return torch.sigmoid(logits)[0].cpu().numpy()


# --- Data ---

READ = (".npy", ".png", ".pt")
NOT_READ = (".tif", ".tiff", ".jpg", ".jpeg", ".mgz", ".mgh", ".nii", ".nii.gz")  # but by vkgrid itself


def read_png(path):
    """Values from 0 to 1: [rows][columns] of grey, also where that is stored as colour, else [rows][columns][channels]."""
    from PIL import Image

    with open(path, "rb") as file:
        depth, kind = file.read(26)[24:26].ljust(2, b"\0")  # of IHDR, which is the first chunk
    if depth == 16 and kind != 0:
        raise ValueError(f"{path}: colours or alpha of 16 bits: Pillow would cut them to 8: save it as .npy, divided by 65535")
    with Image.open(path) as image:
        if image.mode == "P":
            image = image.convert("RGBA")
        if image.mode not in ("1", "L", "LA", "RGB", "RGBA", "I", "I;16", "I;16B"):
            raise ValueError(f"{path}: an image of mode {image.mode}: grey, RGB and palettes are read")
        high = {"1": 1, "I": 65535, "I;16": 65535, "I;16B": 65535}.get(image.mode, 255)
        values = numpy.asarray(image).astype("f4") / numpy.float32(high)
    return values


def is_grey(values):
    """Of a picture: its colours are equal, and it is opaque."""
    colours = values[:, :, :-1] if values.shape[2] in (2, 4) else values
    return bool((colours == colours[:, :, :1]).all() and (colours.shape == values.shape or (values[:, :, -1] == 1).all()))


def take_channel(values, channel, picture, path):
    """One channel of an array or a picture, as docs/data.md has it."""
    values = values.reshape([n for n in values.shape if n > 1]) if values.ndim > 2 and 1 in values.shape else values
    if values.ndim == 3 and not picture and values.shape[0] < values.shape[2]:
        values = numpy.moveaxis(values, 0, 2)
    if values.ndim == 3 and channel is None and picture and is_grey(values):
        channel = 0
    if values.ndim == 3 and channel is not None:
        return values[:, :, channel]
    if values.ndim != 2 or channel:
        raise ValueError(f"{path}: {values.ndim} dimensions: 2 are wanted, or 3 and a channel, as in \"photo[0]\"")
    return values


def sample_of(files, path):
    """Whose file that is: what stands for the "{}" of a path, joined by "_", one that is equal to the one before it once."""
    parts = []
    for part, name in zip(files.split("/"), path.split("/")):
        found = re.fullmatch(re.escape(part).replace(r"\{\}", "(.+)"), name)
        if not found:
            return None
        if found.groups() and parts[-1:] != [found[1]]:
            parts.append(found[1])
    return "_".join(parts)


def find_stem(folder, files, sample):
    """The path of a sample's file without its extension. files: a folder, or a path with "{}" for the sample."""
    if files.count("{}") < 2:
        return os.path.join(folder, files.replace("{}", sample) if "{}" in files else os.path.join(files, sample))
    pattern = "/".join("*".join(glob.escape(text) for text in part.split("{}")) for part in files.split("/"))
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), pattern + ".*"))):
        stem = os.path.splitext(path)[0]
        if sample_of(files, os.path.relpath(stem, folder)) == sample:
            return stem
    raise FileNotFoundError(f"{folder}: no file {files} of {sample}")


def find_file(stem):
    """The path of the file without extension that is named, in whatever case that is, and the extension in lower case."""
    folder, name = os.path.split(stem)
    for extension in READ:
        if os.path.exists(stem + extension):
            return stem + extension, extension
    others = [file for file in sorted(os.listdir(folder or ".")) if file.startswith(name + ".")]
    for file in others:
        extension = file[len(name) :].lower()
        if extension in READ:
            return os.path.join(folder, file), extension
    for file in others:
        if file[len(name) :].lower() in NOT_READ:
            path = os.path.join(folder, file)
            raise ValueError(f"{path}: {', '.join(READ)} files are read here: prepare() takes arrays of others")
    raise FileNotFoundError(f"{stem}: no {', '.join(READ)} file")


def read_feature(folder, source, sample):
    """A 2-D array; None for "null", which is zeros. source: a folder or path, or "folder[i]" for a channel of its files."""
    if source == "null":
        return None
    named = re.fullmatch(r"(.+)\[(\d{1,9})\]", source)
    channel = int(named[2]) if named else None
    stem = find_stem(folder, named[1] if named else source, sample)
    path, extension = find_file(stem)
    if extension == ".npy":
        values = numpy.load(path, allow_pickle=False).astype("f4")
    elif extension == ".png":
        values = read_png(path)
    else:
        values = load_torch(path).float().numpy()
    return take_channel(values, channel, extension == ".png", stem)


def normalize_of(options, features):
    """What holds for each feature: none, zscore or dataset (docs/data.md)."""
    given = options.get("normalize", "none")
    return [given.get(feature, "none") if isinstance(given, dict) else given for feature in features]


def mean_and_sd(image):
    """In double precision, without NaN; None: there is nothing else."""
    values = numpy.zeros(0) if image is None else image[~numpy.isnan(image)].astype("f8")
    if not values.size:
        return None
    return (float(values[0]), 0.0) if values.min() == values.max() else (values.mean(), values.std())


def fill(image, scale):
    """An image that is normalised has its mean in the place of NaN."""
    return numpy.where(numpy.isnan(image), numpy.float32(scale[0]), image) if scale else image


def resize(images, size):
    """[N][C][rows][columns] to another size: bilinear, antialiased; NaN becomes 0 first."""
    images = torch.nan_to_num(images, nan=0.0, posinf=float("inf"), neginf=float("-inf"))
    if tuple(images.shape[2:]) == tuple(size):
        return images
    return nn.functional.interpolate(images, size=tuple(size), mode="bilinear", align_corners=False, antialias=True)


# --- Files ---

TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1"}


def read_safetensors(path):
    """The tensors, and the options that vkgrid put into the file's metadata (None: it has none), with "statistics" of the
    training data where the file has them."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    options = json.loads(metadata["options"]) if "options" in metadata else None
    if options and "statistics" in metadata:
        options["statistics"] = json.loads(metadata["statistics"])
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        array = numpy.frombuffer(data[first:last], TYPES[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(array.copy())
    return tensors, options


def load_torch(path):
    if "weights_only" in inspect.signature(torch.load).parameters:  # PyTorch 1.13 and later
        return torch.load(path, map_location="cpu", weights_only=True)
    raise RuntimeError(f"{path}: PyTorch 1.13 or later reads it safely: convert it to .safetensors for an older one")


def members(options, kind, sources=False):
    """The names of the channels of options["inputs"] or options["prediction"], or their sources."""
    members = options["features"][kind][options[kind]]
    return list(members.values() if sources and isinstance(members, dict) else members)


def options_beside(path):
    """The name of the options that `vkgrid convert` wrote beside a file of torch.save; None: it is not there."""
    beside = os.path.splitext(path)[0] + ".options.json"
    return beside if os.path.exists(beside) else None


def load(path, options=None):
    """The network of a weights file, in eval mode. options: what is known of it, or the name of such a file (options.json),
    where neither the weights file nor one beside it says it."""
    with open(path, "rb") as file:
        is_torch = file.read(4) == b"PK\x03\x04"
    tensors, described = (load_torch(path), None) if is_torch else read_safetensors(path)
    options = options or (options_beside(path) if is_torch else None)
    if isinstance(options, (str, os.PathLike)):
        with open(options, encoding="utf-8") as file:
            options = json.load(file)
    if options and described and "statistics" in described:
        options = {"statistics": described["statistics"], **options}
    options = options or described
    if not options:
        raise ValueError(f"{path}: does not say what its network is: options are needed")
    model = Model(options)
    model.load_state_dict(tensors, strict=True)
    return model.eval()


# --- ONNX ---


class Probabilities(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return torch.sigmoid(self.model(x))


def export(model, path):
    """An ONNX file: "images" [batch][features][rows][columns] -> "probabilities" [batch][labels][rows][columns]. The batch is
    free, the image size is the network's. The network's options stand in the file's metadata."""
    images = torch.zeros(2, len(model.features), *model.image_size)
    axes = {"images": {0: "batch"}, "probabilities": {0: "batch"}}
    more = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    torch.onnx.export(
        Probabilities(model).eval(),
        (images,),
        path,
        input_names=["images"],
        output_names=["probabilities"],
        dynamic_axes=axes,
        opset_version=OPSET,
        **more,
    )
    with open(path, "ab") as file:
        file.write(metadata_property("options", json.dumps(model.options)))


def metadata_property(key, value):
    """An entry of an ONNX file's metadata_props (field 14 of ModelProto, onnx.proto). Protocol Buffers let a repeated field go on
    at a file's end, so that Python's onnx need not be there."""

    def field(number, data):
        size, varint = len(data), b""
        while size >= 128:
            varint += bytes([size % 128 + 128])
            size //= 128
        return bytes([number << 3 | 2]) + varint + bytes([size]) + data

    return field(14, field(1, key.encode()) + field(2, value.encode()))


def run(arguments):
    """False: they are not understood."""
    command, count = arguments[0] if arguments else "", len(arguments)
    if command == "export" and count in (3, 4):
        export(load(arguments[1], *arguments[3:]), arguments[2])
    elif command == "predict" and count in (5, 6):
        numpy.save(arguments[4], load(arguments[1], *arguments[5:]).predict(*arguments[2:4]))
    else:
        return False
    return True


def main(arguments):
    try:
        understood = run(arguments)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        print(f"vkgrid_unet.py: {error}", file=sys.stderr)
        return 1
    if not understood:
        print(__doc__.strip(), file=sys.stderr)
    return 0 if understood else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
