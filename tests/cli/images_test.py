#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`vkgrid apply` on folders of images and on one image, and its overlays, judged by NumPy and SciPy: images_test.py VKGRID"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import PIL.Image
from scipy import ndimage

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import checks
from checks import check
from weights_file import derive

VKGRID = os.path.abspath(sys.argv[1])
SIZE, NETWORK = (48, 80), (32, 64)
CHANNELS, SAMPLES = ['curvature', 'thickness', 'convexity'], ['sub01', 'sub02', 'sub03']


def run(command, *arguments, status=0):
    got = subprocess.run([VKGRID, command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                         timeout=300)
    if got.returncode != status:
        check(False, f'{command} {arguments}: exit {got.returncode}, not {status}: {got.stderr}')
    return got.stderr


def apply(data, out, *arguments, weights='colour.st', status=0):
    return run('apply', '-w', weights, '-d', data, '-o', out, '--device', 'cpu', '--threads', '1', *arguments, status=status)


def prepare():
    run('sample', 'data', '--subjects', '3', '--size', '%dx%d' % SIZE)
    os.mkdir('data/photo')
    for sample in SAMPLES:
        channels = [np.load(f'data/{name}/{sample}.npy') for name in CHANNELS]
        channels = [40 + 180 * (c - c.min()) / (c.max() - c.min()) for c in channels]  # neither black nor white
        PIL.Image.fromarray(np.stack(channels, 2).astype(np.uint8)).save(f'data/photo/{sample}.png')
    colours = {name: f'photo[{i}]' for i, name in enumerate('bgr'[::-1])}
    with open('grid.json', 'w', encoding='utf-8') as file:
        json.dump({'static': {
            'partition': [SAMPLES[:2], SAMPLES[2:]], 'raters': [], 'gamma': 0.9, 'bce_weight': 0.5, 'batch_size': 2,
            'inputs': 'own', 'prediction': 'sect', 'features': {'inputs': {'own': colours}}, 'image_size': NETWORK,
            'num_epochs': 4, 'plan': [{}], 'base_model': 'resnet18', 'lr': 0.005}, 'hyper': {}}, file)
    run('search', 'grid.json', '-d', 'data', '-o', 'study', '--device', 'cpu', '--threads', '1', '--quiet')
    os.rename('study/cells/grid00000/best_own.safetensors', 'colour.st')
    # Three folders, and labels that are one group.
    derive('colour.st', 'grey.st', prediction='mine', features={
        'inputs': {'own': CHANNELS}, 'prediction': {'mine': [f'{name}{i}' for i, name in enumerate('abcdefgh')]}})


def same_predictions(out, other, samples):
    for sample in samples:
        for name in f'{sample}.npy', f'{sample}_area.png', f'{sample}_ring.png':
            with open(f'{out}/{name}', 'rb') as one, open(f'{other}/{name}', 'rb') as two:
                check(one.read() == two.read(), f'{out}/{name} and {other}/{name} differ')
    names = {name.split('.')[0].split('_')[0] for name in os.listdir(out)}
    check(names == {'legend', *samples}, f'{out}: {names}')


def test_folders_of_images():
    apply('data', 'usual')
    shutil.copytree('data/photo', 'scans')
    with open('scans/notes.txt', 'w', encoding='utf-8') as file:
        file.write('no image')
    said = apply('scans', 'flat')
    check('scans: has no folder photo: its own 3 images are taken as that\n' in said, f'nothing tells of it: {said}')
    same_predictions('flat', 'usual', SAMPLES)
    os.chdir('scans')
    for data, out in ('.', '../dot'), ('../scans/', '../slash'), (os.path.abspath('.'), '../whole'):
        apply(data, out, '--samples', 'sub02,sub03', '--quiet', weights='../colour.st')
        same_predictions(out, '../usual', ['sub02', 'sub03'])
    os.chdir('..')


def test_files_by_a_path():
    """Sources as nnU-Net's folders have them."""
    os.mkdir('imagesTs')
    for sample in SAMPLES:
        shutil.copy(f'scans/{sample}.png', f'imagesTs/{sample}_0000.png')
    colours = {name: f'imagesTr/{{}}_0000[{i}]' for i, name in enumerate('rgb')}
    derive('colour.st', 'path.st', features={'inputs': {'own': colours}})
    said = apply('imagesTs', 'path', weights='path.st')
    check('imagesTs: has no folder imagesTr: its own 3 images are taken as that\n' in said, f'nothing tells of it: {said}')
    same_predictions('path', 'usual', SAMPLES)
    refused('imagesTs/sub01_0000.png', 'none', 'is one image: the features come from imagesTr/{}_0000[0]', weights='path.st')
    refused('imagesTs', 'imagesTs', 'holds files of the data set', weights='path.st')


def test_folders_of_paths():
    """Predictions never lie where the files of sources do, or would be taken for such the next time."""
    for sample in SAMPLES:
        for path in f'cases/{sample}/{sample}.png', f'cases/{sample}/scan.png', f'pool/images/train/{sample}.png':
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copy(f'scans/{sample}.png', path)
    os.makedirs('pool/images/empty')
    os.symlink(os.path.abspath('pool/images'), 'way')
    for number, path in enumerate(['{}/{}', 'images/{}/{}', '{}/scan']):
        channels = {name: f'{path}[{i}]' for i, name in enumerate('rgb')}
        derive('colour.st', f'path{number}.st', features={'inputs': {'own': channels}})
    refused('cases', 'cases/sub01', 'cases/sub01: holds files of the data set (cases)', '--overwrite', weights='path0.st')
    refused('cases', 'cases/new', 'cases/new: files there would be a part of the data set ({}/{})', weights='path0.st')
    refused('pool', 'pool/images/train', 'pool/images/train: holds files of the data set', '--overwrite', weights='path1.st')
    for out in 'pool/images/empty', 'pool/images/new/', 'way/empty', 'way/new', 'pool/../pool/images/new':
        refused('pool', out, f'{out}: files there would be a part of the data set (images/{{}}/{{}})', weights='path1.st')
    refused('cases', 'cases/sub02', 'holds files of the data set', '--overwrite', weights='path2.st')
    apply('cases', 'cases/beside', weights='path2.st')  # {}/scan does not reach it
    same_predictions('cases/beside', 'usual', SAMPLES)


def test_one_image():
    said = apply('scans/sub02.png', 'one')
    check('scans/sub02.png: taken as the one sample of the folder photo\n' in said, f'nothing tells of it: {said}')
    same_predictions('one', 'usual', ['sub02'])
    os.chdir('scans')
    apply('sub03.png', '../two', '--quiet', weights='../colour.st')
    os.chdir('..')
    same_predictions('two', 'usual', ['sub03'])
    refused('scans/sub02.png', 'none', 'scans/sub02.png: is one image: --samples is for folders', '--samples', 'sub02')
    refused('scans/notes.txt', 'none', 'scans/notes.txt: is no image')
    refused('data/thickness/sub01.npy', 'none', 'is one image: the features come from 3 folders', weights='grey.st')


def files():
    return {os.path.join(at, name): os.stat(os.path.join(at, name)).st_mtime_ns
            for at, _, names in os.walk('.') for name in names}


def refused(data, out, text, *arguments, **more):
    before = files()
    said = apply(data, out, *arguments, status=1, **more)
    check(text in said and said.count('vkgrid: ') == 1, f'-d {data} -o {out} {arguments}: {said}')
    check(files() == before, f'-d {data} -o {out} {arguments}: something was written')


def test_refusals():
    for out in 'scans', 'data/../scans/.':
        refused('scans', out, 'holds files of the data set', '--overwrite')
        refused('scans/sub01.png', out, 'holds files of the data set', '--overwrite')
    refused('data', 'data/photo', 'holds files of the data set', '--overwrite')  # where only channels are sources
    refused('scans', 'none', 'scans: has images itself, but the features come from 3 folders: curvature, thickness, convexity',
            weights='grey.st')
    os.makedirs('others/mri')
    os.makedirs('others/empty')
    refused('others', 'none', 'others: has no folder photo, from which the features come, and no images')
    shutil.copy('scans/sub01.png', 'others/mri/sub01.png')
    refused('others', 'none', 'others: has no folder photo, from which the features come: -d others/mri takes the images of mri '
            'for it (there are: mri)')
    refused('others', 'none', '--inputs names others, with commas, in the same order (there are: mri)', weights='grey.st')
    os.rename('others/mri', 'others/.mri')
    refused('others/.mri', 'none', '.mri: a folder of images is not called null')
    refused('nowhere', 'none', 'nowhere: no such data folder')


def outlines(classes, width):
    """A label's pixels that erosions by a cross of four neighbours take from it."""
    cross = ndimage.generate_binary_structure(2, 1)
    drawn = np.zeros(classes.shape, bool)
    for k in np.unique(classes[classes > 0]):
        mask = classes == k
        drawn |= mask & ~ndimage.binary_erosion(mask, cross, iterations=width)
    return drawn


def check_overlay(path, picture, map_path, width):
    """picture: [row][col][3] of values, whose lowest becomes 0 and highest 255."""
    got, labels = PIL.Image.open(path), PIL.Image.open(map_path)
    classes, palette = np.asarray(labels), np.array(labels.getpalette(), np.uint8).reshape(-1, 3)
    picture = picture.astype(np.float32)
    wanted = (np.float32(255) * ((picture - picture.min()) / (picture.max() - picture.min()))).astype(np.uint8)
    drawn = outlines(classes, width)
    wanted[drawn] = palette[classes[drawn]]
    check(got.mode == 'RGB' and np.array_equal(np.asarray(got), wanted),
          f'{path}: {got.mode}, {(np.asarray(got) != wanted).any(axis=2).sum()} pixels differ')
    return drawn.any() and not drawn[classes > 0].all()


def test_overlays():
    apply('scans', 'drawn', '--overlay', '--quiet')
    telling = False
    for sample in SAMPLES:
        photo = np.asarray(PIL.Image.open(f'scans/{sample}.png'))
        for group in 'area', 'ring':
            stem = f'drawn/{sample}_{group}'
            telling |= check_overlay(f'{stem}_overlay.png', photo.astype(np.float32) / np.float32(255), f'{stem}.png', 1)
    check(telling, 'no label has an outline and a middle: this tests nothing')
    check(not any(name.endswith('_overlay.png') for name in os.listdir('flat')), 'pictures that nobody asked for')
    refused('scans', 'drawn', 'drawn: has sub01.npy, sub01_area.png, sub01_area_overlay.png and 12 more already', '--overlay')
    apply('data', 'grey', '--overlay', '--quiet', weights='grey.st')
    for sample in SAMPLES:
        curvature = np.repeat(np.load(f'data/curvature/{sample}.npy')[..., None], 3, axis=2)
        check_overlay(f'grey/{sample}_overlay.png', curvature, f'grey/{sample}.png', 1)


def test_wide_overlays():
    """Two pixels from 1024 on; images of several sizes."""
    os.mkdir('large')
    for i, rows in enumerate([1024, 40, 40, 1023]):
        image = PIL.Image.open('scans/sub01.png').resize((64, rows), PIL.Image.BILINEAR)
        image.save(f'large/{i}.png')
    apply('large', 'wide', '--overlay', '--quiet')
    for i, width in enumerate([2, 1, 1, 1]):
        photo = np.asarray(PIL.Image.open(f'large/{i}.png')).astype(np.float32) / np.float32(255)
        check_overlay(f'wide/{i}_area_overlay.png', photo, f'wide/{i}_area.png', width)


def test_names_that_meet():
    os.mkdir('meet')
    for name in 'a', 'a_overlay':
        shutil.copy('scans/sub01.png', f'meet/{name}.png')
    derive('colour.st', 'one.st', prediction='mine', features={
        'inputs': {'own': {'r': 'photo[0]', 'g': 'photo[1]', 'b': 'photo[2]'}}, 'prediction': {'mine': list('abcdefgh')}})
    refused('meet', 'none', 'a_overlay.png: would be written for two samples', '--overlay', weights='one.st')
    apply('meet', 'met', '--quiet', weights='one.st')


def main():
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        prepare()
        test_folders_of_images()
        test_files_by_a_path()
        test_folders_of_paths()
        test_one_image()
        test_refusals()
        test_overlays()
        test_wide_overlays()
        test_names_that_meet()
        os.chdir('/')
    return 1 if checks.failures else 0


sys.exit(main())
