# SPDX-License-Identifier: MIT
"""Judges weights that vkgrid wrote, and contrib/pytorch.

pytorch_test.py prepare DATA                        makes features "holes" (NaN, .npy) and "saved" (.pt), and a checkpoint.pth
pytorch_test.py model_cache CACHE INPUTS PREDICTION the folder is what unet() of visual_autolabel reads
pytorch_test.py same DATA APPLIED WEIGHTS [OPTIONS] contrib/pytorch predicts what apply predicted
pytorch_test.py equal A B                           two safetensors files have the same contents
pytorch_test.py note A B                            B is A with a note of how images were flattened
pytorch_test.py batch DATA WEIGHTS OUT              the three samples as the network takes them
pytorch_test.py onnx FILE                           onnx's checker takes it
pytorch_test.py runtime FILE BATCH APPLIED          ONNX Runtime predicts what apply predicted
pytorch_test.py formats FOLDER                      the files that contrib/pytorch reads, refuses, and arrays of any type
"""
import csv
import json
import os
import struct
import sys
import zlib

import numpy

SAMPLES = ("sub01", "sub02", "sub03")
BOUND = 1e-4


def prepare(data):
    import os

    import torch

    random = numpy.random.default_rng(1)
    for feature in "holes", "saved":
        os.makedirs(f"{data}/{feature}")
    for sample in SAMPLES:
        values = random.normal(size=(100, 160)).astype("f4")
        torch.save(torch.from_numpy(values.T.copy()).t(), f"{data}/saved/{sample}.pt")
        values[random.random(values.shape) < 0.1] = numpy.nan
        numpy.save(f"{data}/holes/{sample}.npy", values)
    torch.save({"state_dict": {"module.a": torch.ones(2), "module.b": torch.arange(3)}, "epoch": 1}, "checkpoint.pth")


