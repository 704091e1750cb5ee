#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Normalised features from training to prediction: normalize_test.py VKGRID
A study's weights give its validation losses again, and predict from raw data what they predict from data that NumPy has
normalised; PyTorch (where it is there) and converted files predict the same; other ranges are told, similar ones are not; a study
does not go on with other normalisation.
"""
import csv
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import numpy as np
import PIL.Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..'), os.path.join(HERE, '../../contrib/pytorch')]
import checks
from checks import check

VKGRID = os.path.abspath(sys.argv[1])
TRAINING, VALIDATION = ['sub01', 'sub02', 'sub03'], ['sub05', 'sub04', 'sub06']
FEATURES = ['curvature', 'x', 'null', 'holes']
WAYS = ['none', 'zscore', 'dataset', {'x': 'dataset', 'curvature': 'zscore', 'holes': 'dataset'}]


def run(command, *arguments, status=0):
    got = subprocess.run([VKGRID, command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                         timeout=600)
    if got.returncode != status:
        check(False, f'{command} {arguments}: exit {got.returncode}, not {status}: {got.stderr}')
    return got


def weights(cell):
    return f'study/cells/grid{cell:05d}/best_own.safetensors'


def predict(out, *arguments, file=None, data='data'):
    got = run('apply', '-w', file, '-d', data, '-o', out, '--device', 'cpu', '--threads', '1', '--quiet', '--overwrite',
              '--size', '32x64', *arguments)
    return got.stderr


def difference(one, other):
    return max(np.abs(np.load(f'{one}/{s}.npy') - np.load(f'{other}/{s}.npy')).max() for s in TRAINING + VALIDATION)


def grid(**more):
    return {'static': {
        'partition': [TRAINING, VALIDATION], 'raters': [], 'gamma': 0.9, 'bce_weight': 0.5, 'batch_size': 2, 'inputs': 'own',
        'prediction': 'area', 'features': {'inputs': {'own': FEATURES}}, 'image_size': [32, 64], 'plan': [{'num_epochs': 3}],
        'base_model': 'resnet18', 'lr': 0.002, **more.get('static', {})}, 'hyper': more.get('hyper', {})}


def write(path, value):
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(value, file)


def prepare():
    """Files larger than the network's images, on scales of their own, with NaN."""
    run('sample', 'data', '--subjects', '6', '--size', '48x100')
    random = np.random.default_rng(1)
    os.makedirs('data/holes')
    for i, sample in enumerate(TRAINING + VALIDATION):
        for feature, factor, shift in ('curvature', 300 + 50 * i, 1000), ('x', 20, -3 * i):
            path = f'data/{feature}/{sample}.npy'
            np.save(path, np.load(path) * np.float32(factor) + np.float32(shift))
        holes = np.load(f'data/thickness/{sample}.npy') * np.float32(1 + 0.1 * i)
        holes[random.random(holes.shape) < 0.2] = np.nan
        np.save(f'data/holes/{sample}.npy', holes.astype('f4'))
    write('grid.json', grid(hyper={'normalize': WAYS}))
    told = run('search', 'grid.json', '-d', 'data', '-o', 'study', '--device', 'cpu', '--threads', '1', '--keep', 'all',
               '--format', 'pt').stderr
    check('curvature: 6 files of 48x100' in told and 'each normalised by its own mean and sd' in told, told)
    check("% NaN, which becomes its image's mean, resized to 32x64, normalised by the training images' mean and sd" in told, told)


def metadata(path):
    with open(path, 'rb') as file:
        (size,) = struct.unpack('<Q', file.read(8))
        return json.loads(file.read(size))['__metadata__']


def of_numpy(way, feature):
    return way.get(feature, 'none') if isinstance(way, dict) else way


def test_statistics():
    for cell in range(len(WAYS)):
        got = json.loads(metadata(weights(cell))['statistics'])
        check(list(got) == FEATURES and got['null'] is None, f'statistics of {list(got)}')
        for feature in 'curvature', 'x', 'holes':
            values = np.concatenate([np.load(f'data/{feature}/{s}.npy').ravel() for s in TRAINING]).astype('f8')
            wanted = {'min': np.nanmin(values), 'max': np.nanmax(values), 'mean': np.nanmean(values), 'sd': np.nanstd(values)}
            check(all(abs(got[feature][key] - wanted[key]) <= 1e-12 * (1 + abs(wanted[key])) for key in wanted),
                  f'{feature}: {got[feature]}, not {wanted}')


