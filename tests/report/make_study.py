#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the study.db of a study that was never trained, as vkgrid would: make_study.py OUT [options].

Scores depend smoothly on the axes (best near lr 0.0025, gamma 0.9), so that a figure can be judged; the same options
give the same file.
"""
import argparse
import datetime
import itertools
import json
import math
import os
import random
import sqlite3
import statistics

parser = argparse.ArgumentParser()
parser.add_argument('out')
parser.add_argument('--cells', type=int, default=450, help='of one task')
parser.add_argument('--tasks', type=int, default=1, help='1 to 4')
parser.add_argument('--epochs', type=int, default=30, help='of a run, over three rounds')
parser.add_argument('--runs', type=int, default=2)
parser.add_argument('--failures', type=int, default=0, help='cells of the first task whose runs all failed')
parser.add_argument('--pruned', type=int, default=0)
parser.add_argument('--waiting', type=int, default=0, help='cells at the end that are not begun')
parser.add_argument('--running', type=int, default=0, help='cells before those that are half done')
parser.add_argument('--sampler', choices=['grid', 'random'], default='grid')
parser.add_argument('--axes', choices=['paper', 'few', 'other', 'none'], default='paper')
parser.add_argument('--hostile', action='store_true', help='texts that try to leave their element')
args = parser.parse_args()

HOSTILE = '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">\u2028&amp;"\'\\'
AXES = {
    'paper': {'base_model': ['resnet18', 'resnet34'], 'lr': [0.00167, 0.0025, 0.00375, 0.00562, 0.00844],
              'gamma': [0.8, 0.85, 0.9, 0.95, 1], 'bce_weight': [0.5, 0.67, 0.75], 'batch_size': [4, 2, 6]},
    'few': {'lr': [0.0001, 0.0005, 0.00167, 0.005], 'batch_size': [2, 4]},
    'other': {'num_epochs': [5, 10, 20], 'precision': ['fp32', 'mixed'], 'shuffle': [True, False]},
    'none': {},
}[args.axes]
TASKS = [('anat', 'area'), ('full', 'area'), ('anat', 'ring'), ('full', 'ring')][:args.tasks]
DEVICES = [('NVIDIA H100 80GB HBM3', 'NVIDIA 570.86'), ('AMD Radeon RX 7900 XTX', 'RADV Mesa 25.0')]
dice_rng = random.Random(1)
scores = {}  # of each task: (dice loss, cell)
start = datetime.datetime(2026, 3, 1, 8, 0, 0)


def grid_cells(count):
    """The first `count` cells, the first axis fastest; further values of gamma where there are too few."""
    axes = dict(AXES)
    size = math.prod(len(values) for values in axes.values())
    if size < count and 'gamma' in axes:
        axes['gamma'] = [round(0.8 + 0.2 * i / math.ceil(count / size * 5), 4) for i in range(math.ceil(count / size * 5) + 1)]
    names = list(axes)
    cells = itertools.product(*(axes[name] for name in reversed(names)))
    return axes, [dict(zip(names, reversed(values))) for values in itertools.islice(cells, count)]


def random_cells(count):
    draw = random.Random(7)
    axes = {'lr': {'min': 1e-4, 'max': 1e-2, 'log': True}, 'gamma': {'min': 0.7, 'max': 1.0}, 'batch_size': [2, 4]}
    return axes, [{'lr': 10 ** draw.uniform(-4, -2), 'gamma': draw.uniform(0.7, 1), 'batch_size': draw.choice([2, 4])}
                  for _ in range(count)]


def score(task, options):
    """The validation dice to which a run comes down."""
    value = [0.11, 0.085, 0.19, 0.16][task]
    value += 0.03 * (math.log10(options.get('lr', 0.0025) / 0.0025) / 0.4) ** 2
    value += 0.8 * (options.get('gamma', 0.9) - 0.9) ** 2
    value += {'resnet18': 0.004}.get(options.get('base_model'), 0)
    value += 0.02 * abs(options.get('bce_weight', 0.67) - 0.67) + 0.002 * abs(options.get('batch_size', 4) - 4)
    return value + 0.003 * dice_rng.random() + 0.01 / options.get('num_epochs', 10)


def curve(final, epochs, slow):
    """(training dice, validation dice) of every epoch: falls, rattles, steps down at each round."""
    for i in range(epochs):
        fall = math.exp(-(i + 1) / (epochs * slow)) * 0.5 / (1 + 2 * (3 * i // epochs))
        rattle = 0.006 * dice_rng.random() * (1 - i / epochs / 2)
        yield final * 0.8 + fall * 0.9, min(1, final + fall + rattle)


def distribution(values):
    if isinstance(values, dict):
        return {'name': 'FloatDistribution', 'attributes': {'step': None, 'low': values['min'], 'high': values['max'],
                                                            'log': values.get('log', False)}}
    if all(type(value) in (int, float) for value in values):
        low, high = min(values), max(values)
        return {'name': 'FloatDistribution', 'attributes': {'step': None, 'low': low, 'high': high,
                                                            'log': low > 0 and high / low >= 10}}
    return {'name': 'CategoricalDistribution', 'attributes': {'choices': values}}


def write_cell(db, task, number, trial, name, options, axes, state, minutes):
    device, driver = DEVICES[number % 2]
    begun = start + datetime.timedelta(minutes=minutes)
    ended = begun + datetime.timedelta(minutes=25)
    finished = state in ('COMPLETE', 'FAIL', 'PRUNED')
    db.execute('INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?)', (
        trial, number, task + 1, state, str(begun) if state != 'WAITING' else None, str(ended) if finished else None))
    for key, value in options.items():
        choices = distribution(axes[key])
        number_value = axes[key].index(value) if choices['name'].startswith('C') else value
        db.execute('INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)',
                   (trial, key, number_value, json.dumps(choices)))
    cell = trial - 1
    db.execute('INSERT INTO vkgrid_cells (cell, trial_id, options) VALUES (?, ?, ?)', (cell, trial, json.dumps(
        {**options, 'inputs': TASKS[task][0], 'prediction': TASKS[task][1]})))
    if state == 'WAITING':
        return
    epochs = {'COMPLETE': args.epochs, 'FAIL': 3, 'PRUNED': max(1, args.epochs // 3), 'RUNNING': max(1, args.epochs // 2)}[state]
    best, finals = None, []
    failure = HOSTILE if args.hostile else [
        'round 1, epoch 3, step 12: the loss is not finite', 'device lost in conv_weight_grad'][number % 2]
    for run in range(args.runs):
        final = score(task, options)
        rows = []
        lowest = math.inf
        for index, (training, validation) in enumerate(curve(final, args.epochs, 0.12)):
            if index == epochs:
                break
            rounds = 3 if args.epochs >= 3 else 1
            round_, epoch = divmod(index, max(1, args.epochs // rounds))
            if epoch == 0:
                lowest = math.inf
            loss = validation * 1.1
            rows.append((cell, run, index, round_, epoch, options.get('lr', 0.0025) * 0.9 ** epoch,
                         41.5 + task + 0.01 * (cell // 20) + 0.001 * index, training * 1.4, training, training * 1.2,
                         validation * 1.3, validation, loss, loss < lowest))
            lowest = min(lowest, loss)
        if state == 'FAIL':
            rows[-1] = rows[-1][:7] + (None,) * 6 + (0,)
        db.executemany('INSERT INTO vkgrid_epochs VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)', rows)
        good = [row for row in rows if row[11] is not None]
        mark = min(good, key=lambda row: row[11])
        finals.append(mark[11])
        db.execute('INSERT INTO vkgrid_runs VALUES (?,?,?,?,?,?,?,?,?,?,?,?)', (
            cell, run, state, 1 if state == 'FAIL' else 0, device, driver, mark[3], mark[12], mark[11],
            sum(row[6] for row in rows), failure if state == 'FAIL' else None,
            mark[2] if state == 'COMPLETE' else None))
        if best is None or mark[11] < best[11]:
            best = mark
    attributes = {'cell': name, 'seed': 0, 'device': device, 'driver': driver, 'vkgrid_version': '0.1.0',
                  'data_fingerprint': 'c0ffee', 'failed_runs': args.runs if state == 'FAIL' else 0}
    if state == 'COMPLETE':
        attributes.update(run=best[1], round=best[3], epoch=best[4], loss=best[12], weights=None)
        attributes['kept'] = {'run': best[1], 'round': best[3], 'epoch': best[4], 'bce_loss': best[10], 'dice_loss': best[11],
                              'loss': best[12]}
        attributes['labels'] = {
            HOSTILE if args.hostile else 'V1': {'hard_dice': 1 - best[11], 'iou': (1 - best[11]) / (1 + best[11]), 'images': 33},
            '__proto__' if args.hostile else 'V2': {'hard_dice': None, 'iou': None, 'images': 0}}
        if args.runs > 1:
            attributes['over_runs'] = {'runs': args.runs, 'dice_loss': {
                'mean': statistics.mean(finals), 'sd': statistics.stdev(finals), 'best': min(finals)}}
        scores.setdefault(task, []).append((best[11], cell))
    if state == 'FAIL':
        attributes['failure'] = failure
    for key, value in attributes.items():
        db.execute('INSERT INTO trial_user_attributes (trial_id, "key", value_json) VALUES (?, ?, ?)',
                   (trial, key, json.dumps(value)))
    if state in ('COMPLETE', 'PRUNED'):
        db.execute('INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, ?)',
                   (trial, best[11], 'FINITE'))


def best_set(name, ranked):
    """The first, the third and the fourth cell cannot be told apart."""
    members = [cell for rank, cell in enumerate(ranked[:4]) if rank != 1]
    return {'task': name, 'first': ranked[0], 'highest': ranked[0], 'subjects': 33, 'level': 0.05, 'resamples': 10000,
            'ranked': len(ranked), 'compared': len(ranked), 'others': 0, 'unknown': 0,
            'run_sd': 0.0123 if args.runs > 1 else None, 'run_df': 20, 'ranks': [[1, 1], [3, 4]][:len(members)],
            'members': members, 'size': len(members), 'p': [[cell, 1 / (1 + rank)] for rank, cell in enumerate(ranked[:4])]}


def main():
    os.makedirs(args.out, exist_ok=True)
    path = os.path.join(args.out, 'study.db')
    if os.path.exists(path):
        os.remove(path)
    db = sqlite3.connect(path)
    here = os.path.dirname(os.path.abspath(__file__))
    db.execute('PRAGMA synchronous = OFF')
    db.executescript(open(os.path.join(here, '..', '..', 'src', 'store', 'schema.sql'), encoding='utf-8').read())
    axes, cells = random_cells(args.cells) if args.sampler == 'random' else grid_cells(args.cells)
    if args.hostile and 'base_model' in axes:
        axes['base_model'] = [HOSTILE if value == 'resnet34' else value for value in axes['base_model']]
        cells = [{**cell, 'base_model': HOSTILE if cell['base_model'] == 'resnet34' else cell['base_model']} for cell in cells]
    trial = 0
    done = 0
    for task, (inputs, prediction) in enumerate(TASKS):
        name = HOSTILE if args.hostile else f'{inputs}_{prediction}'
        db.execute('INSERT INTO studies VALUES (?, ?)', (task + 1, name))
        db.execute('INSERT INTO study_directions VALUES (?, ?, ?, 0)', (task + 1, 'MINIMIZE', task + 1))
        last = args.cells - args.waiting - args.running
        for number, options in enumerate(cells):
            state = 'COMPLETE'
            if number >= last:
                state = 'RUNNING' if number < last + args.running else 'WAITING'
            elif task == 0 and number % 7 == 3 and number // 7 < args.failures:
                state = 'FAIL'
            elif task == 0 and number % 5 == 1 and number // 5 < args.pruned:
                state = 'PRUNED'
            done += state not in ('WAITING', 'RUNNING')
            trial += 1
            write_cell(db, task, number, trial, f'grid{trial - 1:05d}', options, axes, state, 25 * (trial // 20))
    total = args.cells * len(TASKS)
    sets = [best_set(HOSTILE if args.hostile else '_'.join(TASKS[task]), [cell for _, cell in sorted(ranked)])
            for task, ranked in scores.items()]
    grid = {'static': {'partition': [[f'sub{i:03d}' for i in range(132)], [f'sub{i:03d}' for i in range(132, 165)]],
                       'until': args.runs, 'num_epochs': args.epochs // 3 or 1},
            'hyper': {**axes, 'inputs': sorted({m[0] for m in TASKS}), 'prediction': sorted({m[1] for m in TASKS})}}
    settings = {'sampler': args.sampler, 'trials': args.cells if args.sampler == 'random' else None, 'keep': 'best',
                'log_steps': False, 'prune': 'median' if args.pruned else 'none', 'shard': None}
    progress = {'started': 1772352000, 'updated': 1772352000 + 90 * trial, 'work': 71e9 * total, 'work_done': 71e9 * done,
                'samples_per_second': 212.5, 'seconds_left': 0 if done == total else 3600.0 * (total - done) / 20,
                'packs': []}
    db.executemany('INSERT INTO vkgrid_study VALUES (?, ?)', [
        ('format', '4'), ('version', '"0.1.0"'), ('grid', json.dumps(grid)), ('settings', json.dumps(settings)),
        ('progress', json.dumps(progress)), ('best_sets', json.dumps(sets))])
    db.execute('INSERT INTO vkgrid_datasets VALUES (?, ?, ?)', ('data', 'c0ffee' * 8, None))
    db.execute('INSERT INTO version_info VALUES (1, 12, ?)', ('0.1.0',))
    db.commit()
    db.close()


main()
