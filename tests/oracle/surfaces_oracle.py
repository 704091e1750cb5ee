# SPDX-License-Identifier: MIT
"""nibabel (and connectome-workbench, where it is there) as judges of readers and writers of surfaces.

surfaces_oracle.py probe           exit 0 when nibabel can be imported, else say why not and exit 1
surfaces_oracle.py make DIR DATA   write files of every kind to DIR; DIR/list names them and the real ones under DATA, as
                                   "KIND PATH" each, for vkgrid to read
surfaces_oracle.py read DIR        judge what vkgrid read: DIR/NUMBER.*.npy and DIR/NUMBER.entries of each line of the list
surfaces_oracle.py written DIR     judge the files that vkgrid wrote there
"""
import base64
import gzip
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

NAMES = ("unknown", "V1", "V2 <&>", "primär")
COLORS = ((25, 5, 25, 255), (255, 0, 0, 255), (0, 255, 0, 128), (1, 2, 3, 0))  # red, green, blue, alpha


def pattern(count):
    """Whole numbers that every type holds."""
    import numpy

    return numpy.arange(count) * 7 % 32


def tetrahedron():
    import numpy

    points = numpy.array([[0, 0, 0.1], [1, -2.5, 0], [1e-3, 3, 100], [-7, 1, 1 / 3]], "f4")
    return points, numpy.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [3, 2, 1]], "i4")


def make_freesurfer(folder):
    import numpy
    from nibabel.freesurfer import io

    place = {
        "head": numpy.array([2, 0, 20]), "valid": "1  # volume info valid", "filename": "../mri/T1.mgz",
        "volume": numpy.array([256, 256, 256]), "voxelsize": numpy.ones(3), "xras": numpy.array([-1, 0, 0]),
        "yras": numpy.array([0, 0, -1]), "zras": numpy.array([0, 1, 0]), "cras": numpy.array([1.5, 2, 3]),
    }
    io.write_geometry(folder / "lh.white", *tetrahedron(), create_stamp="made by a test", volume_info=place)
    yield "surface", "lh.white"
    values = numpy.array([1.5, -0.25, numpy.nan, numpy.inf, 0, 1e-40], "f4")
    io.write_morph_data(folder / "lh.curv", values, fnum=8)
    yield "values", "lh.curv"
    table = numpy.array([(*color[:3], 255 - color[3]) for color in COLORS])
    io.write_annot(folder / "lh.two.annot", numpy.array([1, -1, 3, 0, 2, 2, 1]), table, list(NAMES))
    yield "labels", "lh.two.annot"
    old = struct.pack(">I", 5)
    for vertex, entry in enumerate((2, 1, None, 3, 1)):
        red, green, blue = COLORS[entry][:3] if entry else (0, 0, 0)
        old += struct.pack(">II", vertex, red + 256 * green + 65536 * blue)
    old += struct.pack(">III", 1, len(NAMES), 7) + b"a file\0"
    for name, entry in zip(NAMES, table.tolist()):
        text = name.encode() + b"\0"
        old += struct.pack(">I", len(text)) + text + struct.pack(">IIII", *entry)
    (folder / "lh.one.annot").write_bytes(old)
    yield "labels", "lh.one.annot"
    lines = "#!ascii label  , from subject a vox2ras=TkReg\n3\n5  -1.5 2.0 3.1 0.0\n2 1 1 1 0.5\n11  0 0 0 1e-3\n"
    (folder / "lh.V1.label").write_text(lines)
    yield "labels", "lh.V1.label"


def make_mgh(folder):
    import nibabel
    import numpy

    for number in "u1", "i2", "i4", "f4":
        for shape in (35, 1, 1), (1, 35, 1), (1, 1, 35):
            name = f"lh.{number}-{shape.index(35)}.mg" + ("z" if number[0] == "i" else "h")
            nibabel.save(nibabel.MGHImage(pattern(35).astype(number).reshape(shape), None), folder / name)
            yield "values", name
            yield "labels", name
        turn = numpy.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0], [0.48, 0.64, 0.6]]) * [1, 0.7, 2]
        affine = numpy.vstack([numpy.column_stack([turn, [3, -40.5, 7]]), [0, 0, 0, 1]])
        name = f"{number}.volume.mgz"
        nibabel.save(nibabel.MGHImage(pattern(60).astype(number).reshape(3, 4, 5), affine), folder / name)
        yield "volume", name