def test_validation_losses():
    for cell, way in enumerate(WAYS):
        with open(f'study/cells/grid{cell:05d}/epochs.tsv', encoding='utf-8') as file:
            kept = [row for row in csv.DictReader(file, delimiter='\t') if row['best'] == '1'][-1]
        got = json.loads(run('evaluate', '-w', weights(cell), '-d', 'data', '--samples', ','.join(VALIDATION), '--device', 'cpu',
                             '--threads', '1', '--json', '--quiet').stdout)
        losses = got['as_in_training']
        for ours, theirs in ('dice_loss', 'val_dice'), ('bce_loss', 'val_bce'):
            check(abs(losses[ours] - float(kept[theirs])) <= 1e-5 * (1 + float(kept[theirs])),
                  f'{way}: {ours} {losses[ours]}, {kept[theirs]} in training')


def normalised(way):
    """The data as NumPy normalises it, in double precision, at the files' own size."""
    os.makedirs('judged')
    for feature in FEATURES:
        if feature == 'null':
            continue
        os.makedirs(f'judged/{feature}')
        images = {s: np.load(f'data/{feature}/{s}.npy').astype('f8') for s in TRAINING + VALIDATION}
        all_values = np.concatenate([images[s].ravel() for s in TRAINING])
        for sample, image in images.items():
            by = {'zscore': image, 'dataset': all_values}.get(of_numpy(way, feature))
            if by is not None:
                image = np.where(np.isnan(image), np.nanmean(image), image)
                image = (image - np.nanmean(by)) / np.nanstd(by)
            np.save(f'judged/{feature}/{sample}.npy', image.astype('f4'))


def test_predictions():
    for cell, way in enumerate(WAYS):
        normalised(way)
        with open(f'study/cells/grid{cell:05d}/options.json', encoding='utf-8') as file:
            options = json.load(file)
        options.pop('normalize')
        options['statistics'] = {}
        write('plain.json', options)
        predict('raw', file=weights(cell))
        predict('by_numpy', '--options', 'plain.json', file=weights(cell), data='judged')
        check(difference('raw', 'by_numpy') < 1e-3, f'{way}: {difference("raw", "by_numpy")} from predictions by NumPy')
        predict('without', '--options', 'plain.json', file=weights(cell))
        check((difference('raw', 'without') < 1e-6) == (way == 'none'), f'{way}: this tests too little')
        shutil.rmtree('judged')
        pytorch(cell, way)
        shutil.rmtree('raw')


def pytorch(cell, way):
    try:
        import vkgrid_unet
    except ImportError:
        print('not judged by PyTorch: it is not there')
        return
    model = vkgrid_unet.load(weights(cell))
    apart = max(np.abs(model.predict('data', s) - np.load(f'raw/{s}.npy')).max() for s in VALIDATION)
    check(apart < 1e-4, f'{way}: PyTorch is {apart} from apply')
    if cell < 2:
        return
    run('convert', weights(cell), f'{cell}.pt')
    run('convert', f'{cell}.pt', f'{cell}.safetensors', '--options', f'{cell}.options.json')
    check(metadata(f'{cell}.safetensors')['statistics'] == metadata(weights(cell))['statistics'], 'convert: other statistics')
    for file in f'{cell}.pt', f'{cell}.safetensors':
        predict('converted', file=file)
        check(difference('raw', 'converted') == 0, f'{way}: {file} predicts otherwise')


def test_renamed_folders():
    """Features in the order of training from folders of other names: with their normalisation, and looked at as before."""
    os.makedirs('renamed')
    names = {'curvature': 'x', 'x': 'shift', 'null': 'null', 'holes': 'curvature'}  # also of one another
    for feature, name in names.items():
        if feature != 'null':
            os.symlink(os.path.abspath(f'data/{feature}'), f'renamed/{name}')
    for cell, way in enumerate(WAYS):
        predict('raw', file=weights(cell))
        told = predict('moved', '--inputs', ','.join(names.values()), file=weights(cell), data='renamed')
        check(difference('raw', 'moved') == 0, f'{way}: {difference("raw", "moved")} apart with folders of other names')
        check('in the training data' not in told, f'{way}: {told}')
    os.makedirs('far')
    for feature, name in names.items():
        if feature != 'null':
            os.makedirs(f'far/{name}')
            for sample in VALIDATION:
                np.save(f'far/{name}/{sample}.npy', np.load(f'data/{feature}/{sample}.npy') * np.float32(100))
    told = predict('moved', '--inputs', ','.join(names.values()), file=weights(2), data='far')
    check('feature shift: ' in told and told.count('in the training data') == 3, f'nothing tells of the values: {told}')
    for command in 'apply', 'evaluate':
        said = run(command, '-w', weights(2), '-d', 'renamed', '-o', 'none', '--inputs', 'x,shift', status=1).stderr
        check('--inputs: names 2 features: ' in said and 'has 4 (curvature, x, null, holes)' in said and said.count('\n') == 1
              and not os.path.exists('none'), f'{command}: {said}')


