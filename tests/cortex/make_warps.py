#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Synthetic subjects by smooth warps of fsaverage5: make_warps.py FSAVERAGE5 OUT [--subjects N] [--seed S] [--ribbon N]

OUT gets fsaverage/ (the template) and warp01/, warp02/, ..., laid out as recon-all does, each with surf/{lh,rh}.varea.mgz, the
truth. The first N subjects of --ribbon get mri/ribbon.mgz.

A vertex keeps its label. What moves, smoothly and by another field for each subject and hemisphere, is where it lies in the
brain (white and pial together, then all of it by a rotation and a shift), its curvature, convexity and thickness, and where it
lies on the registered sphere: so the labels of a subject are where its own anatomy has them and not where the template has them.
"""
import argparse
import os
import pathlib
import sys

import nibabel
import numpy
from nibabel import freesurfer

import subjects

BRAIN_MOVES = 2.0    # mm, root mean square along each axis
SPHERE_MOVES = 3.2   # mm on the sphere of 100 mm
WAVES = 24           # of a field
WAVELENGTHS = (70, 160)  # mm


def field(random, points, components):
    """A smooth random field [points, components] of root mean square 1 or so: a sum of plane waves."""
    directions = random.normal(size=(WAVES, 3))
    directions /= numpy.linalg.norm(directions, axis=1, keepdims=True)
    numbers = 2 * numpy.pi / random.uniform(*WAVELENGTHS, size=(WAVES, 1))
    phases = random.uniform(0, 2 * numpy.pi, size=(WAVES, components))
    weights = random.normal(size=(WAVES, components)) * numpy.sqrt(2 / WAVES)
    angles = points @ (directions * numbers).T
    return (numpy.cos(angles[:, :, None] + phases) * weights).sum(axis=1)


def turn(random, degrees):
    """A proper rotation by so much about any axis."""
    axis = random.normal(size=3)
    axis /= numpy.linalg.norm(axis)
    angle = numpy.deg2rad(degrees)
    cross = numpy.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return numpy.eye(3) + numpy.sin(angle) * cross + (1 - numpy.cos(angle)) * cross @ cross


def flipped(points, faces):
    """Triangles of a sphere about the origin that look inwards."""
    a, b, c = (points[faces[:, i]] for i in range(3))
    outward = numpy.einsum('ij,ij->i', numpy.cross(b - a, c - a), a + b + c)
    return int((outward <= 0).sum())


def warp_sphere(random, sphere, faces):
    """The sphere with its vertices moved along it, as far as no triangle turns over."""
    moves = SPHERE_MOVES * field(random, sphere, 3)
    for _ in range(8):
        moved = sphere + moves
        moved *= 100 / numpy.linalg.norm(moved, axis=1, keepdims=True)
        if not flipped(moved, faces):
            return moved
        moves *= 0.7
    raise SystemExit('make_warps: no warp without triangles that turn over')


def midgray(files):
    return (files['white'][0] + files['pial'][0]) / 2


def warped(random, files, pose):
    """A hemisphere that is somebody else's; pose (rotation, shift) is that of the whole brain."""
    other = dict(files)
    middle, faces = midgray(files), files['white'][1]
    moves = BRAIN_MOVES * field(random, middle, 3)
    thicker = 1 + 0.05 * field(random, middle, 1)
    half = (files['pial'][0] - files['white'][0]) / 2 * thicker
    for name, side in {'white': -half, 'pial': half}.items():
        other[name] = (middle + moves + side) @ pose[0].T + pose[1], faces
    bend = field(random, middle, 2)
    other['thickness'] = files['thickness'] * thicker[:, 0]
    other['curv'] = files['curv'] * (1 + 0.1 * bend[:, 0]) + random.normal(scale=0.01, size=len(bend))
    other['sulc'] = files['sulc'] * (1 + 0.1 * bend[:, 0]) + 0.3 * bend[:, 1]
    other['sphere'] = warp_sphere(random, files['sphere'][0], faces), faces
    return other


def write_ribbon(folder, subject):
    """128 voxels of 2 mm a side: 3 and 42 within 1.5 mm of the midgray's vertices, 2 and 41 within 4 mm."""
    from scipy.spatial import cKDTree
    shape = (128, 128, 128)
    image = freesurfer.MGHImage(numpy.zeros(shape, numpy.uint8),
                                numpy.array([[-2, 0, 0, 128], [0, 0, 2, -128], [0, -2, 0, 128], [0, 0, 0, 1.]]))
    voxels = numpy.stack(numpy.meshgrid(*(numpy.arange(size) for size in shape), indexing='ij'), axis=-1).reshape(-1, 3)
    places = voxels @ image.header.get_vox2ras_tkr()[:3, :3].T + image.header.get_vox2ras_tkr()[:3, 3]
    ribbon, least = numpy.zeros(len(voxels), numpy.uint8), numpy.full(len(voxels), numpy.inf)
    for hemi, (grey, white) in {'lh': (3, 2), 'rh': (42, 41)}.items():
        distances, _ = cKDTree(midgray(subject[hemi])).query(places, distance_upper_bound=4)
        nearer = distances < least
        ribbon[nearer] = numpy.where(distances[nearer] < 1.5, grey, white)
        least = numpy.minimum(least, distances)
    os.makedirs(f'{folder}/mri', exist_ok=True)
    nibabel.save(freesurfer.MGHImage(ribbon.reshape(shape), image.affine), f'{folder}/mri/ribbon.mgz')


def make(data, out, count=12, seed=0, ribbons=0):
    """Their names."""
    template = subjects.load(pathlib.Path(data))
    subjects.write(f'{out}/fsaverage', template, template=True)
    names = [f'warp{number:02d}' for number in range(1, count + 1)]
    for number, name in enumerate(names, 1):
        random = numpy.random.default_rng([seed, number])
        pose = turn(random, random.uniform(0, 20)), random.uniform(-10, 10, size=3)
        subject = {hemi: warped(random, files, pose) for hemi, files in template.items()}
        subjects.write(f'{out}/{name}', subject)
        if number <= ribbons:
            write_ribbon(f'{out}/{name}', subject)
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('data', metavar='FSAVERAGE5')
    parser.add_argument('out', metavar='OUT')
    parser.add_argument('--subjects', type=int, default=12)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--ribbon', type=int, default=0)
    arguments = parser.parse_args()
    make(arguments.data, arguments.out, arguments.subjects, arguments.seed, arguments.ribbon)


if __name__ == '__main__':
    sys.exit(main())
