#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The importance in report.html against nested least-squares models of numpy, type II: importance_test.py VKGRID

The reference fits every model by itself (sum-to-zero contrasts, SVD); the program eliminates columns of indicators.
"""
import itertools
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import checks
from checks import check

try:
    import numpy
except ImportError:
    print('skipped: no numpy for this Python')
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
VKGRID = os.path.abspath(sys.argv[1])


def make(folder, *options, scores=None, sql=()):
    """A study; `scores` takes a cell's options and run and gives its dice loss."""
    subprocess.run([sys.executable, os.path.join(HERE, 'make_study.py'), folder, *options], check=True)
    db = sqlite3.connect(os.path.join(folder, 'study.db'))
    if scores:
        for cell, text in db.execute('SELECT cell, options FROM vkgrid_cells ORDER BY cell').fetchall():
            values = []
            for run, in db.execute('SELECT run FROM vkgrid_runs WHERE cell = ? ORDER BY run', (cell,)).fetchall():
                values.append(scores(json.loads(text), run))
                db.execute('UPDATE vkgrid_runs SET dice = ? WHERE cell = ? AND run = ?', (values[-1], cell, run))
            db.execute('UPDATE trial_values SET value = ? WHERE trial_id = (SELECT trial_id FROM vkgrid_cells WHERE cell = ?)',
                       (min(values), cell))
    for line in sql:
        db.execute(line)
    db.commit()
    db.close()
    return folder


def task_of(folder):
    subprocess.run([VKGRID, 'report', folder, '--device', 'cpu', '--quiet'], check=True, timeout=120)
    with open(os.path.join(folder, 'report.html'), encoding='utf-8') as file:
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', file.read(), re.S)
    return json.loads(found.group(1))['tasks'][0]


# ---- the reference ----

