#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `vkgrid evaluate` says, judged by NumPy and SciPy from the probabilities of `vkgrid apply`: evaluate_test.py VKGRID
Every number of every image and label, what is said over the images, and that a study's weights give its validation losses.
"""
import csv
import json
import math
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile

import numpy as np
import PIL.Image
from scipy import ndimage

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import checks
from checks import check

VKGRID = os.path.abspath(sys.argv[1])
ROWS, COLS = 32, 64
AREAS = ['V1', 'V2', 'V3']
VALIDATION = ['sub05', 'sub04', 'sub06']  # two batches, not in the order of the names
EVERY = [f'sub0{i}' for i in range(1, 7)]
WEIGHTS = 'study/cells/grid00000/best_own.safetensors'
NUMBERS = ['dice', 'iou', 'dice_loss', 'bce_loss', 'hausdorff95', 'average_distance']


def run(command, *arguments, status=0):
    got = subprocess.run([VKGRID, command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                         timeout=300)
    if got.returncode != status:
        check(False, f'{command} {arguments}: exit {got.returncode}, not {status}: {got.stderr}')
    return got


def evaluate(*arguments, data='data', status=0):
    return run('evaluate', '-w', WEIGHTS, '-d', data, '--device', 'cpu', '--threads', '1', *arguments, status=status)


def prepare():
    run('sample', 'data', '--subjects', '6', '--size', f'{ROWS}x{COLS}')
    for label in AREAS:  # probabilities, not only 0 and 1; two samples without V3
        for sample in EVERY:
            mask = np.asarray(PIL.Image.open(f'data/{label}/{sample}.png')) > 0
            values = ndimage.uniform_filter(mask.astype(np.float32), 3) * (label != 'V3' or sample > 'sub02')
            os.remove(f'data/{label}/{sample}.png')
            np.save(f'data/{label}/{sample}.npy', np.clip(values, 0, 1).astype(np.float32))
    with open('grid.json', 'w', encoding='utf-8') as file:
        json.dump({'static': {
            'partition': [['sub01', 'sub02', 'sub03'], VALIDATION], 'raters': [], 'gamma': 0.9, 'bce_weight': 0.5,
            'batch_size': 2, 'inputs': 'own', 'prediction': 'area', 'features': {'inputs': {'own': ['curvature', 'x']}},
            'image_size': [ROWS, COLS], 'num_epochs': 4, 'base_model': 'resnet18', 'lr': 0.005}, 'hyper': {}}, file)
    run('search', 'grid.json', '-d', 'data', '-o', 'study', '--device', 'cpu', '--threads', '1', '--quiet')
    run('apply', '-w', WEIGHTS, '-d', 'data', '-o', 'predictions', '--device', 'cpu', '--threads', '1', '--quiet')


def distances(p, t):
    """Of outlines: 95% Hausdorff, average symmetric."""
    if not p.any() or not t.any():
        return math.nan, math.nan
    outlines = [mask & ~ndimage.binary_erosion(mask, ndimage.generate_binary_structure(2, 1)) for mask in (p, t)]
    apart = [ndimage.distance_transform_edt(~outlines[1 - i])[outlines[i]] for i in (0, 1)]
    return max(np.percentile(a, 95) for a in apart), np.concatenate(apart).mean()


def judge(sample, k):
    p = np.load(f'predictions/{sample}.npy')[k].astype(np.float64)
    t = np.load(f'data/{AREAS[k]}/{sample}.npy').astype(np.float64)
    hard_p, hard_t = p >= 0.5, t >= 0.5
    both, either = (hard_p & hard_t).sum(), (hard_p | hard_t).sum()
    if 1e-30 < p.min() and p.max() < 1 - 1e-3:
        entropy = -(t * np.log(p) + (1 - t) * np.log1p(-p)).mean()
    else:  # a float of the probability has lost it; test_validation_losses() judges these
        entropy = None
    return {'both': both, 'predicted': hard_p.sum(), 'target': hard_t.sum(),
            'dice': 2 * both / (hard_p.sum() + hard_t.sum()) if either else math.nan,
            'iou': both / either if either else math.nan,
            'dice_loss': 1 - (2 * (p * t).sum() + 1) / ((p * p).sum() + (t * t).sum() + 1),
            'bce_loss': None if entropy is None else entropy * (1 - t.mean()),
            **dict(zip(NUMBERS[4:], distances(hard_p, hard_t)))}


def same(got, wanted, tolerance=1e-9):
    got = math.nan if got is None else float(got)
    return math.isnan(wanted) if math.isnan(got) else abs(got - wanted) <= tolerance


def tolerance_of(number):
    return 2e-5 if number.endswith('loss') else 1e-9  # probabilities of apply are floats


def check_rows(result, rows):
    judged = dict.fromkeys(['both', 'predicted', 'target', *NUMBERS], 0)
    for sample in result['samples']:
        for k, label in enumerate(AREAS):
            wanted, got = judge(sample['sample'], k), sample['labels'][label]
            row = next(row for row in rows if (row['sample'], row['label']) == (sample['sample'], label))
            check(sorted(got) == sorted(wanted), f'numbers: {sorted(got)}')
            for number, value in wanted.items():
                if value is None:
                    continue
                judged[number] += 1
                check(same(got[number], value, tolerance_of(number)),
                      f'{sample["sample"]} {label}: {number} {got[number]}, not {value}')
                in_json = math.nan if got[number] is None else got[number]
                check(same(row[number], in_json), f'{number}: {row[number]} in the table')
    check(judged['bce_loss'] >= 6 and judged['dice'] == 6 * len(AREAS), f'too little is judged: {judged}')


def check_spread(name, spread, values):
    values = np.array([math.nan if value is None else value for value in values], float)
    kept = values[~np.isnan(values)]
    check(spread['images'] == len(kept) and spread['left_out'] == len(values) - len(kept), f'{name}: {spread}, {values}')
    if len(kept) < 2:
        check(spread['interval'] is None, f'{name}: an interval of {len(kept)} images')
        return
    check(same(spread['mean'], kept.mean()) and same(spread['median'], np.median(kept)), f'{name}: {spread}, {kept}')
    means = np.random.default_rng(1).choice(kept, (100000, len(kept))).mean(axis=1)
    for end, percentile in zip(spread['interval'], (2.5, 97.5)):  # of other random numbers: within percentiles nearby
        low, high = np.percentile(means, [max(percentile - 0.8, 0), min(percentile + 0.8, 100)])
        check(low - 1e-12 <= end <= high + 1e-12, f'{name}: {spread["interval"]}, {end} is not within {low} to {high}')


def test_numbers():
    got = evaluate('--json', '-o', 'all.tsv', '--quiet')
    result = json.loads(got.stdout)
    with open('all.tsv', encoding='utf-8') as file:
        rows = list(csv.DictReader(file, delimiter='\t'))
    check([sample['sample'] for sample in result['samples']] == EVERY, 'other samples')
    check(len(rows) == 6 * len(AREAS), f'{len(rows)} rows')
    check_rows(result, rows)
    of = lambda number, label: [sample['labels'][label][number] for sample in result['samples']]
    for number in NUMBERS:
        for label in AREAS:
            check_spread(f'{label} {number}', result['labels'][label][number], of(number, label))
        table = np.array([of(number, label) for label in AREAS], float)  # null becomes NaN
        over = np.nansum(table, axis=0) if number == 'bce_loss' else np.nanmean(table, axis=0)
        check_spread(f'all labels {number}', result['all_labels'][number], list(over))
    check(result['labels']['V3']['hausdorff95']['left_out'] >= 2, 'nothing is left out: this tests too little')
    check(result['labels']['V1']['dice']['mean'] > 0.3, 'the network finds nothing: this tests too little')
    check(evaluate('--json', '--quiet').stdout == got.stdout, 'another time other numbers')
    alone = json.loads(evaluate('--json', '--quiet', '--batch-size', '1').stdout)
    for one, other in zip(alone['samples'], result['samples']):
        for label in AREAS:
            losses = one['labels'][label]['dice_loss'], other['labels'][label]['dice_loss']
            check(same(*losses, 1e-5), f'--batch-size: {losses}')


def test_validation_losses():
    """Those of the epoch that is kept: the last one of the best round that is marked."""
    result = json.loads(evaluate('--json', '--quiet', '--samples', ','.join(VALIDATION)).stdout)['as_in_training']
    with open('study/cells/grid00000/epochs.tsv', encoding='utf-8') as file:
        epochs = list(csv.DictReader(file, delimiter='\t'))
    best = min((row for row in epochs if row['best'] == '1'), key=lambda row: float(row['val_dice']))
    kept = [row for row in epochs if row['round'] == best['round'] and row['best'] == '1'][-1]
    check(result['batch_size'] == 2, f'batches of {result["batch_size"]}')
    for name in 'dice', 'bce':
        check(abs(result[f'{name}_loss'] - float(kept[f'val_{name}'])) < 1e-5, f'{name}: {result}, in training {kept}')


def test_search_counts():
    """What a search keeps of its weights is what evaluate says of the file: every count of every image and label."""
    said = evaluate('--json', '--quiet', '--samples', ','.join(VALIDATION), '--batch-size', '2')  # batches as in training
    result = json.loads(said.stdout)
    db = sqlite3.connect('study/study.db')
    (counts, labels), = db.execute('SELECT counts, labels FROM vkgrid_overlaps')  # of the kept epoch alone
    check(json.loads(db.execute('SELECT images FROM vkgrid_datasets').fetchone()[0]) == VALIDATION, 'other names of images')
    wanted = [[[sample['labels'][label][name] for name in ('both', 'predicted', 'target')] for label in AREAS]
              for sample in result['samples']]
    got = np.frombuffer(counts, '<u4').reshape(-1, labels, 3)
    check(got.tolist() == wanted, f'counts {got.tolist()}, not {wanted}')
    check(got[:, :, 0].any(), 'the network finds nothing: this tests too little')
    attributes = dict(db.execute('SELECT key, value_json FROM trial_user_attributes'))
    db.close()
    kept = json.loads(attributes['kept'])
    for name in 'dice_loss', 'bce_loss':
        check(abs(result['as_in_training'][name] - kept[name]) < 1e-5, f'{name}: {result["as_in_training"]}, kept {kept}')
    with open('study/hyperparameters/own_area.json', encoding='utf-8') as file:
        ranked = json.load(file)[0]
    status = json.loads(run('status', 'study', '--json').stdout)['tasks'][0]['best'][0]
    check(ranked['kept'] == kept, f'hyperparameters: {ranked["kept"]}')
    for place in json.loads(attributes['labels']), ranked['labels'], status['labels']:
        check(list(place) == AREAS, f'labels {place}')
        for label in AREAS:
            numbers, evaluated = place[label], result['labels'][label]
            check(numbers['images'] == evaluated['dice']['images'] and same(numbers['hard_dice'], evaluated['dice']['mean'])
                  and same(numbers['iou'], evaluated['iou']['mean']), f'{label}: {numbers}, not {evaluated}')
    text = run('status', 'study').stdout
    check(f'Dice V1 {ranked["labels"]["V1"]["hard_dice"]:.4f}, V2 ' in text, text)
    check(text.count('Dice V1') == 1 and 'Dice V1 ' in run('search', 'grid.json', '-d', 'data', '-o', 'study', '--device',
                                                           'cpu', '--quiet').stdout, 'search does not end with it')


def test_table():
    said = evaluate('--samples', 'sub05,nobody,sub06')
    check('nobody' in said.stderr and 'left out' in said.stderr, f'nothing tells of it: {said.stderr}')
    check(said.stdout.startswith('2 images, 32 x 64'), said.stdout)
    for text in ['\nall labels\n', *(f'\n{label}\n' for label in AREAS), '  Dice ', '95% Hausdorff',
                 'as in training (batches of 2)']:
        check(text in said.stdout, f'no {text!r}: {said.stdout}')
    check(max(map(len, said.stdout.splitlines())) <= 110, said.stdout)


def test_without_labels():
    """Images without labels are told of, a target that is nowhere and a single image have no interval."""
    for label in AREAS:
        os.rename(f'data/{label}/sub02.npy', f'{label}.npy')
    said = evaluate('--quiet', '--json')
    check('1 of 6 samples has no labels and is left out: sub02\n' in said.stderr, f'nothing tells of it: {said.stderr}')
    check(json.loads(said.stdout)['images'] == 5, 'images without labels are counted')
    for label in AREAS:
        os.rename(f'{label}.npy', f'data/{label}/sub02.npy')
    result = json.loads(evaluate('--quiet', '--json', '--samples', 'sub01').stdout)
    check(result['labels']['V1']['dice']['interval'] is None and result['images'] == 1, f'of one image: {result["labels"]}')
    distance = result['labels']['V3']['hausdorff95']
    check(distance['mean'] is None and distance['left_out'] == 1, f'a distance to nothing: {distance}')


def refused(text, *arguments, **more):
    said = evaluate(*arguments, status=1, **more)
    check(text in said.stderr and said.stderr.count('vkgrid: ') == 1 and not said.stdout, f'{arguments}: {said.stderr}')


def test_refusals():
    with open('all.tsv', 'rb') as file:
        before = file.read()
    refused('all.tsv: is there already: --overwrite', '-o', 'all.tsv')
    with open('all.tsv', 'rb') as file:
        check(file.read() == before, 'it was written all the same')
    evaluate('-o', 'all.tsv', '--overwrite', '--samples', 'sub01', '--quiet')
    check(os.path.getsize('all.tsv') < len(before), '--overwrite did not')
    refused('study: is no file', '-o', 'study')
    refused('none', '-o', 'none/all.tsv')
    refused('nowhere: no such data folder', data='nowhere')
    os.rename('data/V2', 'V2')
    refused('data/V2: no such folder')
    os.rename('V2', 'data/V2')
    os.rename('data/V2/sub03.npy', 'kept.npy')
    refused('sub03')
    os.rename('kept.npy', 'data/V2/sub03.npy')


def changed_test(subjects):
    """The study with another test, which trains nothing anew."""
    with open('grid.json', encoding='utf-8') as file:
        grid = json.load(file)
    grid['static']['partition'][2:] = [subjects] if subjects else []
    with open('grid.json', 'w', encoding='utf-8') as file:
        json.dump(grid, file)
    return run('search', 'grid.json', '-d', 'data', '-o', 'study', '--device', 'cpu', '--threads', '1')


def names(said):
    return [sample['sample'] for sample in json.loads(said.stdout)['samples']]


def test_splits():
    """Whom the options beside the weights name; the test is that of the study's grid now."""
    said = evaluate('--json')
    check('of 6 samples 3 have names of those that the network was trained on, and 3 of those that it was chosen by: '
          in said.stderr, f'nothing warns: {said.stderr}')
    said = evaluate('--json', '--split', 'validation')
    check(names(said) == VALIDATION and json.loads(said.stdout)['split'] == 'validation', f'{names(said)}')
    check('trained on' not in said.stderr and 'no labels' not in said.stderr, f'it warns of nothing: {said.stderr}')
    check(names(evaluate('--json', '--split', 'training')) == EVERY[:3], 'not the training samples')
    refused('its partition has two lists', '--split', 'test')
    os.makedirs('others')
    for folder in os.listdir('data'):
        if os.path.isdir(f'data/{folder}'):
            os.makedirs(f'others/{folder}')
            for end in 'npy', 'png':
                if os.path.exists(f'data/{folder}/sub01.{end}'):
                    os.link(f'data/{folder}/sub01.{end}', f'others/{folder}/sub01.{end}')
    refused('none of the 3 validation samples (sub05, ...) has any file', '--split', 'validation', data='others')
    refused('none of the 1 samples (sub09, ...) has any file', '--samples', 'sub09')
    refused('--split: with --samples', '--split', 'test', '--samples', 'sub01')
    shutil.copytree('data', 'more')
    for folder in os.listdir('more'):
        for end in 'npy', 'png':
            if os.path.exists(f'more/{folder}/sub01.{end}'):
                os.link(f'more/{folder}/sub01.{end}', f'more/{folder}/sub07.{end}')
    said = changed_test(['sub07'])
    check('1 of 1 cells finished (1 of them earlier)' in said.stdout, f'it is another study: {said.stdout}{said.stderr}')
    check('--split test\n' in said.stdout, f'no command evaluates: {said.stdout}')
    said = evaluate('--json', data='more')
    check(names(said) == ['sub07'] and json.loads(said.stdout)['split'] == 'test', f'not the test: {said.stdout}')
    check('the test of study/cells/grid00000/options.json: 1 sample of its names (--split all' in said.stderr,
          f'untold: {said.stderr}')
    check(evaluate('--split', 'test', data='more').stdout.startswith('1 images of the split test, 32 x 64'), 'no split is named')
    check(len(names(evaluate('--json', '--split', 'all', data='more'))) == 7, 'all are not all')
    check(names(evaluate('--json', '--quiet')) == EVERY, 'a folder without the test')  # has none of it
    os.rename('study/cells/grid00000/options.json', 'options.json')
    check(len(names(evaluate('--json', data='more'))) == 7, 'without options.json')
    refused('options.json of the cell is not beside', '--split', 'test', data='more')
    check(names(evaluate('--json', '--split', 'validation', '--options', 'options.json')) == VALIDATION, '--options')
    os.rename('options.json', 'study/cells/grid00000/options.json')
    changed_test([])


def test_commands():
    """What a search prints at its end can be given to a shell."""
    out = "a study's $(touch wrong)"
    shutil.copytree('study', out)
    said = run('search', 'grid.json', '-d', 'data', '-o', out, '--device', 'cpu', '--threads', '1', '--quiet').stdout
    lines = [line.split(maxsplit=1) for line in said.splitlines() if line.startswith('    vkgrid ')]
    check([rest.split()[0] for _, rest in lines] == ['train', 'evaluate', 'apply'], said)
    check(shlex.split(lines[0][1])[1:] == [f'{out}/hyperparameters/own_area.json'], said)
    shell = subprocess.run(f'{VKGRID} {lines[1][1]} --device cpu --quiet', shell=True, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, check=False)
    check(shell.returncode == 0 and '3 images of the split validation' in shell.stdout and not os.path.exists('wrong'),
          shell.stderr)


def main():
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        prepare()
        test_numbers()
        test_validation_losses()
        test_search_counts()
        test_table()
        test_without_labels()
        test_splits()
        test_commands()
        test_refusals()
        os.chdir('/')
    return 1 if checks.failures else 0


sys.exit(main())
