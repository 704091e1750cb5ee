#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole way of a user: subjects of recon-all are flattened, a search trains on nine of them, the best network labels three
others: whole_test.py VKGRID

The subjects are smooth warps of fsaverage5 with the areas of Benson's template (make_warps.py). Hard Dice over the vertices of
the held-out ones, together, must be above 0.8 for V1, V2 and V3, and above that of the labels of fsaverage's nearest vertex,
which is what one has without a network. It is computed in NumPy.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

try:
    import nibabel
    import numpy
    from nibabel import freesurfer
    from scipy.spatial import cKDTree

    import make_warps
    import subjects
except ImportError as missing:
    print(f'skipped: {missing}')
    sys.exit(77)

VKGRID = os.path.abspath(sys.argv[1])
AREAS, COUNT, TRAINING = ('V1', 'V2', 'V3'), 12, 9
GRID = {'static': {'raters': [], 'image_size': [64, 128], 'num_epochs': 44, 'gamma': 0.96, 'bce_weight': 0.67, 'batch_size': 2,
                   'inputs': 'anat', 'prediction': 'area', 'base_model': 'resnet18'}, 'hyper': {'lr': [0.002]}}
LEAST = 0.8


def run(*arguments):
    start = time.monotonic()
    subprocess.run([VKGRID, *arguments], check=True)
    print(f'{arguments[0]}: {time.monotonic() - start:.1f} s', flush=True)


def values_of(path):
    return numpy.asarray(nibabel.load(path).dataobj).ravel()


def nearest_of_template(subject, hemi):
    registered, _ = freesurfer.read_geometry(f'{subject}/surf/{hemi}.sphere.reg')
    sphere, _ = freesurfer.read_geometry(f'fsaverage/surf/{hemi}.sphere')
    return values_of(f'fsaverage/surf/{hemi}.varea.mgz')[cKDTree(sphere).query(registered)[1]]


def dice(found, truth):
    """Of each area over the vertices of all hemispheres."""
    return [2 * ((found == number) & (truth == number)).sum() / ((found == number).sum() + (truth == number).sum())
            for number in range(1, len(AREAS) + 1)]


def main():
    data = subjects.shared_data()
    if not data:
        print('skipped: ../shared/data/fsaverage5 is not there (VKGRID_SHARED names another folder than ../shared)')
        return 77
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        names = make_warps.make(data, '.', COUNT)
        held_out = names[TRAINING:]
        GRID['static']['partition'] = [names[:TRAINING], held_out]
        with open('grid.json', 'w', encoding='utf-8') as file:
            json.dump(GRID, file)
        run('flatten', *names, '-o', 'data', '--fsaverage', 'fsaverage', '--size', '192',
            *(f'--label={area}=varea.mgz:{number}' for number, area in enumerate(AREAS, 1)))
        run('search', 'grid.json', '-d', 'data', '-o', 'study', '--device', 'cpu')
        run('label', '-w', 'study/cells/grid00000/best_anat.safetensors', *held_out, '--fsaverage', 'fsaverage',
            '--device', 'cpu')
        pairs = [(name, hemi) for name in held_out for hemi in ('lh', 'rh')]
        truth = numpy.concatenate([values_of(f'{name}/surf/{hemi}.varea.mgz') for name, hemi in pairs])
        found = numpy.concatenate([values_of(f'vkgrid-labels/{name}/surf/{hemi}.vkgrid_varea.mgz') for name, hemi in pairs])
        template = numpy.concatenate([nearest_of_template(name, hemi) for name, hemi in pairs])
        os.chdir('/')
    network, nearest = dice(found, truth), dice(template, truth)
    for area, ours, theirs in zip(AREAS, network, nearest):
        print(f'{area}: Dice {ours:.3f}; of the nearest vertex of fsaverage {theirs:.3f}')
    return int(not all(ours > max(LEAST, theirs) for ours, theirs in zip(network, nearest)))


if __name__ == '__main__':
    sys.exit(main())
