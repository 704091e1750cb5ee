#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs `vkgrid report` on studies that were never trained and reads what it writes: report_test.py VKGRID
--browser: opens some of them in a browser instead (browser_test.js); --trained: trains a small study and looks at the predictions.
"""
import base64
import html.parser
import json
import math
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import checks
from checks import check

HERE = os.path.dirname(os.path.abspath(__file__))
VKGRID = os.path.abspath(sys.argv[1])


def make(folder, *options):
    subprocess.run([sys.executable, os.path.join(HERE, 'make_study.py'), folder, *options], check=True)
    return folder


def report(folder, *options):
    return subprocess.run([VKGRID, 'report', folder, '--device', 'cpu', '--quiet', *options], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=120)


class Page(html.parser.HTMLParser):
    """The elements of a page, and the texts of its scripts by their id."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.scripts, self.links, self.inside = [], {}, [], None
        with open(path, encoding='utf-8') as file:
            self.feed(file.read())
        self.data = json.loads(self.scripts['data'])

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ('src', 'href')]
        if tag == 'script':
            self.inside = attributes.get('id', 'code')
            self.scripts[self.inside] = ''

    def handle_endtag(self, tag):
        if tag == 'script':
            self.inside = None

    def handle_data(self, data):
        if self.inside:
            self.scripts[self.inside] += data

    def cells(self):
        return [cell for task in self.data['tasks'] for cell in task['cells']]


def read(folder, what):
    result = report(folder)
    check(result.returncode == 0 and result.stderr == '', f'{what}: exit {result.returncode}: {result.stderr}')
    page = Page(os.path.join(folder, 'report.html'))
    check(page.tags.count('script') == 3 and page.tags.count('style') == 1, f'{what}: elements: {page.tags}')
    check(all(link.startswith('#') for link in page.links), f'{what}: asks for {page.links}')
    for word in ('http:', 'https:', '@import', 'url('):
        code = page.scripts['code'].replace('http://www.w3.org/2000/svg', '')
        check(word not in code, f'{what}: {word} in the code')
    return page


def check_curves(page, folder):
    """Every value of the database is in the page, to 2 parts in 10,000."""
    packed = base64.b64decode(page.scripts['curves'])
    values = [int.from_bytes(packed[i:i + 2], 'little') for i in range(0, len(packed), 2)]
    metrics = page.data['curves']['metrics']
    db = sqlite3.connect(os.path.join(folder, 'study.db'))
    rows = db.execute(f'SELECT cell, run, {", ".join(metrics)} FROM vkgrid_epochs ORDER BY cell, run, epoch_index').fetchall()
    db.close()
    check(len(values) == len(rows) * len(metrics), f'{len(values)} values of curves for {len(rows)} epochs')
    worst = 0
    for i, row in enumerate(rows):
        for k in range(len(metrics)):
            value = values[k * len(rows) + i]
            if row[2 + k] is None:
                worst = max(worst, value)
            else:
                worst = max(worst, abs(2 ** (value / 2048 - 20) / row[2 + k] - 1))
    check(worst < 2e-4, f'curves are off by {worst}')
    runs = page.data['curves']['runs']
    check(sum(run[2] for run in runs) == len(rows), 'lengths of the curves')


