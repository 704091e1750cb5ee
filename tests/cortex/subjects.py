# SPDX-License-Identifier: MIT
"""Folders as recon-all leaves them, made of real data (../shared/data/fsaverage5) by nibabel."""
import os
import pathlib

import nibabel
import nibabel.freesurfer.io as fsio
import numpy

HEMISPHERES = {'lh': 'left', 'rh': 'right'}


def shared_data():
    """The folder of real data: that of the environment's VKGRID_SHARED, else beside the source tree; None: it is not there."""
    source = os.environ.get('VKGRID_SOURCE') or pathlib.Path(__file__).resolve().parents[2]
    folder = pathlib.Path(os.environ.get('VKGRID_SHARED') or pathlib.Path(source, '..', 'shared')) / 'data' / 'fsaverage5'
    return folder if folder.is_dir() else None


def load(shared):
    """{lh, rh: {sphere, white, pial: (points, faces); curv, sulc, thickness, area, varea: a number per vertex}}."""
    subject = {}
    for hemi, name in HEMISPHERES.items():
        subject[hemi] = {}
        for surface in 'sphere', 'white', 'pial':
            points, faces = (array.data for array in nibabel.load(shared / 'gifti' / f'{surface}_{name}.gii.gz').darrays)
            subject[hemi][surface] = points.astype('f8'), faces
        for ours, theirs in {'curv': 'curv', 'sulc': 'sulc', 'thickness': 'thick', 'area': 'area'}.items():
            subject[hemi][ours] = nibabel.load(shared / 'gifti' / f'{theirs}_{name}.gii.gz').darrays[0].data.astype('f4')
        varea = nibabel.load(shared / 'fsaverage_labels' / f'{hemi}.benson14_varea.v4_0.mgz')
        count = len(subject[hemi]['curv'])
        subject[hemi]['varea'] = numpy.asarray(varea.dataobj).reshape(-1)[:count].astype('i4')
    return subject


def write_mgz(path, values):
    nibabel.save(nibabel.MGHImage(values.reshape(-1, 1, 1), numpy.eye(4)), path)


def write(folder, subject, template=False):
    """As recon-all does; template: as fsaverage, whose sphere is not called sphere.reg."""
    surf = pathlib.Path(folder, 'surf')
    surf.mkdir(parents=True)
    for hemi, files in subject.items():
        for name in 'white', 'pial', 'sphere':
            points, faces = files[name]
            end = 'sphere.reg' if name == 'sphere' and not template else name
            fsio.write_geometry(surf / f'{hemi}.{end}', points, faces)
        for name in 'curv', 'sulc', 'thickness':
            fsio.write_morph_data(surf / f'{hemi}.{name}', files[name], len(files['white'][1]))
        if 'area.mid' in files:
            fsio.write_morph_data(surf / f'{hemi}.area.mid', files['area.mid'], len(files['white'][1]))
        write_mgz(surf / f'{hemi}.varea.mgz', files['varea'])


def moved(subject, turn, shift):
    """The subject elsewhere in its scanner: white and pial are moved, the registered sphere is not."""
    result = {}
    for hemi, files in subject.items():
        result[hemi] = dict(files)
        for name in 'white', 'pial':
            points, faces = files[name]
            result[hemi][name] = points @ numpy.asarray(turn).T + shift, faces
    return result
