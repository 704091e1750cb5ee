#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `vkgrid label` writes, judged by nibabel, NumPy, SciPy and connectome-workbench: label_test.py VKGRID

Networks are trained for a few steps, enough for every class to appear. The probabilities of vertices are compared with those
that `vkgrid apply` gives of the flattened images, taken back to the cortex by NumPy; classes, names, colours and the volume
follow from the probabilities. Then what it refuses, what it goes on with, and what it leaves as it is.
"""
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import checks
from checks import check

try:
    import nibabel
    import numpy as np
    from nibabel import freesurfer
    from scipy.spatial import cKDTree

    import make_warps
    import subjects
    import twin
except ImportError as missing:
    print(f'skipped: {missing}')
    sys.exit(77)

VKGRID = os.path.abspath(sys.argv[1])
SIZE, ROWS, RADIUS = (32, 64), 96, 1.25
AREAS, RINGS = ['V1', 'V2', 'V3'], ['E0', 'E1', 'E2', 'E3', 'E4']
KEYS = {**{name: number + 1 for number, name in enumerate(AREAS)}, **{name: number + 1 for number, name in enumerate(RINGS)}}
SUBJECTS = ['warp01', 'warp02', 'warp03']
HEMISPHERES = 'lh', 'rh'
WEIGHTS = {'area': 'study-area/cells/grid00000/best_anat.safetensors', 'sect': 'study-sect/cells/grid00000/best_own.safetensors'}
COMPUTE = ['--device', 'cpu', '--threads', '2']


ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ('SUBJECTS_DIR', 'FREESURFER_HOME')}


def run(*arguments, status=0):
    got = subprocess.run([VKGRID, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                         timeout=300, env=ENVIRONMENT)
    if got.returncode != status:
        check(False, f'{arguments}: exit {got.returncode}, not {status}: {got.stderr}')
    return got


def command(*arguments, weights='area'):
    return 'label', '-w', WEIGHTS.get(weights, weights), '--fsaverage', 'fsaverage', *COMPUTE, *arguments


def label(*arguments, weights='area', status=0):
    return run(*command(*arguments, weights=weights), status=status)


def refused(text, *arguments, **options):
    """One line of error with the text, and nothing that was there before is changed."""
    before = tree('.')
    got = label(*arguments, status=1, **options)
    lines = [line for line in got.stderr.splitlines() if line.startswith('vkgrid: ')]
    check(len(lines) == 1 and text in lines[0], f'label {arguments}: "{text}" is not what is said: {got.stderr}')
    check(tree('.') == before, f'label {arguments}: something was written')


def tree(folder):
    """Every file with its size and time."""
    return {os.path.join(here, name): (status.st_size, status.st_mtime_ns) for here, _, names in os.walk(folder)
            for name in names for status in [os.stat(os.path.join(here, name))]}


def values_of(path):
    image = nibabel.load(path)
    check(len(image.shape) == 3 and image.shape[1:] == (1, 1), f'{path}: shape {image.shape}')
    return np.asarray(image.dataobj).ravel()


# --- Networks ------------------------------------------------------------------------------------

def train(name, labels, features):
    """A data set, and a network of it: the names of its sets are anat or own, area or sect."""
    sources = [f'--label={name}=varea.mgz:{KEYS[name]}' for name in labels]
    extra = ['--feature=myelin=thickness'] if 'myelin' in features else []
    run('flatten', *SUBJECTS, '-o', f'data-{name}', '--fsaverage', 'fsaverage', '--size', str(ROWS), '--radius', str(RADIUS),
        *sources, *extra)
    inputs = 'own' if 'myelin' in features else 'anat'
    normalize = {'x': 'zscore', 'myelin': 'dataset', 'curvature': 'dataset'} if 'myelin' in features else 'none'
    with open('grid.json', 'w', encoding='utf-8') as file:
        json.dump({'static': {
            'partition': [SUBJECTS[:2], SUBJECTS[2:]], 'raters': [], 'gamma': 0.95, 'bce_weight': 0.5, 'batch_size': 2,
            'lr': 0.003, 'normalize': normalize, 'inputs': inputs, 'prediction': name,
            'features': {'inputs': {'own': features or ['x']}},
            'image_size': SIZE, 'num_epochs': 60, 'plan': [{}], 'base_model': 'resnet18'}, 'hyper': {}}, file)
    run('search', 'grid.json', '-d', f'data-{name}', '-o', f'study-{name}', '--quiet', *COMPUTE)


# --- Back to the cortex, by NumPy ----------------------------------------------------------------

def enlarged(image, size):
    """Bilinear, pixels' centres at (i + 1/2) / n."""
    for axis in 0, 1:
        count = image.shape[axis]
        at = np.clip((np.arange(size) + 0.5) * count / size - 0.5, 0, count - 1)
        low = np.minimum(at.astype(int), count - 2)
        part = (at - low).reshape((-1, 1) if axis == 0 else (1, -1))
        image = np.take(image, low, axis) * (1 - part) + np.take(image, low + 1, axis) * part
    return image