def check_studies(folder):
    study = make(os.path.join(folder, 'paper'), '--tasks', '4', '--failures', '9', '--pruned', '12', '--waiting', '40', '--running', '5')
    page = read(study, 'paper')
    check([task['name'] for task in page.data['tasks']] == ['anat_area', 'full_area', 'anat_ring', 'full_ring'], 'tasks')
    check(len(page.cells()) == 1800, f'{len(page.cells())} cells')
    states = [cell['state'] for cell in page.data['tasks'][0]['cells']]
    check(states.count('FAIL') == 9 and states.count('WAITING') == 40 and states.count('RUNNING') == 5, 'states')
    check(all(cell['failure'] and len(cell['runs']) == 2 for cell in page.cells() if cell['state'] == 'FAIL'), 'reasons')
    check(all(math.isfinite(cell['dice']) and cell['options']['lr'] > 0 for cell in page.cells() if cell['state'] == 'COMPLETE'), 'scores')
    check(all(list(cell['labels']) == ['V1', 'V2'] and abs(cell['labels']['V1']['hard_dice'] + cell['kept']['dice_loss'] - 1) < 1e-9
              and cell['labels']['V2'] == {'hard_dice': None, 'iou': None, 'images': 0}
              for cell in page.cells() if cell['state'] == 'COMPLETE'), 'scores of labels')
    check(page.data['study']['grid']['static']['partition'] == [132, 33], 'names of subjects are left out')
    check('sub001' not in page.scripts['data'], 'names of subjects')
    check(page.data['tasks'][0]['predictions'].get('why'), 'why there are no predictions')
    check_curves(page, study)

    big = make(os.path.join(folder, 'big'), '--cells', '2000', '--epochs', '60')
    page = read(big, 'big')
    size = os.path.getsize(os.path.join(big, 'report.html'))
    check(len(page.cells()) == 2000 and size < 10e6, f'2,000 cells x 60 epochs x 2 runs take {size} bytes')

    for name, options in {'one': ['--cells', '1', '--axes', 'none', '--epochs', '1', '--runs', '1'],
                          'waiting': ['--cells', '12', '--waiting', '12'], 'random': ['--cells', '50', '--sampler', 'random']}.items():
        page = read(make(os.path.join(folder, name), *options), name)
        check(len(page.cells()) == int(options[1]), f'{name}: {len(page.cells())} cells')


def check_hostile_texts(folder):
    study = make(os.path.join(folder, 'hostile'), '--cells', '90', '--failures', '3', '--hostile')
    page = read(study, 'hostile')
    check(page.data['tasks'][0]['name'].startswith('</script><script>'), 'a hostile name arrives as it is')
    check('img' not in page.tags, 'a name became an element')
    with open(os.path.join(study, 'report.html'), 'rb') as file:
        check(b'\xe2\x80\xa8' not in file.read(), 'a line separator is written as it is')
    change(study, "UPDATE studies SET study_name = CAST(x'61ff62eda08063' AS TEXT)")
    check(read(study, 'not UTF-8').data['tasks'][0]['name'] == 'a\ufffdb\ufffd\ufffd\ufffdc', 'what is no UTF-8 is replaced')
    change(study, "UPDATE trial_user_attributes SET value_json = '\"../../etc/passwd\"' WHERE key = 'weights'")
    check('do not lie' in read(study, 'weights elsewhere').data['tasks'][0]['predictions']['why'], 'weights outside of the study')


def change(study, sql):
    db = sqlite3.connect(os.path.join(study, 'study.db'))
    db.execute(sql)
    db.commit()
    db.close()


def refused(study, words, what):
    result = report(study)
    lines = result.stderr.splitlines()
    check(result.returncode == 1 and len(lines) == 1 and lines[0].startswith('vkgrid: ') and words in lines[0],
          f'{what}: exit {result.returncode}: {result.stderr!r}')
    check(not os.path.exists(os.path.join(study, 'report.html')), f'{what}: a report was written')