def data_array(intent, array, encoding, endian, order):
    kind = {"f": "FLOAT", "i": "INT", "u": "UINT"}[array.dtype.kind] + str(8 * array.itemsize)
    raw = array.astype(array.dtype.newbyteorder("<" if endian == "Little" else ">")).tobytes(order="C" if order == "Row" else "F")
    if encoding == "ASCII":
        number = (lambda x: repr(float(x))) if array.dtype.kind == "f" else str
        text = "\n".join(" ".join(map(number, row)) for row in array.reshape(len(array), -1))
    else:
        text = base64.b64encode(zlib.compress(raw) if encoding == "GZipBase64Binary" else raw).decode()
        text = "\n" + text[:17] + "\n" + text[17:] + "\n"
    dims = " ".join(f'Dim{i}="{dim}"' for i, dim in enumerate(array.shape))
    return f"""<DataArray Intent="NIFTI_INTENT_{intent}" DataType="NIFTI_TYPE_{kind}" ArrayIndexingOrder="{order}MajorOrder"
 Dimensionality="{array.ndim}" {dims} Encoding="{encoding}" Endian="{endian}Endian" ExternalFileName="" ExternalFileOffset="">
<MetaData><MD><Name>x</Name><Value><![CDATA[<y>]]></Value></MD></MetaData><CoordinateSystemTransformMatrix>
<DataSpace>NIFTI_XFORM_UNKNOWN</DataSpace><TransformedSpace>NIFTI_XFORM_TALAIRACH</TransformedSpace>
<MatrixData>2 0 0 9 0 2 0 0 0 0 2 0 0 0 0 1</MatrixData></CoordinateSystemTransformMatrix>
<Data>{text}</Data></DataArray>
"""


