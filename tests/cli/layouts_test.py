#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real images in four layouts, each by two commands to a running search: layouts_test.py VKGRID TILES

`vkgrid init`, the command that it ends with, `evaluate` and `apply`, nothing edited between them. What is told of the labels, and
every overlap that evaluate says, is computed again by NumPy and Pillow from the files and from what apply writes. A layout:

  nnU-Net    imagesTr/CASE_0000.png, labelsTr/CASE.png with classes, dataset.json
  palette    images/*.png, masks/*.png whose palette's indices are the classes
  beside     CASE.png, CASE_mask.png of 0 and 255 in one folder
  tiff       photos/*.tif in colours, a folder of masks of 0 and 1 (.tif) for each label
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

import numpy as np
import PIL.Image

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import checks
from checks import check

VKGRID, TILES = os.path.abspath(sys.argv[1]), sys.argv[2]
SIZE = (32, 64)  # of the network; the tiles have 128 x 256
CASES = [f's0{section}t{tile:02}' for section in (0, 5) for tile in range(4)]
NEW = ['s10t00', 's10t01']  # what apply is given
CLASSES = {'membrane': 1, 'mitochondria': 2}


def tile(folder, case):
    return np.asarray(PIL.Image.open(f'{TILES}/{folder}/{case}.png'))


def class_map(case):
    """Where both are, the later one."""
    classes = np.zeros((128, 256), np.uint8)
    for name, number in CLASSES.items():
        classes[tile(name, case) > 0] = number
    return classes


def save(path, pixels, palette=None):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    image = PIL.Image.fromarray(pixels)
    if palette:
        image.putpalette(palette)
    image.save(path)


def make_nnunet(data):
    for half, cases in ('Tr', CASES), ('Ts', NEW):
        for case in cases:
            save(f'{data}/images{half}/{case}_0000.png', tile('em', case))
    for case in CASES:
        save(f'{data}/labelsTr/{case}.png', class_map(case))
    with open(f'{data}/dataset.json', 'w', encoding='utf-8') as file:
        json.dump({'channel_names': {'0': 'EM'}, 'labels': {'background': 0, **CLASSES}, 'numTraining': len(CASES),
                   'file_ending': '.png'}, file)


def make_palette(data):
    for case in CASES:
        save(f'{data}/images/{case}.png', tile('em', case))
        save(f'{data}/masks/{case}.png', class_map(case), [0, 0, 0, 200, 30, 30, 30, 30, 200])


def make_tiff(data):
    for case in CASES:
        grey = tile('em', case)
        save(f'{data}/photos/{case}.tif', np.stack([grey, 255 - grey, grey // 2], axis=-1))
        for label in CLASSES:
            save(f'{data}/{label}/{case}.tif', (class_map(case) == CLASSES[label]).astype(np.uint8))


def make_beside(data):
    for case in CASES:
        save(f'{data}/{case}.png', tile('em', case))
        save(f'{data}/{case}_mask.png', 255 * (class_map(case) == 1).astype(np.uint8))


LAYOUTS = {  # how it is made, its labels' names and classes, its features
    'nnunet': (make_nnunet, CLASSES, ['EM']),
    'palette': (make_palette, {'masks_1': 1, 'masks_2': 2}, ['images']),
    'tiff': (make_tiff, CLASSES, ['photos_0', 'photos_1', 'photos_2']),
    'beside': (make_beside, {'mask': 1}, ['image']),
}


def run(*arguments):
    got = subprocess.run([VKGRID, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, check=False, timeout=600)
    if got.returncode != 0:
        sys.exit(f'FAILED: vkgrid {" ".join(arguments)}: exit {got.returncode}: {got.stderr}')
    return got


def check_told(name, told, labels):
    """"data: labelsTr=1: 8 files of 128x256, of the classes 0, 1, 2, 12.3% of pixels, in 8 of 8 samples"."""
    maps = np.stack([class_map(case) for case in CASES])
    lines = [line for line in told.splitlines() if line.startswith('data: ')]
    for label, number in labels.items():
        source = {'nnunet': f'labelsTr={number}', 'palette': f'masks={number}', 'tiff': label, 'beside': '{}_mask'}[name]
        line = next((line for line in lines if line.startswith(f'data: {source}: ')), '')
        share = re.search(r'([0-9.]+)% of pixels, in (\d+) of (\d+) samples', line)
        inside = maps == number
        check(share is not None, f'{name}: nothing is told of {source}: {lines}')
        if share:
            check(share[1] == f'{100 * inside.mean():.3g}', f'{name}: {source}: {share[1]}%, not {100 * inside.mean()}')
            check(int(share[2]) == inside.any(axis=(1, 2)).sum() and int(share[3]) == len(CASES), f'{name}: {line}')


def resized(mask):
    """To the network's size, by the mean over its whole pixels' triangles, as torchvision does for an integer factor."""
    scale = mask.shape[0] // SIZE[0]
    weights = np.zeros((SIZE[0], mask.shape[0])), np.zeros((SIZE[1], mask.shape[1]))
    for matrix in weights:
        for i in range(matrix.shape[0]):
            places = np.arange(matrix.shape[1]) + 0.5
            row = np.maximum(0, 1 - np.abs(places - (i + 0.5) * scale) / scale)
            matrix[i] = row / row.sum()
    return weights[0] @ mask @ weights[1].T


def check_scores(name, scores, labels):
    """Of every image and label: pixels of both, of the prediction and of the target; hard Dice and IoU."""
    counted = 0
    for sample in scores['samples']:
        case = sample['sample']
        probabilities = np.load(f'{name}-predictions/{case}.npy')
        check(probabilities.shape == (len(labels), *SIZE), f'{name}: {case}: {probabilities.shape}')
        for k, (label, number) in enumerate(labels.items()):
            got, p = sample['labels'][label], probabilities[k] >= 0.5
            target = resized((class_map(case) == number).astype(float))
            # A target within rounding of 0.5 may fall on either side.
            t, low, high = (target >= 0.5 + shift for shift in (0, 1e-6, -1e-6))
            both, either = (p & t).sum(), (p | t).sum()
            exact = (got['both'], got['predicted'], got['target']) == (both, p.sum(), t.sum())
            check(exact or (low.sum() <= got['target'] <= high.sum() and (p & low).sum() <= got['both'] <= (p & high).sum()),
                  f'{name}: {case} {label}: {got}')
            if exact and either:
                check(abs(got['dice'] - 2 * both / (p.sum() + t.sum())) < 1e-9 and abs(got['iou'] - both / either) < 1e-9,
                      f'{name}: {case} {label}: {got}')
                counted += 1
    check(counted >= len(CASES), f'{name}: only {counted} scores are judged')


def check_maps(name, out, labels, cases, size=(128, 256)):
    with open(f'{out}/legend.tsv', encoding='utf-8') as file:
        names = [line.split('\t')[2] for line in file][2:]
    check(names == list(labels), f'{name}: the legend has {names}')
    check(sorted(os.listdir(out)) == sorted(['legend.tsv', *(f'{case}{end}' for case in cases for end in ('.npy', '.png'))]),
          f'{name}: {os.listdir(out)}')
    for case in cases:
        check(np.asarray(PIL.Image.open(f'{out}/{case}.png')).shape == size, f'{name}: {case}: no map of {size}')


def go(name):
    make, labels, features = LAYOUTS[name]
    make(name)
    told = run('init', '-d', name, '-o', f'{name}.json', '--size', f'{SIZE[0]}x{SIZE[1]}', '--set', 'num_epochs=1')
    line = told.stdout.splitlines()[-1]
    check(line.startswith('next: vkgrid search '), f'{name}: {line}')
    with open(f'{name}.json', encoding='utf-8') as file:
        fixed = json.load(file)['static']
    sets = [fixed['features'][key][fixed[key]] for key in ('inputs', 'prediction')]
    check(list(sets[0]) == features and list(sets[1]) == list(labels), f'{name}: {sets}')
    search = run(*shlex.split(line)[2:-1], f'{name}-study')  # three studies in one folder
    check_told(name, search.stderr, labels)
    weights = re.search(r'-w (\S+\.safetensors)', search.stdout)[1]
    run('apply', '-w', weights, '-d', name, '-o', f'{name}-predictions', '--size', f'{SIZE[0]}x{SIZE[1]}')
    check_scores(name, json.loads(run('evaluate', '-w', weights, '-d', name, '--split', 'all', '--json').stdout), labels)
    run('apply', '-w', weights, '-d', name, '-o', f'{name}-maps')
    check_maps(name, f'{name}-maps', labels, CASES)
    if name == 'nnunet':
        run('apply', '-w', weights, '-d', f'{name}/imagesTs', '-o', f'{name}-new')
        check_maps(name, f'{name}-new', labels, NEW)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for layout in LAYOUTS:
        go(layout)
    os.chdir('/')
sys.exit(checks.failures > 0)
