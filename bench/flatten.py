#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long vkgrid flatten takes, and how much memory, with subjects of fsaverage's size.

    bench/flatten.py VKGRID [--subjects N] [--threads N] [--folder DIR]

fsaverage5 (../shared/data/fsaverage5, or the folder of VKGRID_SHARED) is divided until it has 163,842 vertices a hemisphere, and
stands for fsaverage and, bent, for every subject. Prints seconds a subject and the most memory that the process held. Needs
nibabel, and 14 MB a subject in DIR (default: where temporary files are).
"""
import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'tests' / 'cortex'))
import subjects  # noqa: E402  (of the tests)


def middles(faces, count):
    """(edges of a mesh, its triangles each divided into four)."""
    pairs = numpy.sort(numpy.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1)
    edges, which = numpy.unique(pairs, axis=0, return_inverse=True)
    ab, bc, ca = count + which.reshape(3, -1)
    a, b, c = faces.T
    return edges, numpy.concatenate([numpy.stack(part, 1) for part in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))])


def divide(files):
    """One hemisphere with four times as many triangles."""
    faces = files['white'][1]
    edges, finer = middles(faces, len(files['curv']))
    result = {}
    for name, values in files.items():
        surface = isinstance(values, tuple)
        old = values[0] if surface else values
        new = old[edges[:, 0]] if old.dtype.kind == 'i' else (old[edges[:, 0]] + old[edges[:, 1]]) / 2
        joined = numpy.concatenate([old, new]).astype(old.dtype)
        if name == 'sphere':
            joined *= 100 / numpy.linalg.norm(joined, axis=1, keepdims=True)
        result[name] = (joined, finer) if surface else joined
    return result


def make(folder, shared, count):
    subject = subjects.load(shared)
    for _ in range(2):
        subject = {hemi: divide(files) for hemi, files in subject.items()}
    subjects.write(folder / 'fsaverage', subject, template=True)
    for files in subject.values():
        points, faces = files['sphere']
        bent = points + 4 * numpy.sin(points[:, [1, 2, 0]] / 30)
        files['sphere'] = 100 * bent / numpy.linalg.norm(bent, axis=1, keepdims=True), faces
    subjects.write(folder / 'person', subject)
    for i in range(count):
        (folder / f's{i:03}').symlink_to(folder / 'person')
    return [len(files['curv']) for files in subject.values()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('vkgrid')
    parser.add_argument('--subjects', type=int, default=20)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--folder')
    args = parser.parse_args()
    shared = subjects.shared_data()
    if not shared:
        sys.exit('fsaverage5 is not there: VKGRID_SHARED names the folder that has data/fsaverage5')
    with tempfile.TemporaryDirectory(dir=args.folder) as home:
        folder = pathlib.Path(home)
        vertices = make(folder, shared, args.subjects)
        names = [str(folder / f's{i:03}') for i in range(args.subjects)]
        command = [os.path.abspath(args.vkgrid), 'flatten', *names, '-o', str(folder / 'data'), '--quiet',
                   f'--threads={args.threads}', f'--fsaverage={folder / "fsaverage"}',
                   *(f'--label=V{k}=varea.mgz:{k}' for k in (1, 2, 3))]
        start = time.monotonic()
        subprocess.run(command, check=True)
        seconds = time.monotonic() - start
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f'{args.subjects} subjects of {vertices[0]} and {vertices[1]} vertices, {args.threads} threads: '
          f'{seconds / args.subjects:.2f} s a subject '
          f'({(usage.ru_utime + usage.ru_stime) / args.subjects:.2f} s of a processor), at most {usage.ru_maxrss / 1024:.0f} MB')


main()
