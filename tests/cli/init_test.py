#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`vkgrid init` on folders as people have them, with images that are made here: init_test.py VKGRID

What it writes is what the folder holds, and `vkgrid search --dry-run` takes it as it is; where it cannot tell it says so in one
line and writes nothing.
"""
import json
import os
import random
import struct
import tempfile

from folders import check, init, noise, png, refuse, run, sets


def pairs(data, images, masks, subjects=5, size=(100, 130)):
    """images/ and masks/ of equal stems; both are further arguments of png()."""
    for i in range(subjects):
        png(f'{data}/images/s{i}.png', *size, *images)
        png(f'{data}/masks/s{i}.png', *size, *masks)


def test_own_layout():
    check(run('sample', 'own', '--subjects', '10', '--size', '32x64', '-q').returncode == 0)
    fixed = init('own', tells=['8 for training, 2 for validation'])
    check((fixed['inputs'], fixed['prediction'], fixed['image_size'], fixed['raters']) == ('anat', 'sect', [32, 64], []), fixed)
    check('features' not in fixed and 'data_cache_path' not in fixed, fixed)
    check(sorted(sum(fixed['partition'], [])) == [f'sub{i:02}' for i in range(1, 11)], fixed)
    check(init('own') == fixed, 'another split by the same seed')
    check(init('own', '--seed', '1')['partition'] != fixed['partition'], 'one split for all seeds')
    check([len(half) for half in init('own', '--validation', '0.5')['partition']] == [5, 5])
    check('normalize' not in fixed, fixed)
    lists = init('own', '--validation', '0.3', '--test', '0.2')['partition']
    check([len(part) for part in lists] == [5, 3, 2] and sorted(sum(lists, [])) == sorted(sum(fixed['partition'], [])), lists)
    check(sorted(init('own', '--labels', 'V1,E0')['features']['prediction']['labels']) == ['E0', 'V1'])
    with open('own/flatten.json', 'w') as file:
        json.dump({'labels': {'V3': 'varea.mgz:3', 'V2': 'varea.mgz:2', 'V1': 'varea.mgz:1'}}, file)
    check(init('own')['prediction'] == 'area')


def test_raters():
    for rater in ('A1', 'A3'):
        for i in range(4):
            png(f'rated/t1/{rater}_{i}.png', 64, 64, noise(1))
            png(f'rated/V1/{rater}_{i}.png', 64, 64, lambda row, col: 255 * (col > 30))
    os.remove('rated/V1/A3_2.png')
    fixed = init('rated', tells=['A1, A3', 'left out: 1 sample without a file in some folder (A3_2: not in V1)'])
    check(fixed['raters'] == ['A1', 'A3'] and sorted(sum(fixed['partition'], [])) == ['0', '1', '3'], fixed)


def test_images_and_masks():
    mask = [lambda row, col: int(col > 50)]
    classes = [lambda row, col: col // 50]
    pairs('grey', [noise(1)], mask)
    fixed = init('grey', tells=['images of 100x130 become 96x128, stretched by 3%'])
    check(sets(fixed) == [['images'], ['masks']] and fixed['image_size'] == [96, 128], fixed)
    pairs('colour', [noise(3), 3], classes, size=(60, 1024))
    refuse('colour', 'classes of a map are named by --classes NAME=NUMBER,...: colour/masks/s')
    pairs('colour', [noise(3), 3], mask, size=(60, 1024))
    fixed = init('colour')
    check(list(sets(fixed)[0].values()) == ['images[0]', 'images[1]', 'images[2]'] and fixed['image_size'] == [32, 256], fixed)
    pairs('map', [noise(1)], classes, size=(20, 130))
    check(sets(init('map')) == [['images'], {'masks_1': 'masks=1', 'masks_2': 'masks=2'}])
    check(sets(init('map', '--classes', 'white=2'))[1] == {'white': 'masks=2'})
    pairs('palette', [noise(1)], [lambda row, col: int(col > 50), 1, [(0, 0, 0), (255, 0, 0)]])
    check(sets(init('palette'))[1] == {'masks_1': 'masks=1'})
    pairs('small', [noise(1)], mask, subjects=4, size=(32, 60))
    check(init('small')['image_size'] == [32, 64])
    png('grey/unlike/s0.png', 10, 10, lambda row, col: 7)
    init('grey', tells=['unlike: has one value everywhere: left out'])


def test_wide_values():
    """What a network learns badly from is normalised; greys lie within 0 to 1."""
    pairs('wide', [noise(1)], [lambda row, col: int(col > 50)], size=(64, 64))
    os.makedirs('wide/t1')
    for i in range(5):
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (64, 64), }"
        header += b' ' * (117 - len(header)) + b'\n'
        with open(f'wide/t1/s{i}.npy', 'wb') as file:
            file.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header + struct.pack('<4096f', *range(4096)))
    check(init('wide', tells=['normalize: t1: by mean and sd'])['normalize'] == {'t1': 'dataset'})


def test_greys():
    """Greys are probabilities; masks of 0 and 1 beside them are not, and numbers of objects are told."""
    pairs('greys', [noise(1)], [lambda row, col: min(255, 5 * col)])
    check('shares' not in run('init', '-d', 'greys', '-o', 'greys.json').stderr)
    png('greys/masks/s3.png', 100, 130, lambda row, col: int(col > 50))
    refuse('greys', 'greys/masks/s3.png has nothing but 0 and 1, but greys/masks/s0.png has greys up to 255')
    pairs('objects', [noise(1)], [lambda row, col: 2 * (row // 20 * 20 + col // 20)])
    init('objects', tells=['masks: whole numbers up to 172 are taken as shares of 255: if they are numbers of objects'])
    pairs('objects', [noise(1)], [lambda row, col: 1 + row // 20 * 20 + col // 20])
    refuse('objects', 'objects/masks: whole numbers up to 87, less than half of 255 everywhere: ')


def test_rare_classes():
    """A class that one subject has is not kept from training; the search itself looks at that when it reads the data."""
    for i in range(6):
        png(f'a rare one/images/s{i}.png', 64, 64, noise(1))
        png(f'a rare one/masks/s{i}.png', 64, 64, lambda row, col, i=i: 2 if i == 4 and row > 30 else int(col > 30))
    for seed in range(6):
        done = run('init', '-d', 'a rare one', '-o', 'rare.json', '--overwrite', '--seed', str(seed), '--validation', '0.5')
        check(done.stdout.endswith("\nnext: vkgrid search rare.json -d 'a rare one' -o study\n"), done.stdout, done.stderr)
        with open('rare.json') as file:
            check('s4' in json.load(file)['static']['partition'][0], 'class 2 is in no training sample')


def test_refusals():
    os.makedirs('empty/folder')
    refuse('empty', 'none of its folders has images')
    refuse('nowhere', 'no folder that can be read')
    pairs('one', [noise(1)], [lambda row, col: int(col > 50)], subjects=1)
    refuse('one', 'one: 1 subject has a file of one name in every folder: two are wanted')
    pairs('photos', [noise(1)], [noise(3), 3])
    refuse('photos', 'photos/masks: colour images of 3 channels')
    for i in range(3):
        png(f'none/t1/s{i}.png', 64, 64, noise(1))
    pairs('mixed', [noise(1)], [lambda row, col: [0, 1, 255][col // 50]])
    refuse('mixed', 'mixed/masks: has the values 0, 1 and 255')
    check(sets(init('mixed', '--classes', 'cell=1'))[1] == {'cell': 'masks=1'})
    refuse('none', 'none: none of its folders holds labels')
    refuse('none', 'none/V1: no folder with images', '--labels', 'V1')
    refuse('map', '--classes: white: NAME=NUMBER is wanted', '--classes', 'white')
    refuse('map', '--classes: white=3: map/masks has the values 0, 1, 2', '--classes', 'white=3')
    refuse('map', '--classes: white: stands twice', '--classes', 'white=1,white=2')
    for i in range(3):
        png(f'apart/images/{"abc"[i]}.png', 64, 64, noise())
        png(f'apart/labels/{"xyz"[i]}.png', 64, 64, lambda row, col: row // 40)
    refuse('apart', 'not in all is a: not in labels')
    with open('one/images/s0.png', 'wb') as file:
        file.write(b'no picture')
    refuse('one', 'one/images/s0.png')
    check(run('init').returncode == 2)
    done = run('init', '-d', 'map', '-o', 'map.json')
    check(done.returncode == 1 and 'is there already' in done.stderr, done.stderr)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    random.seed(1)
    for test in (test_own_layout, test_raters, test_images_and_masks, test_wide_values, test_greys, test_rare_classes,
                 test_refusals):
        test()
    os.chdir('/')
