#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `vkgrid apply` writes, judged by NumPy, Pillow and PyTorch: apply_test.py VKGRID
The label rule, sizes, palettes and the legend; what it refuses to write to.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np
import PIL.Image
import torch

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import checks
from checks import check

VKGRID = os.path.abspath(sys.argv[1])
SIZE, NETWORK = (48, 80), (32, 64)
AREAS, RINGS = ['V1', 'V2', 'V3'], ['E0', 'E1', 'E2', 'E3', 'E4']
WEIGHTS = 'study/cells/grid00000/best_own.safetensors'


def run(command, *arguments, status=0):
    got = subprocess.run([VKGRID, command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                         timeout=300)
    if got.returncode != status:
        check(False, f'{command} {arguments}: exit {got.returncode}, not {status}: {got.stderr}')
    return got.stderr


def apply(out, *arguments, weights=WEIGHTS, status=0):
    return run('apply', '-w', weights, '-d', 'data', '-o', out, '--device', 'cpu', '--threads', '1', *arguments, status=status)


def train(prediction, out):
    with open('grid.json', 'w', encoding='utf-8') as file:
        json.dump({'static': {
            'partition': [['sub01', 'sub02'], ['sub03']], 'raters': [], 'gamma': 0.9, 'bce_weight': 0.5, 'batch_size': 2,
            'inputs': 'own', 'prediction': prediction, 'features': {'inputs': {'own': ['curvature', 'x']}},
            'image_size': NETWORK, 'num_epochs': 4, 'plan': [{}], 'base_model': 'resnet18', 'lr': 0.005}, 'hyper': {}}, file)
    run('search', 'grid.json', '-d', 'data', '-o', out, '--device', 'cpu', '--threads', '1', '--quiet')


def probabilities(folder, sample='sub01'):
    return np.load(f'{folder}/{sample}.npy')


def by_rule(values):
    """The index of the largest of: what the labels leave for none, the labels; of equal ones the first."""
    values = values.astype(np.float64)
    return np.argmax(np.concatenate([1 - values.sum(axis=0, keepdims=True), values]), axis=0)


def legend(folder):
    with open(f'{folder}/legend.tsv', encoding='utf-8') as file:
        rows = [line.rstrip('\n').split('\t') for line in file]
    check(rows[0] == ['map', 'index', 'name', 'colour'], f'{folder}: legend begins with {rows[0]}')
    return rows[1:]


def colours_of(image, count):
    return ['#%02x%02x%02x' % tuple(image.getpalette()[3 * i:3 * i + 3]) for i in range(count)]


def check_map(folder, path, name, values, labels):
    image = PIL.Image.open(f'{folder}/{path}')
    index = np.asarray(image)
    check(image.mode == 'P' and index.shape == values.shape[1:], f'{path}: {image.mode}, {index.shape}')
    check(np.array_equal(index, by_rule(values)), f'{folder}/{path}: other classes')
    rows = [row for row in legend(folder) if row[0] == name]
    check([row[2] for row in rows] == ['none', *labels], f'{name}: {rows}')
    check([row[1] for row in rows] == [str(i) for i in range(len(labels) + 1)], f'{name}: {rows}')
    check([row[3] for row in rows] == colours_of(image, len(rows)), f'{name}: other colours than in the legend')
    return index


def test_sizes():
    apply('native')
    at_network = apply('network', '--size', '%dx%d' % NETWORK)
    apply('larger', '--size', '200x300', '--quiet')
    check('32 x 64' in at_network, f'nothing tells of the size: {at_network}')
    values = probabilities('network')
    check(values.dtype == np.float32 and values.shape == (8, *NETWORK), f'network: {values.shape}')
    check(len(np.unique(by_rule(values[:3]))) > 1, 'the network finds nothing: this tests nothing')
    for folder, size in ('native', SIZE), ('larger', (200, 300)):
        got = probabilities(folder)
        wanted = torch.nn.functional.interpolate(torch.from_numpy(values)[None], size, mode='bilinear', align_corners=False,
                                                 antialias=True)[0].numpy()
        check(got.shape == (8, *size) and got.dtype == np.float32, f'{folder}: {got.shape}')
        check(np.abs(got - wanted).max() < 1e-6, f'{folder}: {np.abs(got - wanted).max()} away from interpolate()')
        check(got.min() >= 0 and got.max() <= 1, f'{folder}: outside of 0..1')


def test_maps():
    for folder in 'native', 'network':
        for sample in 'sub01', 'sub02', 'sub03':
            values = probabilities(folder, sample)
            check_map(folder, f'{sample}_area.png', 'area', values[:3], AREAS)
            check_map(folder, f'{sample}_ring.png', 'ring', values[3:], RINGS)
    check(not os.path.exists('native/sub01.png'), 'one map for two groups')
    train('area', 'area')
    apply('one', '--quiet', weights='area/cells/grid00000/best_own.safetensors')
    check_map('one', 'sub01.png', 'area', probabilities('one'), AREAS)
    check(sorted(os.listdir('one'))[:3] == ['legend.tsv', 'sub01.npy', 'sub01.png'], f'files: {os.listdir("one")}')


def files():
    return {os.path.join(at, name): os.stat(os.path.join(at, name)).st_mtime_ns
            for at, _, names in os.walk('.') for name in names}


def refused(out, text, *arguments, **more):
    before = files()
    said = apply(out, *arguments, status=1, **more)
    check(text in said and said.count('vkgrid: ') == 1, f'-o {out} {arguments}: {said}')
    check(files() == before, f'-o {out} {arguments}: something was written')


def test_folders_of_the_data_set():
    for out in 'data/curvature', 'data/../data/x/.', 'data/V2':
        refused(out, 'holds files of the data set')
        refused(out, 'holds files of the data set', '--overwrite')
    os.symlink(os.path.abspath('data/x'), 'elsewhere')
    refused('elsewhere', 'elsewhere: holds files of the data set (data/x)')
    # A data set of links into a folder that is written to.
    os.makedirs('store')
    os.rename('data/x/sub02.npy', 'store/kept.npy')
    os.symlink(os.path.abspath('store/kept.npy'), 'data/x/sub02.npy')
    refused('store', 'holds files of the data set', '--overwrite')


def test_existing_files():
    refused('native', 'native: has sub01.npy, sub01_area.png, sub01_ring.png and 6 more already: --overwrite')
    refused('native', 'native: has sub02.npy, sub02_area.png, sub02_ring.png already: --overwrite', '--samples', 'sub02')
    before = probabilities('native')
    os.truncate('native/sub01.npy', 0)
    said = apply('native', '--overwrite', '--samples', 'sub01')
    check(np.array_equal(probabilities('native'), before), '--overwrite did not')
    check('native: 6 files of other samples (sub02.npy, ...) stay there' in said, f'nothing tells of others: {said}')
    apply('added', '--samples', 'sub01', '--quiet')
    apply('added', '--samples', 'sub02', '--quiet') # the same legend is not in the way
    refused('added', 'added: has legend.tsv already', '--samples', 'sub03', '--inputs', 'curvature,x', '--prediction',
            'a,b,c,d,e,f,g,h')


def without_metadata(path, to):
    with open(path, 'rb') as file:
        size, = struct.unpack('<Q', file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    del header['__metadata__']
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(to, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + data)


def test_network_size():
    without_metadata(WEIGHTS, 'bare.safetensors')
    network = ['--base-model', 'resnet18', '--inputs', 'curvature,x', '--prediction', 'sect']
    refused('bare', 'does not say its image_size: --network-size', *network, weights='bare.safetensors')
    refused('bare', '--network-size 40x64: multiples of 32', *network, '--network-size', '40x64', weights='bare.safetensors')
    apply('bare', *network, '--network-size', '%dx%d' % NETWORK, '--quiet', weights='bare.safetensors')
    check(np.array_equal(probabilities('bare'), probabilities('native')), 'other predictions without metadata')
    apply('twice', '--network-size', '64x128', '--quiet')
    check(probabilities('twice').shape == (8, *SIZE), 'the network\'s size is the output\'s')
    check(not np.array_equal(probabilities('twice'), probabilities('native')), '--network-size has no effect')


def test_not_numbers():
    """Finite weights with which activations are infinite, and the last sum is of infinities of both signs."""
    with open(WEIGHTS, 'rb') as file:
        size, = struct.unpack('<Q', file.read(8))
        text = file.read(size)
        header, data = json.loads(text), bytearray(file.read())
    for name, values in {'conv_original_size2.0.weight': [3e35, 3e35], 'conv_original_size2.0.bias': [3.4028e38, 3.4028e38],
                         'conv_last.weight': [1, -1]}.items():
        first, end = header[name]['data_offsets']
        data[first:end] = np.tile(np.array(values, '<f4'), (end - first) // 8).tobytes()
    with open('nan.safetensors', 'wb') as file:
        file.write(struct.pack('<Q', size) + text + data)
    said = apply('nan', weights='nan.safetensors', status=1)
    check('sub01: the network gives NaN' in said, f'nothing tells of NaN: {said}')
    check(not os.path.exists('nan/sub01.npy'), 'NaN was written')


def test_left_out():
    said = apply('some', '--samples', 'sub01,nobody,sub03', '--quiet')
    check('nobody: left out' in said, f'nothing tells of it: {said}')
    check(os.path.exists('some/sub03.npy') and not os.path.exists('some/nobody.npy'), str(os.listdir('some')))


def main():
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        run('sample', 'data', '--subjects', '3', '--size', '%dx%d' % SIZE)
        train('sect', 'study')
        test_sizes()
        test_maps()
        test_existing_files()
        test_network_size()
        test_not_numbers()
        test_left_out()
        test_folders_of_the_data_set()
        os.chdir('/')
    return 1 if checks.failures else 0


sys.exit(main())