def test_ensemble():
    """Each network gets the images as it was trained on them."""
    for cell in 0, 3:
        predict(f'alone{cell}', file=weights(cell))
    predict('both', '-w', weights(3), file=weights(0))
    for sample in VALIDATION:
        mean = (np.load(f'alone0/{sample}.npy') + np.load(f'alone3/{sample}.npy')) / 2
        check(np.abs(np.load(f'both/{sample}.npy') - mean).max() < 1e-5, f'{sample}: no mean of two predictions')


def test_model_folder():
    (folder,) = os.listdir('study/models')
    best = f'study/models/{folder}'
    with open(f'{best}/options.json', encoding='utf-8') as file:
        options = json.load(file)
    predict('raw', file=weights(options['cell']))
    predict('model', file=f'{best}/model.pt')
    check(difference('raw', 'model') == 0, 'models/: predicts otherwise')
    run('convert', weights(2), 'alone.pt')
    os.remove('alone.options.json')
    said = run('apply', '-w', 'alone.pt', '--options', 'study/cells/grid00002/options.json', '-d', 'data', '-o', 'alone',
               status=1).stderr
    check('curvature is normalised by the mean and sd of the training data, which do not stand there' in said
          and said.count('\n') == 1 and not os.path.exists('alone'), said)


def test_report():
    """Its pictures are of normalised images: none of them fails."""
    run('report', 'study', '--device', 'cpu')
    with open('study/report.html', encoding='utf-8') as file:
        page = file.read()
    check('"dice":' in page and 'is normalised by' not in page, 'the report shows no predictions')


def test_identity():
    other = grid(static={'normalize': {'x': 'zscore'}})
    write('other.json', other)
    said = run('search', 'other.json', '-d', 'data', '-o', 'study', '--device', 'cpu', status=1).stderr
    check('holds another study: normalize: {"x": "zscore"} instead of' in said, said)
    write('wrong.json', grid(static={'normalize': {'curvatur': 'zscore'}}))
    said = run('search', 'wrong.json', '-d', 'data', '-o', 'wrong', '--device', 'cpu', status=1).stderr
    check('normalize: "curvatur" is no feature of any set: did you mean "curvature"?' in said and not os.path.exists('wrong'),
          said)


def shared_tiles():
    folder = os.path.join(os.environ.get('VKGRID_SHARED', os.path.join(HERE, '../../../shared')), 'data/em_tiles')
    return folder if os.path.isdir(folder) else None


def test_ranges():
    """The same pixels as .png and as arrays; a scanner of another contrast."""
    tiles = shared_tiles()
    if not tiles:
        print('skipped: no em_tiles in VKGRID_SHARED: ranges of pictures and arrays')
        return
    names = sorted(name[:-4] for name in os.listdir(f'{tiles}/em'))[:8]
    static = {'partition': [names[:4], names[4:]], 'inputs': ['em'], 'prediction': ['membrane'], 'features': {},
              'image_size': [64, 64], 'plan': [{'num_epochs': 1}]}
    for kind in 'arrays', 'darker', 'words':
        os.makedirs(f'{kind}/em')
        os.symlink(f'{tiles}/membrane', f'{kind}/membrane')
    for name in names:
        image = np.asarray(PIL.Image.open(f'{tiles}/em/{name}.png'))
        np.save(f'arrays/em/{name}.npy', image)
        np.save(f'darker/em/{name}.npy', (image * 0.6 / 255 + 0.1).astype('f4'))
        np.save(f'words/em/{name}.npy', image.astype('u2') * 257)
    for way in 'dataset', 'zscore':
        write('tiles.json', grid(static={**static, 'normalize': way}))
        run('search', 'tiles.json', '-d', tiles, '-o', way, '--device', 'cpu', '--threads', '1', '--quiet')
        file = f'{way}/cells/grid00000/best_inputs.safetensors'
        for data, factor in (tiles, None), ('darker', None), ('arrays', 255), ('words', 65535):
            for command in [['evaluate'], ['apply', '-o', 'out']][:1 + ((way, data) == ('dataset', 'arrays'))]:
                said = run(*command[:1], '-w', file, '-d', data, '--device', 'cpu', '--threads', '1', '--quiet', '--samples',
                           ','.join(names), *command[1:]).stderr
                told = f'about {factor} times larger; arrays' in said and 'feature em: 0 to ' in said
                wanted = way != 'zscore' and factor is not None
                check(said.count('in the training data') == told == wanted, f'{way}, {data}: {said}')


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        prepare()
        for name, test in list(globals().items()):
            if name.startswith('test_'):
                test()
        os.chdir('/')
    return checks.failures > 0


sys.exit(main())
