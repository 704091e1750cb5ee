#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A small study, read as the paper's notebook reads a grid's cells: notebook_test.py VKGRID
What comes out must be study.db's numbers, to the bit. The reader follows the rules of src/study/notebook.h.
"""
import glob
import json
import math
import os
import sqlite3
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import checks
from checks import check

VKGRID = os.path.abspath(sys.argv[1])
RATES, UNTIL = [0.00167, 0.00562], 2
# What the notebook drops as columns, so that they must be there, and those by which it selects cells.
DROPPED = ['pretrained', 'multiproc', 'model_cache_path', 'data_cache_path', 'model_key', 'partition', 'lr_1', 'lr_2',
           'bce_weight_1', 'bce_weight_2']
SELECTED = ['inputs', 'prediction', 'base_model', 'batch_size', 'gamma', 'lr_0', 'bce_weight_0']


def read_json(*path):
    with open(os.path.join(*path), encoding='utf-8') as file:
        return json.load(file)


def partition_number(partition):
    in_training = set(partition[0])
    order = sorted(partition[0] + partition[1])
    return hex(sum(1 << i for i, subject in enumerate(reversed(order)) if subject in in_training))


def losses_of(lines):
    """One for each iteration: the lowest tenth word of its lines that end in a star. The log's last line is not read."""
    losses = []
    for line in lines[:-1]:
        if line.startswith('Iteration'):
            losses.append([])
        elif line.endswith('*\n'):
            losses[-1].append(float(line.split()[9]))
    return [min(values) for values in losses]


def load(folder):
    options = read_json(folder, 'opts.json')
    cell = {'cell_id': int(options['model_key'][4:]), **options}
    for number, one_round in enumerate(read_json(folder, 'plan.json')):
        taken = {f'{key}_{number}': value for key, value in one_round.items()}
        check(not taken.keys() & cell.keys(), f'{folder}: the plan overwrites {taken.keys() & cell.keys()}')
        cell.update(taken)
    with open(os.path.join(folder, 'run.log'), encoding='utf-8') as file:
        lines = file.readlines()
    cell['losses'] = losses_of(lines)
    cell['marks'] = [line.split('Partition ID:')[1].strip() for line in lines if 'Partition ID:' in line]
    return cell


def search(folder):
    subprocess.run([VKGRID, 'sample', f'{folder}/data', '--subjects', '3', '--size', '32x32', '--quiet'], check=True)
    with open(f'{folder}/grid.json', 'w', encoding='utf-8') as file:
        json.dump({'static': {
            'partition': [['sub03', 'sub01'], ['sub02']], 'raters': [], 'until': UNTIL, 'image_size': [32, 32], 'num_epochs': 3,
            'gamma': 0.85, 'bce_weight': 0.67, 'batch_size': 2, 'inputs': 'anat', 'base_model': 'resnet18'},
            'hyper': {'lr': RATES, 'prediction': ['area', 'ring']}}, file)
    subprocess.run([VKGRID, 'search', f'{folder}/grid.json', '-d', f'{folder}/data', '-o', f'{folder}/out', '--device', 'cpu',
                    '--threads', '1', '--rank-by', 'best', '--quiet'], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def check_cell(cell, db):
    number, name = cell['cell_id'], cell['model_key']
    value, = db.execute('SELECT value FROM trial_values JOIN vkgrid_cells USING (trial_id) WHERE cell = ?', (number,)).fetchone()
    runs = db.execute('SELECT MIN(val_dice) FROM vkgrid_epochs WHERE cell = ? AND best = 1 GROUP BY run ORDER BY run',
                      (number,)).fetchall()
    check(cell['losses'] == [dice for dice, in runs] and len(runs) == UNTIL, f'{name}: {cell["losses"]} of {runs}')
    check(min(cell['losses']) == value, f'{name}: the best is {min(cell["losses"])}, the trial has {value}')
    check(all(key in cell for key in DROPPED + SELECTED), f'{name}: has only {list(cell)}')
    check('lr' not in cell and 'bce_weight' not in cell, f'{name}: has lr or bce_weight')
    check(cell['marks'] == [partition_number(cell['partition'])] * UNTIL, f'{name}: partitions {cell["marks"]}')
    rates = db.execute('SELECT DISTINCT lr FROM vkgrid_epochs WHERE cell = ? AND epoch = 0 ORDER BY round', (number,)).fetchall()
    check([cell[f'lr_{i}'] for i in range(3)] == [rate for rate, in rates], f'{name}: rates of the rounds')


def check_log(path, db):
    """Every epoch's numbers, in the notebook's order of words."""
    number = int(path.split('grid')[-1][:5])
    rows = db.execute('SELECT epoch, lr, trn_bce, trn_dice, trn_loss, val_bce, val_dice, val_loss, best FROM vkgrid_epochs '
                      'WHERE cell = ? ORDER BY run, epoch_index', (number,)).fetchall()
    with open(path, encoding='utf-8') as file:
        epochs = [line.split() for line in file if line[0].isdigit()]
    check(len(rows) == len(epochs) == UNTIL * 9, f'{path}: {len(epochs)} epochs')
    for row, words in zip(rows, epochs):
        numbers = [float(words[i]) for i in (1, 4, 5, 6, 8, 9, 10)]
        check(words[0] == f'{row[0] + 1}/3' and numbers == list(row[1:8]) and words[3] == words[7] == '|', f'{path}: {words}')
        check(words[11:] == ['*'] * row[8], f'{path}: {words[11:]}')


def main():
    with tempfile.TemporaryDirectory() as folder:
        search(folder)
        db = sqlite3.connect(f'{folder}/out/study.db')
        cells = [load(path) for path in sorted(glob.glob(f'{folder}/out/cells/grid*'))]
        check([cell['cell_id'] for cell in cells] == [0, 1, 2, 3], 'four cells')
        for prediction in 'area', 'ring':
            for rate in RATES:
                found = [cell for cell in cells if cell['prediction'] == prediction and cell['lr_0'] == rate
                         and cell['gamma'] == 0.85 and cell['bce_weight_0'] == 0.67 and cell['batch_size'] == 2
                         and cell['base_model'] == 'resnet18' and cell['inputs'] == 'anat']
                check(len(found) == 1, f'{len(found)} cells of {prediction} with lr {rate}')
        for cell in cells:
            check_cell(cell, db)
            check(all(math.isfinite(loss) for loss in cell['losses']), f'{cell["model_key"]}: {cell["losses"]}')
        for path in glob.glob(f'{folder}/out/cells/*/run.log'):
            check_log(path, db)
        db.close()
    return 1 if checks.failures else 0


sys.exit(main())