def check_refusals(folder):
    refused(os.path.join(folder, 'nowhere'), 'no such folder', 'no folder')
    empty = os.path.join(folder, 'empty')
    os.mkdir(empty)
    refused(empty, 'no such file', 'no database')
    whole = make(os.path.join(folder, 'whole'), '--cells', '8')
    for words, sql in {
            'tables are missing': 'DROP TABLE vkgrid_epochs',
            'format 6': "UPDATE vkgrid_study SET value = '6' WHERE key = 'format'",
            'options': "UPDATE vkgrid_cells SET options = '[1]' WHERE cell = 2",
            'grid': "UPDATE vkgrid_study SET value = '{' WHERE key = 'grid'",
            'cell -5': 'UPDATE vkgrid_cells SET cell = -5 WHERE cell = 0',
            'epoch 2000000000': 'UPDATE vkgrid_epochs SET epoch_index = 2000000000 WHERE cell = 1 AND epoch_index = 1',
    }.items():
        study = shutil.copytree(whole, os.path.join(folder, 'refused'), dirs_exist_ok=True)
        change(study, sql)
        refused(study, words, sql)
    endless = shutil.copytree(whole, os.path.join(folder, 'endless'))
    change(endless, 'DROP TABLE vkgrid_runs')
    change(endless, 'CREATE VIEW vkgrid_runs AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n')
    refused(endless, 'tables are missing', 'a view without end')
    with open(os.path.join(empty, 'study.db'), 'wb') as file:
        file.write(b'this is no database' * 100)
    refused(empty, 'not a database', 'text')
    fuzz(whole, os.path.join(folder, 'fuzz'))


def fuzz(whole, study):
    """A damaged file gives a report or one line, and never anything else."""
    shutil.copytree(whole, study)
    with open(os.path.join(whole, 'study.db'), 'rb') as file:
        good = file.read()
    draw = random.Random(3)
    for number in range(40):
        bad = bytearray(good[:draw.randrange(512, len(good))] if number % 4 == 0 else good)
        for _ in range(draw.choice([1, 10, 200])):
            bad[draw.randrange(100 if number % 3 else 0, len(bad))] = draw.randrange(256)
        with open(os.path.join(study, 'study.db'), 'wb') as file:
            file.write(bad)
        result = report(study)
        check(result.returncode in (0, 1) and len(result.stderr.splitlines()) == result.returncode,
              f'damage {number}: exit {result.returncode}: {result.stderr[-400:]}')
        if result.returncode == 0:
            Page(os.path.join(study, 'report.html'))


def check_use(folder):
    """A search may hold the database, or have died while it wrote."""
    study = make(os.path.join(folder, 'use'), '--cells', '30')
    path = os.path.join(study, 'study.db')
    db = sqlite3.connect(path, isolation_level=None)
    db.execute('BEGIN IMMEDIATE')
    db.execute("UPDATE trials SET state = 'FAIL'")
    check(read(study, 'in use').cells()[0]['state'] == 'COMPLETE', 'a report beside a search')
    db.execute('ROLLBACK')
    db.close()
    killed = ("import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None); db.execute('PRAGMA cache_size = 1');"
              "db.execute('BEGIN'); db.execute('UPDATE vkgrid_epochs SET val_dice = 9'); db.execute(\"UPDATE trials SET state = 'FAIL'\");"
              "db.execute('CREATE TABLE filler AS SELECT * FROM vkgrid_epochs'); os.kill(os.getpid(), 9)")
    subprocess.run([sys.executable, '-c', killed, path], check=False)
    check(os.path.getsize(path + '-journal') > 512, 'the killed writer leaves a journal')
    check(all(cell['state'] == 'COMPLETE' for cell in read(study, 'killed').cells()), 'a report after a kill')