def level_indices(cells, name):
    values = sorted({cell['options'][name] for cell in cells}, key=lambda v: (isinstance(v, str), v))
    index = [values.index(cell['options'][name]) for cell in cells]
    if all(not isinstance(v, str) for v in values) and len(values) > 12 and len(values) > len(cells) / 4:
        index = [i * 5 // len(values) for i in index]
    return numpy.array(index)


def contrasts(index):
    """Columns of a factor that sum to zero over its levels."""
    n = index.max() + 1
    code = numpy.vstack([numpy.eye(n - 1), -numpy.ones(n - 1)])
    return code[index]


def fit(blocks, y):
    x = numpy.hstack([numpy.ones((len(y), 1)), *blocks])
    rank = numpy.linalg.matrix_rank(x)
    rest = y - x @ numpy.linalg.lstsq(x, y, rcond=None)[0]
    return rest @ rest, rank


def reference(task):
    """(total, error SS, error df, {axes: (SS, df, epsilon squared)}) by the rules of anova.h."""
    cells = [cell for cell in task['cells'] if cell['state'] == 'COMPLETE']
    names = [name for name in cells[0]['options'] if name not in ('inputs', 'prediction')
             and len({cell['options'][name] for cell in cells}) > 1]
    rows = [(i, run[6]) for i, cell in enumerate(cells) for run in cell['runs'] if run[1] == 'COMPLETE']
    owner, y = numpy.array([row[0] for row in rows]), numpy.array([row[1] for row in rows])
    blocks = {(name,): contrasts(level_indices(cells, name)[owner]) for name in names}
    for a, b in itertools.combinations(names, 2):
        product = blocks[a,][:, :, None] * blocks[b,][:, None, :]
        blocks[a, b] = product.reshape(len(y), -1)
    total = ((y - y.mean()) ** 2).sum()
    pure = sum(((y[owner == i] - y[owner == i].mean()) ** 2).sum() for i in range(len(cells)))
    pure_df = len(y) - len(cells)
    by_runs = 2 * pure_df >= len(cells)
    for pairs in (True, False):
        used = {axes: block for axes, block in blocks.items() if pairs or len(axes) == 1}
        rest, rank = fit(used.values(), y)
        error, df = (pure, pure_df) if by_runs else (rest, len(y) - rank)
        full = 1 + sum(block.shape[1] for block in used.values())
        if df > 0 and (rank < len(cells) or rank == full):
            break
    else:
        return None
    effects = {}
    for axes in used:
        others = [block for other, block in used.items() if other != axes and not set(axes) <= set(other)]
        without, rank_without = fit(others, y)
        within, rank_with = fit([*others, used[axes]], y)
        n = rank_with - rank_without
        ss = without - within if n else 0
        effects[axes] = (ss, n, (ss - n * error / df) / total)
    return total, error, df, effects


def close(a, b, scale=1.0):
    return abs(a - b) <= 1e-9 * max(scale, abs(a), abs(b))


def compare(task, what):
    result, expected = task['importance'], reference(task)
    check('why' not in result, f'{what}: {result.get("why")}')
    if 'why' in result:
        return
    total, error, df, effects = expected
    check(close(result['total'], total, 0), f'{what}: total {result["total"]}, {total}')
    check(result['error']['df'] == df and close(result['error']['ss'], error, total),
          f'{what}: error {result["error"]}, {error}, {df}')
    check(close(result['error']['share'], min(1, error / df * (result['scores'] - 1) / total)), f'{what}: share of the error')
    got = {tuple(effect['axes']): effect for effect in result['effects']}
    check(set(got) == set(effects), f'{what}: effects {set(got)}, {set(effects)}')
    for axes, (ss, n, share) in effects.items():
        item = got.get(axes, {'ss': 0, 'df': -1, 'share': 0})
        check(item['df'] == n and close(item['ss'], ss, total) and close(item['share'], share),
              f'{what}: {axes}: {item}, not SS {ss}, df {n}, share {share}')


def share(task, *axes):
    return next(effect['share'] for effect in task['importance']['effects'] if effect['axes'] == list(axes))


# ---- cases ----

def small_scores(options, run):
    """Of 2 x 2 x 2 cells: the encoder rules; lr and gamma win all of their pairs by little."""
    return (0.2 + 0.1 * (options['base_model'] == 'resnet18') + 0.01 * (options['lr'] > 0.002) + 0.012 * (options['gamma'] > 0.82)
            + 0.002 * ((options['lr'] > 0.002) ^ (options['gamma'] > 0.82) ^ (options['base_model'] == 'resnet18')) + 0.001 * run)


EIGHT = ["DELETE FROM trials WHERE trial_id IN (SELECT trial_id FROM vkgrid_cells WHERE {0})",
         'DELETE FROM vkgrid_runs WHERE cell IN (SELECT cell FROM vkgrid_cells WHERE {0})',
         'DELETE FROM vkgrid_epochs WHERE cell IN (SELECT cell FROM vkgrid_cells WHERE {0})',
         'DELETE FROM vkgrid_cells WHERE {0}']


def keep(where):
    return [line.format(f'NOT ({where})') for line in EIGHT]


def option(name):
    return f"json_extract(options, '$.{name}')"


BOX = f"{option('lr')} < 0.003 AND {option('gamma')} < 0.87 AND {option('bce_weight')} = 0.5 AND {option('batch_size')} = 4"


def check_small(folder):
    task = task_of(make(os.path.join(folder, 'eight'), '--runs', '1', scores=small_scores, sql=keep(BOX)))
    check(len(task['cells']) == 8, f'{len(task["cells"])} cells of 8')
    compare(task, 'eight cells')
    wins = {item['axis']: (item['value'], item['won'], item['of']) for item in task['importance']['wins']}
    check(wins == {'lr': (0.00167, 4, 4), 'gamma': (0.8, 4, 4), 'base_model': ('resnet34', 4, 4)}, f'wins: {wins}')
    check(share(task, 'lr') > 0.005 and share(task, 'gamma') > 0.005, 'axes that win all their pairs have a share')
    task = task_of(make(os.path.join(folder, 'runs'), '--runs', '2', scores=small_scores, sql=keep(BOX)))
    compare(task, 'eight cells, two runs')
    check(task['importance']['error']['from'] == 'runs', 'the error is of the runs')
    four = BOX + f" AND {option('base_model')} = 'resnet18'"
    task = task_of(make(os.path.join(folder, 'four'), '--runs', '1', scores=small_scores, sql=keep(four)))
    compare(task, 'four cells')
    check(task['importance']['interactions'] is False, 'four cells have no interactions')
    for what, words, options, more in (
            ('two cells', 'too few cells', ['--runs', '1', '--cells', '2'], {}),
            ('one cell', 'no hyper-parameter', ['--cells', '1'], {}),
            ('none', 'no cell is finished', ['--cells', '8', '--waiting', '8'], {}),
            ('equal', 'the same', ['--cells', '8'], {'scores': lambda options, run: 0.25})):
        why = task_of(make(os.path.join(folder, what), *options, **more))['importance'].get('why', '')
        check(words in why, f'{what}: {why!r}')


def check_large(folder):
    compare(task_of(make(os.path.join(folder, 'paper'))), 'paper')
    noise = random.Random(5)

    def crossed(options, run):
        low = options['lr'] < 0.003
        return 0.3 + (0.05 if low == (options['gamma'] < 0.9) else 0) + 0.01 * noise.random() + 0.002 * options['batch_size']
    task = task_of(make(os.path.join(folder, 'crossed'), scores=crossed))
    compare(task, 'an interaction')
    check(share(task, 'lr', 'gamma') > 0.7 and share(task, 'lr') < 0.1, 'the interaction of lr and gamma is the largest')
    holes = make(os.path.join(folder, 'holes'), '--failures', '30', '--pruned', '40', '--waiting', '60',
                 sql=["UPDATE vkgrid_runs SET state = 'FAIL', dice = NULL WHERE run = 1 AND cell % 3 = 0"])
    compare(task_of(holes), 'holes')
    one = make(os.path.join(folder, 'one run'), '--runs', '1', '--failures', '30', '--waiting', '100')
    compare(task_of(one), 'holes, one run')
    compare(task_of(make(os.path.join(folder, 'fifths'), '--sampler', 'random', '--cells', '90')), 'fifths')
    few = make(os.path.join(folder, 'few'), '--sampler', 'random', '--cells', '18', '--runs', '1')
    compare(task_of(few), 'few of a random search')
    compare(task_of(make(os.path.join(folder, 'other'), '--axes', 'other', '--cells', '12')), 'other axes')
    missing = keep(f"NOT ({option('lr')} > 0.005 AND {option('gamma')} > 0.9)")
    compare(task_of(make(os.path.join(folder, 'missing'), sql=missing)), 'combinations that are missing')


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_small(folder)
        check_large(folder)
    print(f'{checks.failures} failed' if checks.failures else 'ok')
    sys.exit(checks.failures > 0)


main()