def gifti(arrays, labels="<LabelTable/>"):
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE GIFTI SYSTEM "http://gifti.projects.nitrc.org/gifti.dtd">
<GIFTI Version="1.0" NumberOfDataArrays="{len(arrays)}"><MetaData/>{labels}
{"".join(arrays)}</GIFTI>
"""


def make_gifti(folder):
    import numpy

    points, faces = tetrahedron()
    values = numpy.array([1.5, -0.25, numpy.nan, numpy.inf, 0, 1e-30], "f4")
    table = "".join(
        f'<Label Key="{10 * key}" Red="{red / 255}" Green="{green / 255}" Blue="{blue / 255}" Alpha="{alpha / 255}">'
        f"<![CDATA[{name}]]></Label>\n" for key, (name, (red, green, blue, alpha)) in enumerate(zip(NAMES, COLORS)))
    keys = numpy.array([10, 0, 30, 20, 20, 7])
    ways = [(e, "Little", o) for e in ("ASCII", "Base64Binary", "GZipBase64Binary") for o in ("Row", "Column")
            if (e, o) != ("ASCII", "Column")]
    for encoding, endian, order in ways + [(e, "Big", o) for e, _, o in ways if e != "ASCII"]:
        way = f"{encoding}-{endian}-{order}"
        for real, whole in ("f4", "i4"), ("f8", "u4"):
            name = f"{way}-{real}-{whole}.surf.gii"
            arrays = [data_array("POINTSET", points.astype(real), encoding, endian, order),
                      data_array("TRIANGLE", faces.astype(whole), encoding, endian, order)]
            (folder / name).write_text(gifti(arrays), "utf-8")
            yield "surface", name
        if order == "Row":
            for number in "f4", "f8", "u1", "i1", "i2", "u2", "i4", "u4", "i8":
                name = f"{way}-{number}.shape.gii.gz"
                array = values.astype(number) if number[0] == "f" else pattern(6).astype(number)
                text = gifti([data_array("SHAPE", array, encoding, endian, order)])
                (folder / name).write_bytes(gzip.compress(text.encode()))
                yield "values", name
            name = f"{way}.label.gii"
            array = data_array("LABEL", keys.astype("i4"), encoding, endian, order)
            (folder / name).write_text(gifti([array], f"<LabelTable>{table}</LabelTable>"), "utf-8")
            yield "labels", name


def real(data):
    """The kind and path of each real file."""
    for path in sorted(data.glob("cortex_S1_lh/*.gii")) + sorted(data.glob("fsaverage5/freesurfer_binary/*")):
        yield "surface", path
    for path in sorted(data.glob("fsaverage5/gifti/*.gii.gz")):
        yield "surface" if path.name.split("_")[0] in ("white", "pial", "sphere") else "values", path
    for path in sorted(data.glob("freesurfer_formats/lh.*")) + sorted(data.glob("fsaverage5/fsaverage_labels/*")):
        yield "values", path
        if "varea" in path.name or "mplbl" in path.name:
            yield "labels", path


def make(folder, data):
    made = [*make_freesurfer(folder), *make_mgh(folder), *make_gifti(folder)]
    lines = [f"{kind} {folder / name}" for kind, name in made]
    lines += [f"{kind} {path.resolve()}" for kind, path in real(data)]
    (folder / "list").write_text("\n".join(lines) + "\n")


def load_gifti(path):
    import nibabel

    with tempfile.TemporaryDirectory() as folder:  # nibabel reads .gii.gz, but only by names that it knows
        plain = pathlib.Path(folder, "a.gii")
        raw = path.read_bytes()
        plain.write_bytes(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
        return nibabel.load(plain)


def wanted_surface(path):
    from nibabel.freesurfer import io

    if ".gii" not in path.name:
        return io.read_geometry(path)
    image = load_gifti(path)
    return image.agg_data("NIFTI_INTENT_POINTSET"), image.agg_data("NIFTI_INTENT_TRIANGLE")


def wanted_values(path):
    import nibabel
    import numpy
    from nibabel.freesurfer import io

    if ".gii" in path.name:
        return load_gifti(path).darrays[0].data
    if ".mg" in path.name:
        return numpy.asarray(nibabel.load(path).dataobj).ravel()
    return io.read_morph_data(path)


def wanted_labels(path):
    """A key per vertex, and lines of a table."""
    import numpy
    from nibabel.freesurfer import io

    if path.name.endswith(".label"):
        listed = io.read_label(path)
        return numpy.bincount(listed).clip(0, 1), []
    if path.name.endswith(".annot"):
        keys, table, names = io.read_annot(path)
        rows = [(key, name.decode(), *row[:3], 255 - row[3]) for key, (name, row) in enumerate(zip(names, table))]
    else:
        keys, rows = wanted_values(path), []
        if ".gii" in path.name:
            for label in load_gifti(path).labeltable.labels:
                rows.append((label.key, label.label, *(round(255 * part) for part in label.rgba)))
    return keys, ["\t".join(map(str, row)) for row in rows]


def judge_one(stem, kind, path):
    import nibabel
    import numpy

    def same(part, wanted):
        got, wanted = numpy.load(f"{stem}.{part}.npy"), numpy.asarray(wanted).astype("f4")
        assert got.shape == wanted.shape, f"{path}: {part}: {got.shape}, not {wanted.shape}"
        assert numpy.array_equal(got, wanted, equal_nan=True), f"{path}: {part} differ"

    if kind == "surface":
        points, faces = wanted_surface(path)
        same("points", points)
        same("faces", faces)
    elif kind == "values":
        same("values", wanted_values(path))
    elif kind == "labels":
        keys, rows = wanted_labels(path)
        same("keys", keys)
        got = pathlib.Path(f"{stem}.entries").read_text("utf-8").splitlines()
        assert got == rows, f"{path}: {got}, not {rows}"
    elif kind == "volume":
        image = nibabel.load(path)
        same("values", numpy.asarray(image.dataobj).transpose())
        got, wanted = numpy.load(f"{stem}.matrices.npy"), [image.header.get_vox2ras_tkr()[:3], image.affine[:3]]
        assert numpy.allclose(got, wanted, atol=1e-4), f"{path}: {got}, not {wanted}"


def judge_read(folder):
    lines = (folder / "list").read_text().splitlines()
    for number, line in enumerate(lines):
        kind, path = line.split(" ", 1)
        judge_one(folder / str(number), kind, pathlib.Path(path))
    kinds = sorted({line.split(" ", 1)[0] for line in lines})
    assert kinds == ["labels", "surface", "values", "volume"], kinds
    print(f"{len(lines)} readings equal nibabel's")


def open_in_workbench(path, *wanted):
    if not shutil.which("wb_command"):
        print("skipped: no wb_command to open GIFTI files")
        return
    done = subprocess.run(["wb_command", "-file-information", path], capture_output=True, text=True)
    assert done.returncode == 0, f"{path}: wb_command: {done.stdout}{done.stderr}"
    for text in wanted:
        assert text in " ".join(done.stdout.split()), f"{path}: no {text} in {done.stdout}"


def judge_written(folder):
    import nibabel
    import numpy
    from nibabel.freesurfer import io

    values = (pattern(35).astype("f4") - 16) / 3
    keys = numpy.array([[0, 1, 2, 3, -1, 4][i] for i in pattern(35) % 6])
    table = {1: ("V1", (255, 0, 0, 255)), 2: ("V2 <&>", (0, 255, 0, 128)), 3: ("primär", (1, 2, 3, 0))}
    image = nibabel.load(folder / "values.mgz")
    assert image.shape == (35, 1, 1, 2) and image.get_data_dtype() == ">f4", image.header
    assert numpy.array_equal(numpy.asarray(image.dataobj)[:, 0, 0].T.ravel(), numpy.append(values, values[::-1]))
    for name in "labels.mgz", "labels.mgh":
        image = nibabel.load(folder / name)
        assert image.shape == (35, 1, 1) and image.get_data_dtype() == ">i4", image.header
        assert numpy.array_equal(numpy.asarray(image.dataobj).ravel(), keys)
    got, colors, names = io.read_annot(folder / "labels.annot")
    assert numpy.array_equal(got, numpy.where((keys > 0) & (keys < 4), keys, 0)), got
    assert tuple(colors[0][:4]) == (25, 5, 25, 0), colors
    assert [name.decode() for name in names] == ["unknown"] + [name for name, _ in table.values()], names
    for key, (_, color) in table.items():
        assert (*colors[key][:3], 255 - colors[key][3]) == color, colors
    for name in "left.label.gii", "right.label.gii.gz":
        image = load_gifti(folder / name)
        array = image.darrays[0]
        side = "CortexLeft" if name.startswith("left") else "CortexRight"
        assert image.meta["AnatomicalStructurePrimary"] == side, dict(image.meta)
        assert array.intent == nibabel.nifti1.intent_codes["NIFTI_INTENT_LABEL"] and array.data.dtype == "i4"
        assert numpy.array_equal(array.data, keys.clip(0)), array.data
        labels = {label.key: (label.label, tuple(round(255 * part) for part in label.rgba)) for label in image.labeltable.labels}
        assert labels == {0: ("???", (0, 0, 0, 0)), **table}, labels
    for name, number in ("small.volume.mgz", "u1"), ("volume.mgz", ">i4"):
        image, origin = nibabel.load(folder / name), nibabel.load(folder / "u1.volume.mgz")
        assert image.get_data_dtype() == number and numpy.array_equal(image.affine, origin.affine), image.header
        assert numpy.array_equal(image.header.get_zooms(), origin.header.get_zooms())
        assert numpy.array_equal(numpy.asarray(image.dataobj), numpy.asarray(origin.dataobj)), name
    open_in_workbench(folder / "left.label.gii", "Type: Label", "CortexLeft", "Number of Vertices: 35", "1 left ",
                      "3 primär 0.004 0.008 0.012")


def main():
    command = sys.argv[1]
    if command == "probe":
        try:
            import nibabel  # noqa: F401
        except ImportError as reason:
            print(f"skipped: {sys.executable} cannot import nibabel: {reason}")
            return 1
    elif command == "make":
        make(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
    elif command == "read":
        judge_read(pathlib.Path(sys.argv[2]))
    elif command == "written":
        judge_written(pathlib.Path(sys.argv[2]))
    else:
        print(__doc__)
        return 2
    return 0


sys.exit(main())