def model_cache(cache, inputs, prediction):
    """The steps of unet(inputs, prediction, part, model_cache_path), with a network of torchvision's ResNet."""
    import torch
    import unet_torch

    folder = f"{cache}/{inputs}_{prediction}"
    with open(f"{folder}/options.json", encoding="utf-8") as file:
        options = json.load(file)
    with open(f"{folder}/plan.json", encoding="utf-8") as file:
        plan = json.load(file)
    state = torch.load(f"{folder}/model.pt", weights_only=True)
    model = unet_torch.UNet(options["base_model"], state["layer0.0.weight"].shape[1], state["conv_last.weight"].shape[0])
    assert list(state) == list(model.state_dict()), "order of the tensors"
    model.load_state_dict(state, strict=True)
    assert options["inputs"] == inputs and options["prediction"] == prediction and "partition" in options, options
    assert [set(each) >= {"lr", "gamma", "bce_weight", "batch_size", "num_epochs"} for each in plan] == [True], plan
    with open(f"{folder}/training.tsv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert rows[0]["input"] == inputs and float(rows[0]["dice"]) > 0, rows


def compare(name, mine, applied):
    difference = max(numpy.abs(mine[i] - numpy.load(f"{applied}/{sample}.npy")).max() for i, sample in enumerate(SAMPLES))
    print(f"{name}: {difference:.1e} from apply")
    assert difference <= BOUND, difference


def same(data, applied, weights, options=None):
    import torch
    import unet_torch
    import vkgrid_unet

    model = vkgrid_unet.load(weights, options)
    assert not model.training and model.labels == ["V1", "V2", "V3"], model.labels
    mine = [model.predict(data, sample) for sample in SAMPLES]
    assert numpy.ptp(mine[0]) > 0.1, "it predicts the same everywhere"
    compare(weights, mine, applied)
    judge = unet_torch.UNet(model.options["base_model"], len(model.features), len(model.labels)).eval()
    judge.load_state_dict(model.state_dict(), strict=True)
    with torch.no_grad():
        logits = judge(model.preprocess(data, SAMPLES[0]))
    assert numpy.abs(torch.sigmoid(logits)[0].numpy() - mine[0]).max() <= 1e-6, "another network than torchvision's"


def header(path):
    """The header's JSON, and the bytes after it."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(size)), file.read()


def note(a, b):
    head, data = header(a)
    head["__metadata__"]["flatten"] = json.dumps({"radius": 1.0, "rows": 64})
    text = json.dumps(head).encode()
    with open(b, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def equal(a, b):
    import vkgrid_unet

    said, says = header(a)[0]["__metadata__"], header(b)[0]["__metadata__"]
    assert said.keys() == says.keys() and said["vkgrid"] == says["vkgrid"], (said, says)
    for key in said.keys() & {"options", "flatten"}:
        assert json.loads(said[key]) == json.loads(says[key]), (said, says)
    left, right = vkgrid_unet.read_safetensors(a)[0], vkgrid_unet.read_safetensors(b)[0]
    assert list(left) == list(right) and all((left[name] == right[name]).all() for name in left)


def batch(data, weights, out):
    import torch
    import vkgrid_unet

    model = vkgrid_unet.load(weights)
    numpy.save(out, torch.cat([model.preprocess(data, sample) for sample in SAMPLES]).numpy())


def onnx(path):
    import onnx as checker

    network = checker.load(path)
    checker.checker.check_model(network, full_check=True)
    assert [each.version for each in network.opset_import] == [17], network.opset_import
    (said,) = network.metadata_props
    assert said.key == "options" and json.loads(said.value)["inputs"] == "own", said


def runtime(path, inputs, applied):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    images = numpy.load(inputs)
    together = session.run(["probabilities"], {"images": images})[0]
    alone = [session.run(None, {"images": images[i : i + 1]})[0][0] for i in range(len(images))]
    compare("ONNX Runtime, a batch", together, applied)
    compare("ONNX Runtime, one by one", alone, applied)
    assert json.loads(session.get_modelmeta().custom_metadata_map["options"])["base_model"] == "resnet18"


def paths(folder):
    """Sources that are paths reach the files that vkgrid reads by them."""
    import vkgrid_unet

    for files, sample, path in (
        ("t1", "s1", "t1/s1"),
        ("imagesTr/{}_0000", "c_1", "imagesTr/c_1_0000"),
        ("{}/image", "c1", "c1/image"),
        ("{}/{}_flair", "B_1", "B_1/B_1_flair"),
        ("{}/images/{}", "train_a_1", "train/images/a_1"),
        ("images{}/{}_0000", "Ts_c", "imagesTs/c_0000"),
    ):
        os.makedirs(os.path.join(folder, os.path.dirname(path)), exist_ok=True)
        numpy.save(os.path.join(folder, path), numpy.zeros((2, 3), "f4"))
        found = vkgrid_unet.find_stem(folder, files, sample)
        assert found == os.path.join(folder, path), (files, sample, found)
        assert vkgrid_unet.read_feature(folder, files, sample).shape == (2, 3)


def formats(folder):
    """Which files are read, and that nothing is read otherwise than vkgrid does without a word."""
    import PIL.Image
    import torch
    import vkgrid_unet

    random = numpy.random.default_rng(1)
    picture = random.integers(0, 256, (40, 50), "u1")
    os.makedirs(f"{folder}/t1")
    PIL.Image.fromarray(picture).save(f"{folder}/t1/a.PNG", "png")
    numpy.save(open(f"{folder}/t1/b.NPY", "wb"), picture)
    torch.save(torch.from_numpy(picture), f"{folder}/t1/c.Pt")
    for sample, wanted in ("a", picture / 255), ("b", picture), ("c", picture):
        got = vkgrid_unet.read_feature(folder, "t1", sample)
        assert got.dtype == numpy.float32 and (got == wanted.astype("f4")).all(), sample
    PIL.Image.fromarray(picture).save(f"{folder}/t1/d.tif")
    PIL.Image.fromarray(picture.astype("i4") * 257, "I").save(f"{folder}/t1/f.png")  # grey of 16 bits
    assert (vkgrid_unet.read_feature(folder, "t1", "f") == (picture / 255).astype("f4")).all(), "grey of 16 bits"
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(f"{folder}/t1/e.png", "wb") as file:  # RGB of 16 bits
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0))
                   + chunk(b"IDAT", zlib.compress((b"\0" + b"\x12\x34" * 12) * 4)) + chunk(b"IEND", b""))
    for sample, source, kind, text in (("d", "t1", ValueError, "d.tif: .npy, .png, .pt files are read here"),
                                       ("e", "t1[0]", ValueError, "colours or alpha of 16 bits"),
                                       ("g", "t1", FileNotFoundError, "no .npy, .png, .pt file")):
        try:
            vkgrid_unet.read_feature(folder, source, sample)
            raise AssertionError(f"{sample} is read")
        except kind as error:
            assert text in str(error), error

    names = {"features": {"inputs": {"own": ["t1", "t2"]}, "prediction": {"area": ["V1"]}}, "inputs": "own", "prediction": "area"}
    for normalize in "none", "zscore":
        model = vkgrid_unet.Model({**names, "base_model": "resnet18", "image_size": [32, 32], "normalize": normalize}).eval()
        wanted = model.prepare([picture.astype("f4"), None])
        for kind in "u1", "u2", "i8", "f8":
            got = model.prepare([picture.astype(kind), None])
            assert got.dtype == torch.float32 and torch.equal(got, wanted), (normalize, kind)
        model(model.prepare([picture, picture.astype("f8")]))


globals()[sys.argv[1]](*sys.argv[2:])
