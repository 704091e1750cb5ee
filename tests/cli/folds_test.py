#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Cross-validation from grid to out-of-fold predictions: folds_test.py VKGRID
Which subject is in which fold is computed here by the words of docs/grid-file.md. A fold has the bits of a plain study with its
partition, whatever pack it is in, whether it was killed, and whether `until` was raised; out-of-fold numbers are NumPy's.
"""
import glob
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import numpy as np
import PIL.Image

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import checks
from checks import check

VKGRID = os.path.abspath(sys.argv[1])
FOLDS, SEED = 3, 4
SUBJECTS = [f'sub0{i}' for i in range(1, 9)]
MISSING = 'sub05'  # which has no files
CELL = 'cells/grid00000'
DEVICE = ['--device', 'cpu', '--threads', '1']
MASK = 2 ** 64 - 1


def run(command, *arguments, status=0):
    got = subprocess.run([VKGRID, command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                         timeout=300)
    if got.returncode != status:
        check(False, f'{command} {arguments}: exit {got.returncode}, not {status}: {got.stderr}')
    return got


def splitmix64(state):
    state = (state + 0x9e3779b97f4a7c15) & MASK
    z = ((state ^ (state >> 30)) * 0xbf58476d1ce4e5b9) & MASK
    z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & MASK
    return state, z ^ (z >> 31)


def xoshiro256(*names):
    """xoshiro256**, seeded by a chain of splitmix64 over the names of the stream."""
    state, words = 0x766b67726964, []
    for name in names:
        state = splitmix64(state)[1] ^ name
    for _ in range(4):
        state, word = splitmix64(state)
        words.append(word)
    rotated = lambda x, bits: ((x << bits) | (x >> (64 - bits))) & MASK
    while True:
        yield (rotated(words[1] * 5 & MASK, 7) * 9) & MASK
        shifted = (words[1] << 17) & MASK
        words[2] ^= words[0]
        words[3] ^= words[1]
        words[1] ^= words[2]
        words[0] ^= words[3]
        words[2] ^= shifted
        words[3] = rotated(words[3], 45)


def expected_folds():
    bits, order = xoshiro256(SEED, 0, 0, 7), list(range(len(SUBJECTS)))
    for i in range(len(order), 1, -1):
        drawn = next(bits)
        while drawn >= MASK - MASK % i:
            drawn = next(bits)
        order[i - 1], order[drawn % i] = order[drawn % i], order[i - 1]
    parts = np.array_split(order, FOLDS)  # the first ones are larger, as ours are
    return [[SUBJECTS[i] for i in sorted(part)] for part in parts]


def grid(path, partition=None, hyper=None, **more):
    fixed = {'partition': partition or [SUBJECTS[:6], SUBJECTS[6:]], 'raters': [], 'gamma': 0.9, 'bce_weight': 0.5, 'seed': SEED,
             'batch_size': 2, 'inputs': 'own', 'prediction': 'area', 'features': {'inputs': {'own': ['curvature', 'x']}},
             'image_size': [32, 64], 'plan': [{'num_epochs': 2}], 'base_model': 'resnet18', 'lr': 0.003, **more}
    with open(path, 'w', encoding='utf-8') as file:
        json.dump({'static': fixed, 'hyper': hyper or {}}, file)
    return path


def search(grid_path, out, *arguments, status=0):
    return run('search', grid_path, '-d', 'data', '-o', out, *DEVICE, *arguments, status=status)


def query(study, sql):
    with sqlite3.connect(f'file:{study}/study.db?mode=ro', uri=True) as database:
        return database.execute(sql).fetchall()


def epochs(study, where='1'):
    return query(study, 'SELECT run, epoch_index, lr, trn_bce, trn_dice, trn_loss, val_bce, val_dice, val_loss, best '
                        f'FROM vkgrid_epochs WHERE {where} ORDER BY cell, run, epoch_index')


def weights(study):
    return [open(path, 'rb').read() for path in sorted(glob.glob(f'{study}/{CELL}/*.safetensors'))]


def fold_files(study):
    return [f'{study}/{CELL}/best_own.fold{fold}.safetensors' for fold in range(FOLDS)]


def test_folds(folds):
    """Which subjects, and that a fold trains beside others as its partition would alone."""
    images = json.loads(query('study', 'SELECT images FROM vkgrid_datasets')[0][0])
    there = [[name for name in fold if name != MISSING] for fold in folds]
    check(images == there, f'images of the folds are {images}, not {there}')
    others = [name for name in SUBJECTS if name not in folds[0]]
    search(grid('plain.json', [others, folds[0]]), 'plain', '--quiet')
    check(epochs('plain') == epochs('study', 'cell = 0 AND run = 0'), 'fold 0 differs from a study with its partition')


def test_score():
    lowest = [query('study', f'SELECT min(val_dice) FROM vkgrid_epochs WHERE cell = 0 AND run % {FOLDS} = {fold} AND best')[0][0]
              for fold in range(FOLDS)]
    with open('study/hyperparameters/own_area.json', encoding='utf-8') as file:
        ranked = json.load(file)
    score = [rank['dice_loss'] for rank in ranked if rank['name'] == 'grid00000'][0]
    check(abs(score - np.mean(lowest)) < 1e-12, f'the score is {score}, not the mean {np.mean(lowest)} over folds')


def test_growth():
    """More repeats come after the runs that are there. A search that has them from the beginning, trains each fold by itself and
    is killed ends with the same bits."""
    before = epochs('study')
    search(grid('longer.json', folds=FOLDS, until=2), 'study', '--quiet')
    process = subprocess.Popen([VKGRID, 'search', 'longer.json', '-d', 'data', '-o', 'killed', *DEVICE, '--quiet', '--checkpoint',
                                'always', '--pack', '1'])
    while process.poll() is None and not (os.path.exists('killed/study.db') and len(epochs('killed')) > 2):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    after = epochs('study')
    check(len(epochs('killed')) < len(after), 'the search was over before it was killed')
    search('longer.json', 'killed', '--pack', '1', '--quiet')
    check([row for row in after if row[0] < FOLDS] == before, 'runs changed when until was raised')
    check(len(after) == 2 * len(before) and after == epochs('killed'), 'raised and killed studies differ')
    check(weights('study') == weights('killed') and len(weights('study')) == FOLDS, 'their weights differ')


def test_out_of_fold(folds):
    """Every subject is predicted by the network of the fold that has not seen it."""
    files = fold_files('study')
    told = run('evaluate', '-w', *files, '-d', 'data', '--split', 'folds', '--json', '-o', 'table.tsv', *DEVICE)
    samples = {item['sample']: item for item in json.loads(told.stdout)['samples']}
    check(sorted(samples) == [name for name in SUBJECTS if name != MISSING], f'samples out of fold: {sorted(samples)}')
    run('apply', '-w', *files, '-d', 'data', '--split', 'folds', '-o', 'oof', *DEVICE)
    counts = {}
    kept = query('study', 'SELECT run, kept_epoch FROM vkgrid_runs WHERE cell = 0')
    for number, kept_epoch in kept:
        blob, = query('study', 'SELECT counts FROM vkgrid_overlaps WHERE cell = 0 AND '
                               f'run = {number} AND epoch_index = {kept_epoch}')[0]
        names = [name for name in folds[number % FOLDS] if name != MISSING]
        counts.update(zip(names, np.frombuffer(blob, '<u4').reshape(len(names), 3, 3).tolist()))
    run('apply', '-w', files[1], '-d', 'data', '-o', 'alone', *DEVICE)
    for fold, names in enumerate(folds):
        for name in names:
            if name == MISSING:
                continue
            probabilities = np.load(f'oof/{name}.npy')
            same = np.allclose(probabilities, np.load(f'alone/{name}.npy'), rtol=0, atol=1e-5)  # in another batch
            check(same == (fold == 1), f'{name} of fold {fold}: predicted by fold 1 is {same}')
            check(samples[name]['fold'] == fold, f'{name}: is said to be of fold {samples[name]["fold"]}')
            for k, label in enumerate(['V1', 'V2', 'V3']):
                target = np.asarray(PIL.Image.open(f'data/{label}/{name}.png')) >= 128
                mask = probabilities[k] >= 0.5
                mine = [int((mask & target).sum()), int(mask.sum()), int(target.sum())]
                said = [samples[name]['labels'][label][key] for key in ('both', 'predicted', 'target')]
                check(said == mine, f'{name} {label}: counts {said}, not {mine}')
                check(counts[name][k] == mine, f'{name} {label}: study.db has {counts[name][k]}, not {mine}')
    test = run('evaluate', '-w', files[2], '-d', 'data', '--split', 'validation', '--json', *DEVICE)
    training = json.loads(test.stdout)['as_in_training']
    loss, = query('study', 'SELECT e.val_dice FROM vkgrid_epochs e JOIN vkgrid_runs r USING (cell, run) '
                           'WHERE cell = 0 AND run = 2 AND epoch_index = kept_epoch')[0]
    check(abs(training['dice_loss'] - loss) < 1e-6, f'fold 2 alone: dice loss {training["dice_loss"]}, {loss} in training')
    some = run('evaluate', '-w', *files[:2], '-d', 'data', '--split', 'folds', *DEVICE)
    check('2 of 8 samples are left out' in some.stderr, f'a fold is missing: {some.stderr}')
    shutil.copy(files[0], 'again.safetensors')
    copied = run('evaluate', '-w', files[0], 'again.safetensors', '-d', 'data', '--split', 'folds', *DEVICE, status=1)
    check('the same weights' in copied.stderr, copied.stderr)


def test_words(told):
    check('8 subjects in 3 folds' in told.stderr, f'the search says: {told.stderr}')
    check('best_own.fold*.safetensors' in told.stdout and '--split folds' in told.stdout, f'the search ends: {told.stdout}')
    axis = grid('axis.json', hyper={'partition': [[SUBJECTS[:4], SUBJECTS[5:]], [SUBJECTS[5:], SUBJECTS[:4]]]})
    with open(axis, encoding='utf-8') as file:
        content = json.load(file)
    del content['static']['partition']
    with open(axis, 'w', encoding='utf-8') as file:
        json.dump(content, file)
    said = search(axis, 'axis', '--dry-run')
    check('not comparable' in said.stderr and '"folds"' in said.stderr, f'a partition as an axis: {said.stderr}')


def test_init():
    shutil.rmtree('init', ignore_errors=True)
    os.mkdir('init')
    told = run('init', '-d', 'data', '--folds', '3', '--labels', 'V1,V2,V3', '-o', 'init/grid.json')
    check('folds: 3, of the 7 subjects' in told.stderr, f'init says: {told.stderr}')
    with open('init/grid.json', encoding='utf-8') as file:
        check(json.load(file)['static']['folds'] == 3, 'init writes no folds')
    run('search', 'init/grid.json', '-d', 'data', '-o', 'init/study', '--dry-run', *DEVICE)
    for arguments, wanted in ((['--folds', '8'], 'from 2 to 7'), (['--folds', '3', '--validation', '0.5'], 'not allowed'),
                              (['--set', 'folds=3'], '--folds says that')):
        said = run('init', '-d', 'data', '-o', 'init/other.json', '--labels', 'V1,V2,V3', *arguments, status=1)
        check(wanted in said.stderr and not os.path.exists('init/other.json'), f'init {arguments}: {said.stderr}')


def main():
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        run('sample', 'data', '--subjects', '8', '--size', '32x64', '--seed', '1')
        for path in glob.glob(f'data/*/{MISSING}.*'):
            os.remove(path)
        folds = expected_folds()
        grid('grid.json', folds=FOLDS)
        told = search('grid.json', 'study', '--pack', '3')
        test_words(told)
        test_folds(folds)
        test_score()
        test_out_of_fold(folds)
        test_growth()
        test_init()
        os.chdir('/')
    print('folds:', 'failed' if checks.failures else 'good')
    return 1 if checks.failures else 0


if __name__ == '__main__':
    sys.exit(main())
