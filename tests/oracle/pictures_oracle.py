# SPDX-License-Identifier: MIT
"""Pillow and NumPy as judges of vkgrid's readers of pictures.

pictures_oracle.py files DIR ignored   write NAME.EXT, and NAME.EXT.npy: [row][column][channel] as it must be read

Exit 77 without Pillow or NumPy.
"""
import os
import struct
import sys

try:
    import numpy
    from PIL import Image
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

ROWS, COLS = 37, 53
COMPRESSIONS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits")


def values(dtype, channels, most=None):
    most = numpy.iinfo(dtype).max if most is None else most
    random = numpy.random.RandomState(7)
    return random.randint(0, most + 1, (ROWS, COLS, channels)).astype(dtype)


def keep(folder, name, array):
    numpy.save(os.path.join(folder, name + ".npy"), array.astype("f4"))


def squeeze(array):
    return array[:, :, 0] if array.shape[2] == 1 else array


def pillow_tiffs(folder):
    for compression in COMPRESSIONS:
        for mode, channels in (("L", 1), ("RGB", 3), ("RGBA", 4)):
            name, array = f"{mode}-{compression}.tif", values("u1", channels)
            Image.fromarray(squeeze(array), mode).save(os.path.join(folder, name), compression=compression)
            keep(folder, name, array)
        name, array = f"u2-{compression}.tiff", values("u2", 1)
        Image.fromarray(squeeze(array)).save(os.path.join(folder, name), compression=compression)
        keep(folder, name, array)
        name, array = f"f4-{compression}.tif", values("i2", 1).astype("f4") / 7
        Image.fromarray(squeeze(array)).save(os.path.join(folder, name), compression=compression)
        keep(folder, name, array)
    name, array = "bits.tif", values("u1", 1, 1)
    Image.fromarray(squeeze(array) * 255).convert("1").save(os.path.join(folder, name))
    keep(folder, name, array)
    name, array = "palette.TIF", values("u1", 1, 4)
    image = Image.fromarray(squeeze(array), "P")
    image.putpalette([9, 9, 9, 255, 0, 0, 0, 255, 0, 0, 0, 255, 1, 2, 3])
    image.save(os.path.join(folder, name), format="TIFF")
    keep(folder, name, array)


def write_tiff(path, array, endian, tile=None, planar=False):
    """What Pillow does not write: tiles, planes one after the other, either byte order, other types; nothing is packed."""
    rows, cols, channels = array.shape
    array = array.astype(array.dtype.newbyteorder(endian))
    planes = [array[:, :, [c]] for c in range(channels)] if planar else [array]
    chunks = []
    for plane in planes:
        if not tile:
            chunks += [plane[row:row + 5].tobytes() for row in range(0, rows, 5)]
            continue
        for top in range(0, rows, tile):
            for left in range(0, cols, tile):
                full = numpy.zeros((tile, tile, plane.shape[2]), array.dtype)
                part = plane[top:top + tile, left:left + tile]
                full[:part.shape[0], :part.shape[1]] = part
                chunks.append(full.tobytes())
    kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
    places = numpy.cumsum([8] + [len(chunk) for chunk in chunks])
    entries = [(256, 4, [cols]), (257, 4, [rows]), (258, 3, [8 * array.dtype.itemsize] * channels), (259, 3, [1]), (262, 3, [1]),
               (277, 3, [channels]), (284, 3, [2 if planar else 1]), (339, 3, [kind] * channels)]
    if channels > 1:
        entries.append((338, 3, [0] * (channels - 1)))
    offsets, sizes = [int(place) for place in places[:-1]], [len(chunk) for chunk in chunks]
    if tile:
        entries += [(322, 4, [tile]), (323, 4, [tile]), (324, 4, offsets), (325, 4, sizes)]
    else:
        entries += [(273, 4, offsets), (278, 4, [5]), (279, 4, sizes)]
    entries.sort()
    table = int(places[-1] + places[-1] % 2)
    after = table + 2 + 12 * len(entries) + 4
    listed, beyond = b"", b""
    for tag, type_, numbers in entries:
        packed = struct.pack(endian + ("H" if type_ == 3 else "I") * len(numbers), *numbers)
        if len(packed) <= 4:
            place = packed.ljust(4, b"\0")
        else:
            place = struct.pack(endian + "I", after + len(beyond))
            beyond += packed + b"\0" * (len(packed) % 2)
        listed += struct.pack(endian + "HHI", tag, type_, len(numbers)) + place
    with open(path, "wb") as file:
        file.write((b"II" if endian == "<" else b"MM") + struct.pack(endian + "HI", 42, table))
        file.write(b"".join(chunks).ljust(table - 8, b"\0"))
        file.write(struct.pack(endian + "H", len(entries)) + listed + b"\0" * 4 + beyond)


def own_tiffs(folder):
    for dtype in ("u1", "u2", "u4", "i2", "i4", "f2", "f4", "f8"):
        array = values("u1", 2, 100).astype(dtype)
        for endian in "<>":
            for tile in (None, 16):
                for planar in (False, True):
                    name = f"own-{dtype}-{'little' if endian == '<' else 'big'}-{tile or 0}-{int(planar)}.tif"
                    write_tiff(os.path.join(folder, name), array, endian, tile, planar)
                    keep(folder, name, array)


def jpegs(folder):
    """Smooth pictures: decoders may differ by a step where colours are enlarged."""
    row, col = numpy.mgrid[0:ROWS, 0:COLS]
    grey = (2 * row + 3 * col).astype("u1")
    for name, image in (("grey.jpg", Image.fromarray(grey)), ("rgb.JPEG", Image.fromarray(numpy.dstack([grey, grey // 2, 200 - grey // 3])))):
        path = os.path.join(folder, name)
        image.save(path, format="JPEG", quality=90, subsampling=0, progressive=name == "rgb.JPEG")
        read = numpy.asarray(Image.open(path))
        keep(folder, name, read.reshape(ROWS, COLS, -1))


def volumes(folder):
    try:
        import nibabel
    except ImportError as error:
        print(f"without .mgz and .nii: {error}")
        return
    for dtype in ("u1", "i2", "i4", "f4"):
        for shape in ((ROWS, COLS), (ROWS, COLS, 1), (ROWS, COLS, 1, 3)):
            array = values("u1", shape[3] if len(shape) > 3 else 1, 100).astype(dtype)
            for kind, extensions in ((nibabel.MGHImage, ("mgz", "mgh")), (nibabel.Nifti1Image, ("nii", "nii.gz")), (nibabel.Nifti2Image, ("nii",))):
                if kind is nibabel.MGHImage and len(shape) == 2:
                    continue
                for extension in extensions:
                    name = f"{kind.__name__}-{dtype}-{len(shape)}.{extension}"
                    nibabel.save(kind(array.reshape(shape), numpy.eye(4)), os.path.join(folder, name))
                    keep(folder, name, array)
    scaled = nibabel.Nifti1Image(values("u1", 1)[:, :, 0] / 8 - 3, numpy.eye(4))
    scaled.set_data_dtype("u1")
    path = os.path.join(folder, "scaled.nii")
    nibabel.save(scaled, path)
    keep(folder, "scaled.nii", nibabel.load(path).get_fdata()[:, :, None])


def main():
    folder = sys.argv[2]
    pillow_tiffs(folder)
    own_tiffs(folder)
    jpegs(folder)
    volumes(folder)
    Image.fromarray(values("u1", 1)[:, :, 0]).save(os.path.join(folder, "stack.tif"), save_all=True,
                                                  append_images=[Image.fromarray(values("u1", 1)[:, :, 0])])


main()