def check_thinned(folder):
    """A study with more cells than a page can show: counts and quantiles are of all, the best cells are there."""
    study = make(os.path.join(folder, 'thinned'), '--cells', '3000', '--tasks', '2', '--epochs', '3', '--runs', '1',
                 '--failures', '700', '--pruned', '90', '--waiting', '40')
    page = read(study, 'thinned')
    db = sqlite3.connect(os.path.join(study, 'study.db'))
    shown = page.data['page']
    check(shown['cells'] == 6000 and shown['runs'] == db.execute('SELECT count(*) FROM vkgrid_runs').fetchone()[0], f'{shown}')
    check(shown['shown'] == len(page.cells()) and 4000 < len(page.cells()) <= 5000, f'{len(page.cells())} cells are shown')
    for task in page.data['tasks']:
        known = db.execute('SELECT cell, state, value FROM vkgrid_cells JOIN trials USING (trial_id) JOIN studies USING (study_id) '
                           'LEFT JOIN trial_values USING (trial_id) WHERE study_name = ?', (task['name'],)).fetchall()
        states = {state: sum(row[1] == state for row in known) for state in task['all']['states']}
        check(task['all']['cells'] == len(known) and task['all']['states'] == states, f'counts {task["all"]["states"]}, not {states}')
        ranked = sorted((value, cell) for cell, state, value in known if state == 'COMPLETE')
        check(task['all']['ranked'] == len(ranked), f'{task["all"]["ranked"]} ranked')
        scores = [value for value, _ in ranked]
        wanted = [scores[i * (len(scores) - 1) // 200] for i in range(201)]
        check(task['all']['dice'] == wanted, 'order statistics')
        cells = {cell['cell']: cell for cell in task['cells']}
        check(len(cells) == len(task['cells']), 'a cell stands twice')
        for rank, (_, cell) in enumerate(ranked[:400], 1):
            check(cells.get(cell, {}).get('rank') == rank, f'rank {rank} is not there')
        even = sorted(cell['rank'] for cell in cells.values() if cell.get('even'))
        steps = {b - a for a, b in zip(even, even[1:])}
        check(even[0] == 1 and max(steps) - min(steps) <= 1, f'spread unevenly: {steps}')
        check(all(cell['runs'] or cell['state'] == 'WAITING' for cell in cells.values()), 'runs are missing')
        check({cell['state'] for cell in cells.values()} == {state for state, n in states.items() if n}, 'a state is missing')
    curves = {run[0] for run in page.data['curves']['runs']}
    check(curves == {cell['cell'] for cell in page.cells() if cell['runs']}, 'curves of other cells')


def browser(folder):
    node = shutil.which('node')
    if not node:
        print('skipped: no node')
        return 77
    studies = []
    for name, options in {
            'paper': ['--tasks', '2', '--failures', '9', '--pruned', '12'], 'hostile': ['--cells', '90', '--failures', '3', '--hostile'],
            'partial': ['--waiting', '200', '--running', '20'], 'random': ['--sampler', 'random', '--cells', '200'],
            'one': ['--cells', '1', '--axes', 'none', '--epochs', '1'], 'none': ['--cells', '20', '--waiting', '20'],
            'other': ['--axes', 'other', '--cells', '12'], 'four': ['--axes', 'few', '--cells', '4'],
            'one run': ['--cells', '32', '--runs', '1', '--waiting', '4']}.items():
        studies.append(make(os.path.join(folder, name), *options))
        check(report(studies[-1]).returncode == 0, f'{name}: report')
    return subprocess.run([node, os.path.join(HERE, 'browser_test.js'), *studies], check=False).returncode


def check_overlap(shown):
    """Hard Dice by label equals that of the pictures, of which all images are there."""
    try:
        import io
        import numpy
        from PIL import Image
    except ImportError:
        print('skipped: hard Dice (no numpy or Pillow for this Python)')
        return
    def classes(url):
        return numpy.array(Image.open(io.BytesIO(base64.b64decode(url.removeprefix('data:image/png;base64,')))))
    row = 0
    for number, group in enumerate(shown['groups']):
        maps = [(classes(image['maps'][number]['labels']), classes(image['maps'][number]['prediction'])) for image in shown['images']]
        for k in range(1, len(group['labels']) + 1):
            dice = [2 * ((a == k) & (b == k)).sum() / ((a == k).sum() + (b == k).sum()) for a, b in maps]
            got = shown['overlaps'][row]
            check(abs(got[2] - sum(dice) / len(dice)) < 1e-12 and abs(got[3] - min(dice)) < 1e-12, f'{got}: {dice}')
            row += 1


def check_trained(folder):
    """The images of the best cell: their mean dice loss is the cell's score."""
    data, out, grid = (os.path.join(folder, name) for name in ('data', 'out', 'grid.json'))
    with open(grid, 'w', encoding='utf-8') as file:
        json.dump({'static': {'partition': [['sub01', 'sub02', 'sub03', 'sub04'], ['sub05', 'sub06', 'sub07']], 'raters': [], 'until': 1,
                              'image_size': [32, 64], 'num_epochs': 1, 'gamma': 1, 'bce_weight': 0.5, 'batch_size': 2,
                              'inputs': 'anat', 'prediction': 'sect', 'base_model': 'resnet18'}, 'hyper': {'lr': [0.001, 0.002]}}, file)
    for command in (['sample', data, '--subjects', '7', '--size', '32x64'], ['search', grid, '-d', data, '-o', out, '--device', 'cpu']):
        subprocess.run([VKGRID, *command, '--quiet'], check=True, stdout=subprocess.DEVNULL)
    page = read(out, 'trained')
    task = page.data['tasks'][0]
    best = min(task['cells'], key=lambda cell: cell['dice'])
    shown = task['predictions']
    check(shown.get('cell') == best['cell'] and shown.get('all') == 3, f'predictions: {str(shown)[:300]}')
    dice = [value for _, value in shown.get('dice', [])]
    check(len(dice) == 3 and abs(sum(dice) / 3 - best['dice']) < 1e-4, f'the images have {dice}, the cell {best["dice"]}')
    groups = shown.get('groups')
    check(groups == [{'name': 'area', 'labels': [['V1', '#e69f00'], ['V2', '#0072b2'], ['V3', '#009e73']]},
                     {'name': 'ring', 'labels': [['E0', '#e69f00'], ['E1', '#0072b2'], ['E2', '#009e73'], ['E3', '#cc79a7'],
                                                 ['E4', '#56b4e9']]}], f'groups: {groups}')
    overlaps = shown.get('overlaps', [])
    check([row[0] for row in overlaps] == ['V1', 'V2', 'V3', 'E0', 'E1', 'E2', 'E3', 'E4'], f'labels of the Dice: {overlaps}')
    check(all(row[1] == 3 and 0 <= row[3] <= row[2] <= 1 for row in overlaps), f'hard Dice: {overlaps}')
    check_overlap(shown)
    for image in shown.get('images', []):
        pictures = {'input': image['input']}
        check(len(image['maps']) == 2, f'{len(image["maps"])} maps for two groups')
        for group, maps in zip(groups, image['maps']):
            pictures.update({f'{group["name"]} {name}': url for name, url in maps.items()})
        check(len(pictures) == 7, f'pictures: {list(pictures)}')
        for name, url in pictures.items():
            png = base64.b64decode(url.removeprefix('data:image/png;base64,'))
            check(png[:8] == b'\x89PNG\r\n\x1a\n' and png[16:24] == bytes([0, 0, 0, 64, 0, 0, 0, 32]), f'{name}: PNG of 64 x 32')
    moved = os.path.join(folder, 'moved')
    os.rename(data, moved)
    check('no such' in read(out, 'without data').data['tasks'][0]['predictions'].get('why', ''), 'data that is gone')
    check(report(out, '-d', moved).returncode == 0, 'data elsewhere')
    check('images' in Page(os.path.join(out, 'report.html')).data['tasks'][0]['predictions'], 'data elsewhere')


def main():
    with tempfile.TemporaryDirectory() as folder:
        if '--browser' in sys.argv:
            sys.exit(browser(folder) or checks.failures > 0)
        if '--trained' in sys.argv:
            check_trained(folder)
            sys.exit(checks.failures > 0)
        check_studies(folder)
        check_hostile_texts(folder)
        check_refusals(folder)
        check_use(folder)
        check_thinned(folder)
    print(f'{checks.failures} failed' if checks.failures else 'ok')
    sys.exit(checks.failures > 0)


main()