def probabilities_by_numpy(subject, hemi, image):
    """[label][vertex] of an image [label][row][col] of the network, and the vertices that are on the map."""
    points, faces = freesurfer.read_geometry(f'{subject}/surf/{hemi}.sphere.reg')
    kept, places, _ = twin.flat_map(hemi, points, faces, RADIUS)
    low, high = places.min(axis=0), places.max(axis=0)
    half = image[:, :, :SIZE[0]] if hemi == 'lh' else image[:, :, SIZE[0]:]
    cols = np.rint((ROWS - 1) * (places[:, 0] - low[0]) / (high[0] - low[0])).astype(int)
    rows = np.rint((ROWS - 1) * (places[:, 1] - high[1]) / (low[1] - high[1])).astype(int)
    values = np.zeros((len(image), len(points)))
    for k, one in enumerate(half.astype(float)):
        values[k, kept] = enlarged(one, ROWS)[rows, cols]
    return values, kept


def midgray_of(subject, hemi):
    white, faces = freesurfer.read_geometry(f'{subject}/surf/{hemi}.white')
    return (white + freesurfer.read_geometry(f'{subject}/surf/{hemi}.pial')[0]) / 2, faces


def vertex_areas(points, faces):
    a, b, c = (points[faces[:, i]] for i in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    return np.bincount(faces.ravel(), weights=areas.repeat(3), minlength=len(points))


def by_rule(values):
    values = values.astype(float)
    return np.argmax(np.concatenate([1 - values.sum(axis=0, keepdims=True), values]), axis=0)


# --- What is written -----------------------------------------------------------------------------

def legend(folder):
    """{map: {class: (name, colour)}} of vkgrid apply."""
    with open(f'{folder}/legend.tsv', encoding='utf-8') as file:
        rows = [line.rstrip('\n').split('\t') for line in file][1:]
    found = {}
    for each, number, name, colour in rows:
        found.setdefault(each, {})[int(number)] = name, tuple(bytes.fromhex(colour.lstrip('#')))
    return found


def check_annot(path, classes, names, colours):
    keys, table, found = freesurfer.read_annot(path)
    found = [name.decode() for name in found]
    check(found[1:] == names, f'{path}: names {found}')
    check([tuple(row[:3]) for row in table[1:]] == colours, f'{path}: colours {table[1:, :3].tolist()}, not {colours}')
    check((table[1:, 3] == 0).all(), f'{path}: an entry is transparent')
    for number, name in enumerate(names, 1):
        check(((keys == found.index(name)) == (classes == number)).all(), f'{path}: vertices of {name}')
    check((keys == classes).all() and found[0] == 'unknown', f'{path}: its numbers are not those of the classes')


def check_gifti(path, classes, names, colours, hemi):
    image = nibabel.load(path)
    keys = image.darrays[0].data
    check(len(image.darrays) == 1 and (keys == classes).all(), f'{path}: keys')
    table = {entry.key: entry for entry in image.labeltable.labels}
    name = os.path.basename(path)[3:-len('.label.gii')]
    check(image.darrays[0].meta['Name'] == name, f'{path}: the map is called {image.darrays[0].meta["Name"]}, not {name}')
    check(sorted(table) == list(range(len(names) + 1)), f'{path}: keys of the table {sorted(table)}')
    for number, (name, colour) in enumerate(zip(names, colours), 1):
        check(table[number].label == name, f'{path}: {number} is {table[number].label}, not {name}')
        check(np.allclose(table[number].rgba, [*(part / 255 for part in colour), 1], atol=1e-3), f'{path}: colour of {name}')
    side = 'CortexLeft' if hemi == 'lh' else 'CortexRight'
    check(image.meta.get('AnatomicalStructurePrimary') == side or
          image.darrays[0].meta.get('AnatomicalStructurePrimary') == side, f'{path}: is not of {side}')
    if shutil.which('wb_command'):
        told = subprocess.run(['wb_command', '-file-information', path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        check(told.returncode == 0 and all(name in told.stdout for name in names), f'{path}: wb_command says {told.stdout}')


def check_volume(path, subject, classes):
    """The class of the nearest vertex of the midgray surface, in all grey matter of the ribbon."""
    volume = nibabel.load(path)
    ribbon = nibabel.load(f'{subject}/mri/ribbon.mgz')
    check(volume.shape == ribbon.shape and np.allclose(volume.affine, ribbon.affine), f'{path}: not where the ribbon is')
    marks, to_surface = np.asarray(ribbon.dataobj), ribbon.header.get_vox2ras_tkr()
    wanted = np.zeros(ribbon.shape, int)
    for hemi, grey in {'lh': 3, 'rh': 42}.items():
        midgray, _ = midgray_of(subject, hemi)
        voxels = np.argwhere(marks == grey)
        _, nearest = cKDTree(midgray).query(voxels @ to_surface[:3, :3].T + to_surface[:3, 3])
        wanted[tuple(voxels.T)] = classes[hemi][nearest]
    differ = int((np.asarray(volume.dataobj) != wanted).sum())
    check(differ == 0, f'{path}: {differ} voxels differ from those of SciPy')
    check((wanted > 0).sum() > 100, f'{path}: next to nothing is labelled')


def check_subject(subject, prediction, folder, predictions):
    """All files of a subject that was labelled with everything that can be asked for."""
    maps = {'area': {'varea': AREAS}, 'sect': {'varea': AREAS, 'vring': RINGS}}[prediction]
    labels = [name for names in maps.values() for name in names]
    colours = legend(predictions)
    image = np.load(f'{predictions}/{subject}.npy')
    expected = {f'label/vkgrid_{"_".join(maps)}.json'}
    classes = {each: {} for each in maps}
    for hemi in HEMISPHERES:
        found = np.stack([values_of(f'{folder}/surf/{hemi}.vkgrid_{name}_probability.mgz') for name in labels])
        by_numpy, kept = probabilities_by_numpy(subject, hemi, image)
        furthest = np.abs(found - by_numpy).max()
        # A vertex on the line between two pixels can go to the other one.
        check((np.abs(found - by_numpy) > 1e-4).any(axis=0).sum() <= 2, f'{subject} {hemi}: probabilities differ by {furthest}')
        expected |= {f'surf/{hemi}.vkgrid_{name}_probability.mgz' for name in labels}
        first = 0
        for each, names in maps.items():
            path = f'{folder}/surf/{hemi}.vkgrid_{each}.mgz'
            those = classes[each][hemi] = values_of(path)
            wanted = by_rule(found[first:first + len(names)])
            check(those.dtype == np.int32 or those.dtype == np.dtype('>i4'), f'{path}: type {those.dtype}')
            check((those == wanted).all(), f'{path}: {(those != wanted).sum()} vertices are not by the rule')
            outside = np.ones(len(those), bool)
            outside[kept] = False
            check((those[outside] == 0).all(), f'{path}: a label outside the map')
            those_colours = [colours[{'varea': 'area', 'vring': 'ring'}[each]][number][1] for number in range(1, len(names) + 1)]
            check_annot(f'{folder}/label/{hemi}.vkgrid_{each}.annot', those, names, those_colours)
            check_gifti(f'{folder}/label/{hemi}.vkgrid_{each}.label.gii', those, names, those_colours, hemi)
            expected |= {f'surf/{hemi}.vkgrid_{each}.mgz', f'label/{hemi}.vkgrid_{each}.annot',
                         f'label/{hemi}.vkgrid_{each}.label.gii'}
            first += len(names)
    for each in maps:
        if os.path.exists(f'{subject}/mri/ribbon.mgz'):
            check_volume(f'{folder}/mri/vkgrid_{each}.mgz', subject, classes[each])
            expected.add(f'mri/vkgrid_{each}.mgz')
    found = {os.path.relpath(path, folder) for path in tree(folder)}
    check(found == expected, f'{folder}: files {sorted(found ^ expected)}')
    return classes


def check_extents(record, subject, classes):
    """Vertices and surface area of the midgray, as the record has them."""
    with open(record, encoding='utf-8') as file:
        json_labels = json.load(file)['labels']
    for hemi, those in classes.items():
        areas = vertex_areas(*midgray_of(subject, hemi))
        for number, name in enumerate(AREAS, 1):
            told = json_labels[hemi][name]
            check(told['vertices'] == (those == number).sum(), f'{record}: vertices of {hemi} {name}')
            check(abs(told['area'] - areas[those == number].sum()) < 0.01, f'{record}: area of {hemi} {name}')


def test_files():
    before = {subject: tree(subject) for subject in SUBJECTS}
    everything = ['--probabilities', '--gifti', '--volume', '--batch-size', '2']
    for prediction, extra in {'area': [], 'sect': ['--feature=myelin=thickness']}.items():
        run('apply', '-w', WEIGHTS[prediction], '-d', f'data-{prediction}', '-o', f'predictions-{prediction}', '--size',
            f'{SIZE[0]}x{SIZE[1]}', *COMPUTE)
        got = label('warp01', 'warp02', '-o', f'out-{prediction}', *everything, *extra, weights=prediction)
        check(f'2 subjects labelled in out-{prediction}' in got.stdout, f'result: {got.stdout}')
        check('does not say how' not in got.stderr, 'the weights do not say how to flatten')
        seen = set()
        for subject in SUBJECTS[:2]:
            classes = check_subject(subject, prediction, f'out-{prediction}/{subject}', f'predictions-{prediction}')
            seen |= {number for those in classes['varea'].values() for number in np.unique(those)}
            check_extents(f'out-{prediction}/{subject}/label/vkgrid_{"_".join(classes)}.json', subject, classes['varea'])
        check(seen == {0, 1, 2, 3}, f'{prediction}: only the classes {seen}: a poor test')
    for subject in SUBJECTS:
        check(tree(subject) == before[subject], f'{subject}: its folder was written to')


def test_ribbon_of_halves():
    """lh.ribbon.mgz and rh.ribbon.mgz in place of ribbon.mgz give the same volume."""
    shutil.copytree('warp01', 'halves/warp01')
    ribbon = nibabel.load('warp01/mri/ribbon.mgz')
    for hemi, grey in {'lh': 3, 'rh': 42}.items():
        nibabel.save(freesurfer.MGHImage((np.asarray(ribbon.dataobj) == grey).astype(np.uint8), ribbon.affine),
                     f'halves/warp01/mri/{hemi}.ribbon.mgz')
    os.remove('halves/warp01/mri/ribbon.mgz')
    label('halves/warp01', '--in-place', '--volume')
    volumes = [np.asarray(nibabel.load(f'{folder}/mri/vkgrid_varea.mgz').dataobj)
               for folder in ('halves/warp01', 'out-area/warp01')]
    check((volumes[0] == volumes[1]).all(), 'a ribbon of two halves gives another volume')
    for hemi in HEMISPHERES:
        os.remove(f'halves/warp01/mri/{hemi}.ribbon.mgz')


def test_no_ribbon():
    """The other files are written all the same, and the volume once there is a ribbon."""
    shutil.copytree('warp01', 'halves/warp01', dirs_exist_ok=True)
    os.rename('halves/warp01/mri/ribbon.mgz', 'ribbon.mgz')
    arguments = 'halves/warp01', '-o', 'no-ribbon', '--volume'
    for tries in range(2):
        got = label(*arguments, *(['--json'] if tries else []), status=1)
        about = [line for line in got.stderr.splitlines() if line.startswith('vkgrid: ')]
        check(len(about) == 1 and 'halves/warp01/mri/ribbon.mgz: is not there' in about[0], f'no ribbon: {got.stderr}')
        if tries == 0:
            check('1 without a volume' in got.stdout and 'warp01: lh V1' in got.stdout, f'no ribbon: {got.stdout}')
        else:
            told = json.loads(got.stdout)['subjects'][0]
            check('ribbon' in told['error'] and len(told['files']) == 4 and all(map(os.path.exists, told['files'])), f'{told}')
        check(len(tree('no-ribbon')) == 5 and not os.path.exists('no-ribbon/warp01/mri'), f'no ribbon: {tree("no-ribbon")}')
    os.rename('ribbon.mgz', 'halves/warp01/mri/ribbon.mgz')
    before = tree('no-ribbon')
    label(*arguments)
    check({path for path, value in tree('no-ribbon').items() if before.get(path) != value} ==
          {f'no-ribbon/warp01/{path}' for path in ('mri/vkgrid_varea.mgz', 'label/vkgrid_varea.json')}, 'the ribbon is there now')


# --- What is there already -----------------------------------------------------------------------

def test_going_on():
    arguments = ['warp01', 'warp02', '-o', 'out-area', '--probabilities', '--gifti', '--volume']
    before = tree('out-area')
    got = label(*arguments)
    check('(2 of them earlier)' in got.stdout and tree('out-area') == before, f'labelled again: {got.stdout}')
    areas = [line for line in got.stdout.splitlines() if ': lh V1 ' in line and '; rh V1 ' in line and 'nan' not in line]
    check([line.split(':')[0] for line in areas] == SUBJECTS[:2], f'the areas of what is there: {got.stdout}')
    told = json.loads(label('warp01', '-o', 'out-area', '--json').stdout)['subjects'][0]
    check(sorted(told['files']) == sorted(path for path in before if '/warp01/' in path and not path.endswith('.json')),
          f'files of --json: {told["files"]}')
    check('device' not in got.stderr, 'a device was opened for nothing')
    lost = 'out-area/warp02/label/rh.vkgrid_varea.annot'
    os.remove(lost)
    edited = 'out-area/warp02/label/lh.vkgrid_varea.annot'  # by hand, say
    with open(edited, 'ab') as file:
        file.write(b'edited')
    kept = tree('out-area')
    got = label(*arguments)
    after = tree('out-area')
    check('2 subjects labelled' in got.stdout and '(1 of them earlier)' in got.stdout, f'going on: {got.stdout}')
    changed = {path for path in after if after[path] != kept.get(path)}
    check(changed == {lost, 'out-area/warp02/label/vkgrid_varea.json'}, f'going on has written {changed}')
    label(*arguments, '--overwrite')
    check(all(after[path] != value for path, value in tree('out-area').items()), '--overwrite left a file')
    freesurfer.read_annot(edited)


def test_refusals():
    os.makedirs('taken/warp01/surf')
    with open('taken/warp01/surf/rh.vkgrid_varea.mgz', 'w', encoding='utf-8') as file:
        file.write("somebody's")
    refused('taken/warp01/surf/rh.vkgrid_varea.mgz: is there, and not of these weights', 'warp01', '-o', 'taken')
    refused('out-area/warp01/label/vkgrid_varea.json: is there, and not of these weights and settings',
            'warp01', '-o', 'out-area', '--radius', '1.2')
    label('warp01', '-o', 'out-area', '--tag', 'other', '--radius', '1.2')
    check(os.path.exists('out-area/warp01/surf/lh.other_varea.mgz'), '--tag')
    refused('feature myelin: warp01: neither surf nor label has lh.myelin (--feature myelin=FILE names its file)',
            'warp01', '-o', 'new', weights='sect')
    refused('--feature foo: is none of the network\'s features', 'warp01', '-o', 'new', '--feature', 'foo=thickness')
    refused('--tag "a/b"', 'warp01', '-o', 'new', '--tag', 'a/b')
    refused('both would be written to new/warp01', 'warp01', 'halves/warp01', '-o', 'new')
    refused('no such folder', 'warp99', '-o', 'new')
    refused('lh.nothing', 'warp01', '-o', 'new', '--file', 'sphere=surf/{hemi}.nothing')
    got = run('label', 'warp01', status=2)
    check('-w FILE: is missing' in got.stderr, f'without weights: {got.stderr}')
    got = label('warp01', '--in-place', '-o', 'new', status=2)
    check('only one of them' in got.stderr, f'two places: {got.stderr}')


def test_newer_files():
    """make's rule: what is older than its sources is made anew; sources must be there."""
    shutil.copytree('warp01', 'again')
    arguments = 'again', '-o', 'new-files'
    label(*arguments)
    before = tree('new-files')
    for hemi in HEMISPHERES:  # recon-all has run again, with another result
        shutil.copy(f'warp02/surf/{hemi}.sulc', f'again/surf/{hemi}.sulc')
    got = label(*arguments)
    after = tree('new-files')
    check('again: its files are newer than its labels: labelled anew' in got.stderr and 'again: lh V1' in got.stdout and
          all(after[path] != value for path, value in before.items()), f'newer files: {got.stderr}{got.stdout}')
    got = label(*arguments)
    check('(1 of them earlier)' in got.stdout and tree('new-files') == after, f'newer files: not settled: {got.stdout}')
    os.remove('again/surf/lh.white')
    refused('again/surf/lh.white: no such file', *arguments)


def test_other_fsaverage():
    """Labels of another template are others'."""
    shutil.copytree('fsaverage', 'other-fsaverage')
    for name in 'white', 'pial':
        path = f'other-fsaverage/surf/lh.{name}'
        points, faces = freesurfer.read_geometry(path)
        freesurfer.write_geometry(path, points + [1, 0, 0], faces)
    label('warp03', '-o', 'one-template')
    refused('is there, and not of these weights and settings', 'warp03', '-o', 'one-template', '--fsaverage', 'other-fsaverage')


def waits_for(process, path):
    """Whether the process comes to hold the file open before it ends."""
    path = os.path.realpath(path)
    while process.poll() is None:
        try:
            if path in (os.path.realpath(f'/proc/{process.pid}/fd/{number}') for number in os.listdir(f'/proc/{process.pid}/fd')):
                return True
        except OSError:  # it ends just now
            pass
        time.sleep(0.02)
    return False


def test_two_at_work():
    """While one process writes a subject, another waits, and then looks again at what is there."""
    lock = 'both/warp01/label/vkgrid.lock'
    label('warp01', '-o', 'first', '--radius', '1.2')
    os.makedirs(os.path.dirname(lock))
    with open(lock, 'w', encoding='utf-8') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with subprocess.Popen([VKGRID, *command('warp01', '-o', 'both')], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=ENVIRONMENT) as process:
            check(waits_for(process, lock), 'writes although another process does')
            shutil.copytree('first/warp01', 'both/warp01', dirs_exist_ok=True)
            before = tree('first')
            fcntl.flock(file, fcntl.LOCK_UN)
            said = process.communicate(timeout=300)[1]
    check(process.returncode == 1 and 'vkgrid_varea.json: is there, and not of these weights and settings' in said,
          f'two at work: exit {process.returncode}: {said}')
    check({os.path.relpath(path, 'both') for path in tree('both')} == {os.path.relpath(path, 'first') for path in before},
          'two at work: files of both, or a lock that stays')
    for hemi in HEMISPHERES:
        name = f'warp01/surf/{hemi}.vkgrid_varea.mgz'
        check((values_of(f'both/{name}') == values_of(f'first/{name}')).all(), 'two at work: the files of the first are gone')


def test_interrupt():
    """It says how many are done, and that the same command goes on."""
    label('warp02', '-o', 'stopped')
    lock = 'stopped/warp01/label/vkgrid.lock'
    os.makedirs(os.path.dirname(lock))
    with open(lock, 'w', encoding='utf-8') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with subprocess.Popen([VKGRID, *command('warp01', 'warp02', '-o', 'stopped')], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
            check(waits_for(process, lock), 'interrupt: ended before')
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=300)[1]
    check(process.returncode == 130 and 'interrupted: 1 of 2 subjects are labelled; the same command goes on' in said,
          f'interrupt: exit {process.returncode}: {said}')
    check('2 subjects labelled' in label('warp01', 'warp02', '-o', 'stopped').stdout, 'going on after an interrupt')


def test_failures():
    """One subject that fails does not end the others."""
    shutil.copytree('warp02', 'broken')
    with open('broken/surf/rh.curv', 'r+b') as file:
        file.truncate(1000)
    got = label('warp01', 'broken', 'warp03', '-o', 'mixed', '--json', status=1)
    about = [line.split(':')[1].strip() for line in got.stderr.splitlines() if line.startswith('vkgrid: ')]
    check(about == ['broken/surf/rh.curv'], f'one fails: {got.stderr}')
    told = {each['subject']: each for each in json.loads(got.stdout)['subjects']}
    check([told[name]['state'] for name in ('warp01', 'broken', 'warp03')] == ['done', 'failed', 'done'], f'states: {told}')
    check('rh.curv' in told['broken']['error'] and not os.path.exists('mixed/broken'), f'error: {told["broken"]}')
    check(all(os.path.exists(path) for path in told['warp03']['files']) and len(told['warp03']['files']) == 4, 'files of --json')
    check(told['warp03']['labels']['rh']['V1']['vertices'] > 0, 'labels of --json')
    for subject in ('warp01', 'warp03'):
        for hemi in HEMISPHERES:
            name = f'{subject}/surf/{hemi}.vkgrid_varea.mgz'
            if subject == 'warp01':
                check((values_of(f'mixed/{name}') == values_of(f'out-area/{name}')).all(), 'another batch, other labels')


def as_a_person(*arguments):
    """The command without root's right to write anywhere."""
    def drop():
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE; fails for whoever is not root
    return subprocess.run([VKGRID, *command(*arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          timeout=300, env=ENVIRONMENT, preexec_fn=drop)


def test_read_only():
    """Said once, with the reason, and before anything is computed; in place with the subject."""
    os.mkdir('closed', 0o555)
    shutil.copytree('warp01', 'locked')
    os.chmod('locked/surf', 0o555)
    for arguments, text in {('warp01', 'warp02', '-o', 'closed/x'): 'closed/x: cannot be made: closed: Permission denied',
                            ('locked', '--in-place'): 'locked/surf: cannot write there: Permission denied'}.items():
        got = as_a_person(*arguments)
        lines = [line for line in got.stderr.splitlines() if line.startswith('vkgrid: ')]
        check(got.returncode == 1 and len(lines) == 1 and text in lines[0] and 'device' not in got.stderr,
              f'read only: {got.stderr}')
    os.chmod('locked/surf', 0o755)


def changed_weights(path, changes):
    """The network for areas with tensors of other values, {name: [value, ...]}, which are repeated."""
    with open(WEIGHTS['area'], 'rb') as file:
        content = bytearray(file.read())
    size = int.from_bytes(content[:8], 'little')
    for name, values in changes.items():
        first, end = json.loads(content[8:8 + size])[name]['data_offsets']
        content[8 + size + first:8 + size + end] = np.resize(np.array(values, '<f4'), (end - first) // 4).tobytes()
    with open(path, 'wb') as file:
        file.write(content)
    return path


def test_damaged_weights():
    """NaN is no probability: of weights that are, and of finite ones that lead to it (infinities of both signs are added)."""
    weights = changed_weights('nan.safetensors', {'conv_last.bias': [np.nan, 0, 0]})
    refused('tensor conv_last.bias: element 0 is not finite', 'warp01', '-o', 'nan', weights=weights)
    changed_weights(weights, {'conv_original_size2.0.weight': [3e35], 'conv_original_size2.0.bias': [3.4028e38],
                              'conv_last.weight': [1, -1], 'conv_last.bias': [0]})
    refused('warp01: the network gives NaN', 'warp01', '-o', 'nan', weights=weights)


def test_nothing_labelled():
    """A network that gives no label is told of, once."""
    weights = changed_weights('empty.safetensors', {'conv_last.weight': [0], 'conv_last.bias': [-20]})
    for names, text in {('warp01',): 'warp01: the network labels no vertex',
                        tuple(SUBJECTS[:2]): 'warp01 and 1 more: the network'}.items():
        got = label(*names, '-o', f'empty{len(names)}', weights=weights)
        check(got.stderr.count('labels no vertex') == 1 and text in got.stderr, f'nothing labelled: {got.stderr}')
    check('labels no vertex' not in label('warp01', '-o', 'not-empty').stderr, 'nothing labelled is said without reason')


def test_ranges():
    """Thickness in another unit than the training data's is told of, once for all subjects; that of another person is not."""
    for name in 'units1', 'units2':
        shutil.copytree('warp01', name)
        for hemi in HEMISPHERES:
            path = f'{name}/surf/{hemi}.thickness'
            freesurfer.write_morph_data(path, freesurfer.read_morph_data(path) * 1000)
    got = label('warp03', 'units1', 'units2', '-o', 'units')
    check(got.stderr.count('in the training data') == 1 and 'feature thickness: 0 to ' in got.stderr
          and ' in units1, but 0 to ' in got.stderr and 'times larger, as in another unit' in got.stderr
          and 'values far outside those of the training data: 1 more subject\n' in got.stderr, f'ranges: {got.stderr}')


def test_places():
    """--in-place, and -o with the subject's own folder."""
    for name, arguments in {'one': ['--in-place'], 'two': ['-o', 'two']}.items():
        shutil.copytree('warp03', name)
        before = tree(name)
        label(name, *arguments)
        after = tree(name)
        check(os.path.exists(f'{name}/surf/lh.vkgrid_varea.mgz') and all(after[path] == value for path, value in before.items()),
              f'{arguments}: {sorted(set(after) - set(before))}')


def test_settings():
    """Weights without a note, as those that PyTorch has trained."""
    with open(WEIGHTS['area'], 'rb') as file:
        content = file.read()
    size = int.from_bytes(content[:8], 'little')
    header = json.loads(content[8:8 + size])
    check(json.loads(header['__metadata__']['flatten']) == {'radius': RADIUS, 'rows': ROWS}, f'note: {header["__metadata__"]}')
    del header['__metadata__']['flatten']
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open('silent.safetensors', 'wb') as file:
        file.write(len(text).to_bytes(8, 'little') + text + content[8 + size:])
    got = label('warp01', '-o', 'silent', weights='silent.safetensors')
    check('does not say how its training data were flattened: radius 1.396, 512 x 1024 pixels are taken' in got.stderr,
          f'silent weights: {got.stderr}')
    got = label('warp01', '-o', 'told', '--radius', str(RADIUS), '--size', str(ROWS), weights='silent.safetensors')
    for hemi in HEMISPHERES:
        check((values_of(f'told/warp01/surf/{hemi}.vkgrid_varea.mgz') ==
               values_of(f'out-area/warp01/surf/{hemi}.vkgrid_varea.mgz')).all(), '--radius and --size')


def test_options_beside():
    """A file of PyTorch cannot hold what network it is: convert writes that beside it."""
    run('convert', WEIGHTS['area'], 'area.pt')
    got = label('warp01', '-o', 'pt', weights='area.pt')
    check('area.pt: what network it is says area.options.json' in got.stderr and 'does not say how' not in got.stderr,
          f'options beside: {got.stderr}')
    for hemi in HEMISPHERES:
        name = f'warp01/surf/{hemi}.vkgrid_varea.mgz'
        check((values_of(f'pt/{name}') == values_of(f'out-area/{name}')).all(), 'options beside: other labels')
    os.remove('area.options.json')
    refused('area.pt: does not say its base_model', 'warp01', '-o', 'pt', weights='area.pt')


def main():
    data = subjects.shared_data()
    if not data:
        print('skipped: ../shared/data/fsaverage5 is not there (VKGRID_SHARED names another folder than ../shared)')
        return 77
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        make_warps.make(data, '.', len(SUBJECTS), ribbons=2)
        train('area', AREAS, [])
        train('sect', AREAS + RINGS, ['x', 'y', 'z', 'myelin', 'null', 'curvature'])
        for test in (test_files, test_ribbon_of_halves, test_no_ribbon, test_going_on, test_refusals, test_newer_files,
                     test_other_fsaverage, test_two_at_work, test_interrupt, test_failures, test_read_only, test_damaged_weights,
                     test_nothing_labelled, test_ranges, test_places, test_settings, test_options_beside):
            test()
        os.chdir('/')
    print(f'{checks.failures} failures')
    return checks.failures > 0


if __name__ == '__main__':
    sys.exit(main())
