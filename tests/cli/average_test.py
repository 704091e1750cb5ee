#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Several weights and mirrored images in `vkgrid apply` and `vkgrid evaluate`, judged by NumPy: average_test.py VKGRID
The mean is that of the single predictions at each image's own size, in whatever order the files are named; a mirrored image is
the file that NumPy mirrors; networks that do not go together, and features that cannot be mirrored, are refused.
"""
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy as np
import PIL.Image

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import checks
from checks import check
from weights_file import derive

VKGRID = os.path.abspath(sys.argv[1])
SIZE, NETWORK, LARGER = (48, 80), (32, 64), (64, 96)
AREAS, SAMPLES = ['V1', 'V2', 'V3'], ['sub01', 'sub02', 'sub03']
AXES = {'horizontal': [(), (2,)], 'vertical': [(), (1,)], 'both': [(), (2,), (1,), (1, 2)]}


def run(command, *arguments, status=0):
    got = subprocess.run([VKGRID, command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                         timeout=300)
    if got.returncode != status:
        check(False, f'{command} {arguments}: exit {got.returncode}, not {status}: {got.stderr}')
    return got


def predict(command, files, data, *arguments, status=0):
    """The first file by -w, the second as an argument, the others by -w again."""
    named = ['-w', files[0], *files[1:2], *(word for file in files[2:] for word in ('--weights', file))]
    return run(command, *named, '-d', data, '--device', 'cpu', '--threads', '1', *arguments, status=status)


def apply(out, files, *arguments, data='data'):
    predict('apply', files, data, '-o', out, '--quiet', *arguments)
    return {sample: np.load(f'{out}/{sample}.npy') for sample in SAMPLES}


def prepare():
    run('sample', 'data', '--subjects', '3', '--size', '%dx%d' % SIZE)
    with open('grid.json', 'w', encoding='utf-8') as file:
        json.dump({'static': {
            'partition': [SAMPLES[:2], SAMPLES[2:]], 'raters': [], 'gamma': 0.9, 'bce_weight': 0.5, 'batch_size': 2,
            'inputs': 'own', 'prediction': 'area', 'features': {'inputs': {'own': ['curvature', 'thickness']}},
            'image_size': NETWORK, 'num_epochs': 4, 'plan': [{}], 'base_model': 'resnet18', 'lr': 0.005}, 'hyper': {}}, file)
    run('search', 'grid.json', '-d', 'data', '-o', 'study', '--device', 'cpu', '--threads', '1', '--quiet')
    os.rename('study/cells/grid00000/best_own.safetensors', 'a.st')
    derive('a.st', 'b.st', noise=0.3, seed=1, batch_size=3)  # by which evaluate's losses are told
    derive('a.st', 'larger.st', noise=0.3, seed=2, image_size=LARGER)


def classes_of(values):
    values = values.astype(np.float64)
    return np.argmax(np.concatenate([1 - values.sum(axis=0, keepdims=True), values]), axis=0)


def test_ensemble():
    alone = {file: apply(f'alone_{file}', [file]) for file in ('a.st', 'b.st', 'larger.st')}
    apart = np.abs(alone['a.st']['sub01'] - alone['b.st']['sub01']).max()
    check(apart > 0.01, f'the networks differ by {apart}: this tests nothing')
    for number, files in enumerate([['a.st', 'b.st'], ['a.st', 'larger.st'], ['b.st', 'larger.st', 'a.st']]):
        got, other = apply(f'mean{number}', files), apply(f'back{number}', files[::-1])
        for sample in SAMPLES:
            wanted = np.mean([alone[file][sample].astype(np.float64) for file in files], axis=0)
            away = np.abs(got[sample] - wanted).max()
            check(got[sample].shape == (3, *SIZE) and away < 1e-6, f'{files} {sample}: {away} away from the mean')
            check(got[sample].tobytes() == other[sample].tobytes(), f'{files} {sample}: another order, other bits')
            classes = np.asarray(PIL.Image.open(f'mean{number}/{sample}.png'))
            check(np.array_equal(classes, classes_of(got[sample])), f'{files} {sample}: other classes')


def test_disagreement():
    derive('a.st', 'features.st', noise=0.1, features={'inputs': {'own': ['curvature', 'convexity']}})
    derive('a.st', 'sources.st', noise=0.1, features={'inputs': {'own': {'curvature': 'curvature', 'thickness': 'depth'}}})
    derive('a.st', 'labels.st', noise=0.1, features={'inputs': {'own': ['curvature', 'thickness']},
                                                     'prediction': {'area': ['V1', 'V3', 'V2']}})
    derive('a.st', 'set.st', noise=0.1, prediction='mine',
           features={'inputs': {'own': ['curvature', 'thickness']}, 'prediction': {'mine': AREAS}})
    derive('a.st', 'copy.st')
    for file, text in [('features.st', 'the features are curvature, thickness, and curvature, convexity'),
                       ('sources.st', 'the features are curvature, thickness, and curvature, thickness (of depth)'),
                       ('labels.st', 'the labels are V1, V2, V3, and V1, V3, V2'),
                       ('set.st', 'the label sets are area, and mine; --prediction names one for both'),
                       ('copy.st', 'are the same weights')]:
        for command in 'apply', 'evaluate':
            said = predict(command, ['a.st', file], 'data', '-o', 'none', status=1).stderr
            check('a.st and ' in said + said.replace('copy.st and a.st', 'a.st and ') and file in said and text in said
                  and said.count('vkgrid: ') == 1 and not os.path.exists('none'), f'{command} {file}: {said}')
    said = run('label', '-w', 'a.st', '-w', 'b.st', 'nobody', status=2).stderr
    check('-w FILE: only one is allowed' in said, f'label: {said}')


def mirrored_data(size):
    """Data sets 'horizontal', ..., of images of that size, resized by nobody."""
    for name, axes in [('plain', ()), ('h', (1,)), ('v', (0,)), ('hv', (0, 1))]:
        for feature in 'curvature', 'thickness':
            os.makedirs(f'{name}/{feature}', exist_ok=True)
            for sample in SAMPLES:
                values = np.load(f'data/{feature}/{sample}.npy')[:size[0], :size[1]]
                np.save(f'{name}/{feature}/{sample}.npy', np.flip(values, axes))


def test_flips():
    for size, bound in (NETWORK, 0), ((40, 72), 1e-6):  # resizing adds in another order from the other side
        mirrored_data(size)
        alone = {(): apply('f', ['a.st'], '--overwrite', data='plain'), (2,): apply('f', ['a.st'], '--overwrite', data='h'),
                 (1,): apply('f', ['a.st'], '--overwrite', data='v'), (1, 2): apply('f', ['a.st'], '--overwrite', data='hv')}
        apart = np.abs(alone[()]['sub01'] - np.flip(alone[(2,)]['sub01'], 2)).max()
        check(apart > 0.01, f'mirror images give the same but for {apart}: this tests nothing')
        for choice, axes in AXES.items():
            got = apply('f', ['a.st'], '--overwrite', '--flips', choice, data='plain')
            for sample in SAMPLES:
                parts = [np.flip(alone[axis][sample], axis).astype(np.float64) for axis in axes]
                away = np.abs(got[sample] - np.mean(parts, axis=0).astype(np.float32)).max()
                check(away <= bound, f'--flips {choice} at {size}, {sample}: {away} away from NumPy')
    both = apply('f', ['a.st', 'b.st'], '--overwrite', '--flips', 'both')
    parts = [apply('f', [file], '--overwrite', '--flips', 'both') for file in ('a.st', 'b.st')]
    away = max(np.abs(both[sample] - (parts[0][sample] + parts[1][sample]) / 2).max() for sample in SAMPLES)
    check(away < 1e-6, f'flips of two networks: {away} away')


def test_flips_refused():
    said = predict('apply', ['a.st'], 'data', '-o', 'said', '--flips', 'both').stderr
    check('--flips both: the mean of 4 predictions an image; this takes for granted' in said, f'nothing is told: {said}')
    derive('a.st', 'x.st', features={'inputs': {'own': {'curvature': 'curvature', 'right': 'x'}}})
    for command in 'apply', 'evaluate':
        said = predict(command, ['x.st'], 'data', '-o', 'none', '--flips', 'vertical', status=1).stderr
        check('--flips: the feature right of x.st is a coordinate' in said, f'{command}: {said}')
    said = predict('apply', ['a.st'], 'data', '-o', 'none', '--flips', 'sideways', status=2).stderr
    check('horizontal|vertical|both is allowed' in said, said)


def losses(p, t):
    p, t = p.astype(np.float64), t.astype(np.float64)
    return (1 - (2 * (p * t).sum() + 1) / ((p * p).sum() + (t * t).sum() + 1),
            -(t * np.log(p) + (1 - t) * np.log1p(-p)).mean() * (1 - t.mean()))


def test_evaluate():
    """At the size of the largest network, from the mean of the probabilities there."""
    for files, more, size in [(['a.st', 'b.st'], [], NETWORK), (['a.st', 'larger.st'], ['--flips', 'both'], LARGER)]:
        got = predict('evaluate', files, 'data', '--json', '--quiet', *more).stdout
        again = predict('evaluate', files[::-1], 'data', '--json', '--quiet', *more).stdout
        check(got == again, f'evaluate {files}: another order, other numbers')
        result = json.loads(got)
        check(result['network_size'] == list(size), f'evaluate {files}: at {result["network_size"]}')
        mean = apply('e', files, '--overwrite', '--size', '%dx%d' % size, *more)
        for sample in result['samples']:
            for k, label in enumerate(AREAS):
                numbers, p = sample['labels'][label], mean[sample['sample']][k]
                check(numbers['predicted'] == (p >= 0.5).sum(), f'{files} {label}: {numbers["predicted"]} pixels')
                mask = PIL.Image.open(f'data/{label}/{sample["sample"]}.png')
                target = np.asarray(mask.convert('F').resize(size[::-1], PIL.Image.BILINEAR)) / 255  # antialiased, as ours
                wanted = losses(p, np.clip(target, 0, 1))
                away = max(abs(numbers[name] - value) for name, value in zip(('dice_loss', 'bce_loss'), wanted))
                check(math.isfinite(away) and away < 1e-4, f'{files} {sample["sample"]} {label}: losses {away} away')


def test_partitions():
    """Each network may have seen other samples: a list is taken where all have the same, and who saw what is joined."""
    for name, file, lists in [('m1', 'a.st', [['sub01'], ['sub02'], ['sub03']]),
                              ('m2', 'b.st', [['sub02'], ['sub01'], ['sub03']]),
                              ('m3', 'b.st', [['sub02'], ['sub03'], ['sub01']])]:
        os.makedirs(name)
        os.link(file, f'{name}/{file}')
        with open(f'{name}/options.json', 'w', encoding='utf-8') as out:
            json.dump({'partition': lists, 'raters': []}, out)

    def evaluate(files, *arguments, status=0):
        said = predict('evaluate', files, 'data', '--json', *arguments, status=status)
        return said.stdout and [sample['sample'] for sample in json.loads(said.stdout)['samples']], said.stderr

    for files in ['m1/a.st', 'm2/b.st'], ['m2/b.st', 'm1/a.st']:
        samples, told = evaluate(files)
        check(samples == ['sub03'] and 'the test of m' in told, f'{samples}: {told}')
        check(evaluate(files, '--split', 'test')[0] == ['sub03'], f'{files}: --split test')
        for split in 'validation', 'training':
            told = evaluate(files, '--split', split, status=1)[1]
            check(f'--split {split}: m' in told and 'have other samples there' in told and told.count('vkgrid: ') == 1, told)
        samples, told = evaluate(files, '--split', 'all')
        check(samples == SAMPLES and 'of 3 samples 2 have names of those that the networks were trained on, and 0 of' in told,
              told)
        samples, told = evaluate([files[0], 'a.st' if 'b' in files[0] else 'b.st'], '--split', 'all')
        check('of 3 samples 1 have' in told, told)
    samples, told = evaluate(['m1/a.st', 'm3/b.st'])
    check(samples == SAMPLES and 'have tests of other samples: every one with labels is evaluated' in told, told)
    told = evaluate(['m1/a.st', 'b.st'], '--split', 'test', status=1)[1]
    check('options.json of the cell is not beside b.st' in told, told)


def main():
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        prepare()
        test_ensemble()
        test_disagreement()
        test_flips()
        test_flips_refused()
        test_evaluate()
        test_partitions()
        os.chdir('/')
    return 1 if checks.failures else 0


sys.exit(main())
