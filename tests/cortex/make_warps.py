#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Synthetic subjects by smooth warps of fsaverage5: make_warps.py FSAVERAGE5 OUT [--subjects N] [--seed S] [--ribbon N]

FSAVERAGE5 is the folder with gifti/ and fsaverage_labels/. OUT gets fsaverage/ (the template) and warp01/, warp02/, ..., laid out as
recon-all does: surf/{lh,rh}.{white,pial,sphere,sphere.reg,curv,sulc,thickness,area} and, as the truth, surf/{lh,rh}.benson14_varea.mgz.
The first N subjects of --ribbon get mri/ribbon.mgz.

A vertex keeps its label. What moves, smoothly and by another field for each subject and hemisphere, is where it lies in the brain
(white and pial together, then all of it by a rotation and a shift), its curvature, convexity and thickness, and where it lies
on the registered sphere: so the labels of a subject are where its own anatomy has them and not where the template has them.
"""
import argparse
import gzip
import os
import sys

import nibabel
import numpy
from nibabel import freesurfer

HEMISPHERES = {'lh': 'left', 'rh': 'right'}
BRAIN_MOVES = 2.0    # mm, root mean square along each axis
SPHERE_MOVES = 3.2   # mm on the sphere of 100 mm
WAVES = 24           # of a field
WAVELENGTHS = (70, 160)  # mm
AREAS = 3            # of the template's labels, V1 V2 V3 are kept


def read_gifti(path):
    with gzip.open(path) as file:
        image = nibabel.GiftiImage.from_bytes(file.read())
    return [array.data for array in image.darrays]


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


def vertex_areas(points, faces):
    a, b, c = (points[faces[:, i]] for i in range(3))
    areas = numpy.linalg.norm(numpy.cross(b - a, c - a), axis=1) / 6
    return numpy.bincount(faces.ravel(), weights=areas.repeat(3), minlength=len(points))


class Hemisphere:
    def __init__(self, data, name):
        side = HEMISPHERES[name]
        self.name = name
        self.white, self.faces = read_gifti(f'{data}/gifti/white_{side}.gii.gz')
        self.pial, _ = read_gifti(f'{data}/gifti/pial_{side}.gii.gz')
        self.sphere, _ = read_gifti(f'{data}/gifti/sphere_{side}.gii.gz')
        self.white, self.pial, self.sphere = (points.astype(float) for points in (self.white, self.pial, self.sphere))
        self.curv, self.sulc, self.thickness = (read_gifti(f'{data}/gifti/{what}_{side}.gii.gz')[0].astype(float).ravel()
                                                for what in ('curv', 'sulc', 'thick'))
        labels = nibabel.load(f'{data}/fsaverage_labels/{name}.benson14_varea.v4_0.mgz')
        labels = numpy.asarray(labels.dataobj).ravel()[:len(self.white)]
        self.varea = numpy.where(labels <= AREAS, labels, 0).astype(numpy.int32)
        self.registered = self.sphere

    def warped(self, random, pose):
        """A copy that is somebody else's; pose (rotation, shift) is that of the whole brain."""
        other = object.__new__(Hemisphere)
        other.__dict__.update(self.__dict__)
        midgray = (self.white + self.pial) / 2
        moves = BRAIN_MOVES * field(random, midgray, 3)
        thicker = 1 + 0.05 * field(random, midgray, 1)
        half = (self.pial - self.white) / 2 * thicker
        other.white = (midgray + moves - half) @ pose[0].T + pose[1]
        other.pial = (midgray + moves + half) @ pose[0].T + pose[1]
        other.thickness = self.thickness * thicker[:, 0]
        bend = field(random, midgray, 2)
        other.curv = self.curv * (1 + 0.1 * bend[:, 0]) + random.normal(scale=0.01, size=len(self.curv))
        other.sulc = self.sulc * (1 + 0.1 * bend[:, 0]) + 0.3 * bend[:, 1]
        other.registered = warp_sphere(random, self.sphere, self.faces)
        return other

    def write(self, folder):
        path = f'{folder}/surf/{self.name}.'
        for name, points in {'white': self.white, 'pial': self.pial, 'sphere': self.sphere, 'sphere.reg': self.registered}.items():
            freesurfer.write_geometry(path + name, points.astype(numpy.float32), self.faces, create_stamp='made by make_warps.py')
        values = {'curv': self.curv, 'sulc': self.sulc, 'thickness': self.thickness, 'area': vertex_areas(self.white, self.faces)}
        for name, each in values.items():
            freesurfer.write_morph_data(path + name, each.astype(numpy.float32), fnum=len(self.faces))
        image = freesurfer.MGHImage(self.varea.reshape(-1, 1, 1), numpy.eye(4))
        nibabel.save(image, path + 'benson14_varea.mgz')


def write_ribbon(folder, hemispheres):
    """128 voxels of 2 mm a side: 3 and 42 within 1.5 mm of the midgray's vertices, 2 and 41 within 4 mm."""
    from scipy.spatial import cKDTree
    shape = (128, 128, 128)
    image = freesurfer.MGHImage(numpy.zeros(shape, numpy.uint8),
                                numpy.array([[-2, 0, 0, 128], [0, 0, 2, -128], [0, -2, 0, 128], [0, 0, 0, 1.]]))
    voxels = numpy.stack(numpy.meshgrid(*(numpy.arange(size) for size in shape), indexing='ij'), axis=-1).reshape(-1, 3)
    places = voxels @ image.header.get_vox2ras_tkr()[:3, :3].T + image.header.get_vox2ras_tkr()[:3, 3]
    ribbon, least = numpy.zeros(len(voxels), numpy.uint8), numpy.full(len(voxels), numpy.inf)
    for hemisphere, (grey, white) in zip(hemispheres, ((3, 2), (42, 41))):
        distances, _ = cKDTree((hemisphere.white + hemisphere.pial) / 2).query(places, distance_upper_bound=4)
        nearer = distances < least
        ribbon[nearer] = numpy.where(distances[nearer] < 1.5, grey, white)
        least = numpy.minimum(least, distances)
    os.makedirs(f'{folder}/mri', exist_ok=True)
    nibabel.save(freesurfer.MGHImage(ribbon.reshape(shape), image.affine), f'{folder}/mri/ribbon.mgz')


def make(data, out, subjects=12, seed=0, ribbons=0):
    template = [Hemisphere(data, name) for name in HEMISPHERES]
    names = []
    for number in range(subjects + 1):
        random = numpy.random.default_rng([seed, number])
        name = f'warp{number:02d}' if number else 'fsaverage'
        pose = turn(random, random.uniform(0, 20)), random.uniform(-10, 10, size=3)
        hemispheres = [h.warped(random, pose) for h in template] if number else template
        folder = os.path.join(out, name)
        for part in ('surf', 'label'):
            os.makedirs(f'{folder}/{part}', exist_ok=True)
        for hemisphere in hemispheres:
            hemisphere.write(folder)
        if 0 < number <= ribbons:
            write_ribbon(folder, hemispheres)
        if number:
            names.append(name)
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
