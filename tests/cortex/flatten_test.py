#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vkgrid flatten on fsaverage5: against a twin in NumPy, on moved subjects, on damaged ones.

    flatten_test.py VKGRID
"""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

try:
    import nibabel
    import nibabel.freesurfer.io as fsio
    import numpy
    import PIL.Image
    import scipy.spatial.transform

    import subjects
    import twin
except ImportError as missing:
    print(f'skipped: {missing}')
    sys.exit(77)

SHARED = subjects.shared_data()
VKGRID = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else 'vkgrid'
EDGES = 5  # pixels of all images of a subject that another rounding puts into a triangle or out of it; 0 were measured
RADIUS = numpy.pi / 2.25
LABELS = {'V1': 1, 'V2': 2, 'V3': 3}
FEATURES = ['x', 'y', 'z', 'curvature', 'convexity', 'thickness', 'surface_area']
LABEL_OPTIONS = [f'--label={name}=varea.mgz:{key}' for name, key in LABELS.items()]


def turn_of(seed, angle=0.7):
    """A rotation by so many radians about a random axis: even after two of them lh is at the left of rh."""
    axis = numpy.random.default_rng(seed).normal(size=3)
    return scipy.spatial.transform.Rotation.from_rotvec(angle * axis / numpy.linalg.norm(axis)).as_matrix()


def person(subject, seed):
    """Somebody else: a larger, bent brain, its sphere registered to other places, its sulc in FreeSurfer's unit."""
    somebody = subjects.moved(subject, 1.07 * turn_of(seed), [5, -40, 20])
    for hemi, files in somebody.items():
        points, faces = files['sphere']
        bent = points + 4 * numpy.sin(points[:, [1, 2, 0]] / 30 + seed)
        files['sphere'] = 100 * twin.unit(bent), faces
        for name in 'white', 'pial':
            points, faces = files[name]
            files[name] = points + 2 * numpy.sin(points[:, [2, 0, 1]] / 17), faces
        files['sulc'] = files['sulc'] * numpy.float32(8)
        files['sulc_unit'] = 10
    return somebody


class Flatten(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)
        os.chdir(self.home.name)
        self.subject = subjects.load(SHARED)
        subjects.write('fsaverage5', self.subject, template=True)

    def run_vkgrid(self, *words, fsaverage='fsaverage5', status=0):
        command = [VKGRID, 'flatten', *words, f'--fsaverage={fsaverage}']
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, status, result.stderr)
        return result

    def flatten(self, *names, options=(), data='data', status=0):
        return self.run_vkgrid(*names, '-o', data, *LABEL_OPTIONS, *options, status=status)

    def read(self, name, subject, data='data'):
        path = pathlib.Path(data, name, subject)
        if name in LABELS:
            return numpy.asarray(PIL.Image.open(f'{path}.png')).astype('f8')
        image = numpy.load(f'{path}.npy')
        self.assertEqual(image.dtype, numpy.float32)
        return image.astype('f8')

    def compare(self, subject, name, rows, radius=RADIUS):
        """The images on the disk with the twin's: how many pixels of the discs' edges differ."""
        expected = twin.images(subject, self.subject, radius, rows, LABELS)
        edges = 0
        self.assertEqual(sorted(expected), sorted(FEATURES + list(LABELS)))
        for each, image in expected.items():
            got = self.read(each, name)
            self.assertEqual(got.shape, (rows, 2 * rows))
            different = numpy.abs(got - image) > 1e-4 * max(1, numpy.abs(image).max() / 100)
            if each in LABELS:
                edges += different.sum()
            else:  # in the one 0, in the other not
                edges += (different & ((got == 0) != (image == 0))).sum()
                self.assertEqual((different & (got != 0) & (image != 0)).sum(), 0, each)
        print(f'{name}: {rows} rows, radius {radius:.4f}: {edges} pixels of edges differ in {len(expected)} images')
        return edges

    def test_equals_the_twin(self):
        somebody = person(self.subject, 1)
        subjects.write('self', self.subject)
        subjects.write('somebody', somebody)
        result = self.flatten('self', 'somebody')
        self.assertIn('convexity: sulc / 10 of 1 subject; as it stands of 1', result.stderr)
        self.assertLessEqual(self.compare(self.subject, 'self', 512), EDGES)
        self.assertLessEqual(self.compare(somebody, 'somebody', 512), EDGES)

    def test_equals_the_twin_at_other_settings(self):
        somebody = person(self.subject, 2)
        subjects.write('somebody', somebody)
        self.flatten('somebody', options=['--radius', '0.9', '--size', '100'])
        self.assertLessEqual(self.compare(somebody, 'somebody', 100, 0.9), EDGES)

    def test_keeps_the_template_where_it_is(self):
        subjects.write('self', self.subject)
        self.flatten('self')
        for hemi, offset in ('lh', 0), ('rh', 512):
            sphere, faces = self.subject[hemi]['sphere']
            vertices, points, faces = twin.flat_map(hemi, sphere, faces, RADIUS)
            inside, which, weights = twin.pixels(points, faces, 512)
            midgray = (self.subject[hemi]['white'][0] + self.subject[hemi]['pial'][0]) / 2
            expected = (weights[:, :, None] * midgray[vertices[faces[which]]]).sum(1)
            for axis, name in enumerate('xyz'):
                half = self.read(name, 'self')[:, offset:offset + 512].ravel()
                self.assertLess(numpy.abs(half[inside] - expected[:, axis]).max(), 1e-3)

    def test_does_not_see_where_the_head_was(self):
        somebody = person(self.subject, 3)
        names = ['first']
        subjects.write('first', somebody)
        for seed in 4, 5, 6:
            names.append(f'moved{seed}')
            subjects.write(names[-1], subjects.moved(somebody, turn_of(seed), [seed * 30, -100, 70]))
        self.flatten(*names)
        for name in FEATURES + list(LABELS):
            first = self.read(name, 'first')
            for other in names[1:]:
                self.assertLess(numpy.abs(self.read(name, other) - first).max(), 1e-3, f'{name} {other}')

    def test_has_v1_on_the_inner_side(self):
        subjects.write('self', self.subject)
        self.flatten('self')
        v1 = self.read('V1', 'self') > 0
        columns = numpy.arange(512)
        self.assertGreater((v1[:, :512] * columns).sum() / v1[:, :512].sum(), 256 + 64)
        self.assertLess((v1[:, 512:] * columns).sum() / v1[:, 512:].sum(), 256 - 64)

    def test_reads_every_kind_of_label_and_feature(self):
        subjects.write('self', self.subject)
        os.mkdir('self/label')
        for hemi, files in self.subject.items():
            areas = files['varea']
            table = numpy.array([[25 * k, 50, 0, 0, 0] for k in range(4)])
            fsio.write_annot(f'self/label/{hemi}.areas.annot', numpy.where(areas > 3, 0, areas), table,
                             ['unknown', 'V1', 'V2', 'V3'], fill_ctab=True)
            listed = numpy.flatnonzero(areas == 1)
            lines = ''.join(f'{vertex} 0 0 0 0\n' for vertex in listed)
            pathlib.Path(f'self/label/{hemi}.V1.label').write_text(f'#!ascii\n{len(listed)}\n{lines}')
            array = nibabel.gifti.GiftiDataArray(areas, intent='NIFTI_INTENT_LABEL', datatype='NIFTI_TYPE_INT32')
            nibabel.save(nibabel.gifti.GiftiImage(darrays=[array]), f'self/label/{hemi}.areas.label.gii')
            subjects.write_mgz(f'self/surf/{hemi}.myelin.mgz', files['curv'] + 1)
        self.flatten('self')
        words = ['--label=a=areas.annot:V1', '--label=b=V1.label', '--label=c=label/{hemi}.areas.label.gii:1',
                 '--feature=myelin=myelin.mgz', '--feature=twice={hemi}.myelin.mgz']
        result = self.run_vkgrid('self', '-o', 'more', *words)
        self.assertIn('convexity: sulc as it stands', result.stderr)
        for name in 'abc':
            image = numpy.asarray(PIL.Image.open(f'more/{name}/self.png'))
            self.assertTrue((image == self.read('V1', 'self')).all(), name)
        result = self.run_vkgrid('self', '-o', 'own', '--feature=convexity=curv')  # as it stands, whatever it is
        self.assertNotIn('sulc', result.stderr)
        self.assertTrue((self.read('convexity', 'self', 'own') == self.read('curvature', 'self')).all())
        inside = self.read('x', 'self') != 0
        for name in 'myelin', 'twice':
            difference = self.read(name, 'self', 'more') - self.read('curvature', 'self')
            self.assertLess(numpy.abs(difference - inside).max(), 1e-5)

    def test_goes_on(self):
        for name in 'ann', 'bob', 'cid':
            subjects.write(name, self.subject)
        small = ['--size', '64']
        result = self.flatten('ann', 'bob', options=small)
        self.assertIn('data: 2 subjects of 64 x 128 pixels written', result.stdout)
        before = os.stat('data/x/ann.npy').st_mtime_ns
        os.remove('data/V2/bob.png')
        result = self.flatten('ann', 'bob', 'cid', options=small)
        self.assertIn('data: 2 subjects of 64 x 128 pixels written, 1 was there already', result.stdout)
        self.assertEqual(os.stat('data/x/ann.npy').st_mtime_ns, before)
        self.assertEqual(json.loads(pathlib.Path('data/flatten.json').read_text())['rows'], 64)
        # Other settings: images of both would be beside each other.
        result = self.flatten('ann', options=['--size', '32'], status=1)
        self.assertIn('were made with --radius 1.39626 --size 64: the same, another folder, or --overwrite', result.stderr)
        result = self.flatten('ann', options=['--size', '32', '--overwrite'], status=1)
        self.assertIn('data: has images of bob, which is not named here', result.stderr)
        self.assertEqual(self.read('x', 'ann').shape, (64, 128))
        result = self.flatten('ann', 'bob', 'cid', options=['--size', '32', '--overwrite'])
        self.assertIn('data: 3 subjects of 32 x 64 pixels written\n', result.stdout)
        os.remove('data/flatten.json')
        result = self.flatten('ann', options=small, status=1)
        self.assertIn('has images of bob, which is not named here, and there is no flatten.json', result.stderr)
        result = self.flatten('ann', 'bob', 'cid', options=small, status=1)
        self.assertIn('data: has images, and there is no flatten.json that says how they were made', result.stderr)

    def test_keeps_images_of_one_making(self):
        """Other files than those that made what is there are refused; new labels are made for all subjects."""
        for name in 'ann', 'bob':
            subjects.write(name, self.subject)
        small = ['ann', 'bob', '-o', 'data', '--size=32']
        self.run_vkgrid(*small, '--label=V1=varea.mgz:1')
        for words, text in ((['--label=V1=varea.mgz:2'], 'they were made with --label V1=varea.mgz:1'),
                            (['--label=V1=varea.mgz:1', '--feature=curvature=sulc'],
                             'they were made without --feature curvature'),
                            (['--label=V1=varea.mgz:1', '--file=pial=surf/{hemi}.white'], 'they were made without --file pial'),
                            ([], 'has images of --label V1=varea.mgz:1, which is not named here')):
            result = self.run_vkgrid(*small, *words, status=1)
            self.assertIn(text, result.stderr)
            self.assertEqual(result.stderr.count('vkgrid: '), 1)
        subjects.write('other', person(self.subject, 1), template=True)
        result = self.run_vkgrid(*small, '--label=V1=varea.mgz:1', fsaverage='other', status=1)
        self.assertIn('they were made with another --fsaverage: the same, another folder, or --overwrite', result.stderr)
        v1 = self.read('V1', 'ann')
        both = ['--label=V1=varea.mgz:1', '--label=V2=varea.mgz:2']
        result = self.run_vkgrid('ann', '-o', 'data', '--size=32', *both, status=1)
        self.assertIn('has images of bob, which is not named here, and --label V2=varea.mgz:2 is new', result.stderr)
        self.run_vkgrid(*small, *both)
        self.assertTrue((self.read('V1', 'ann') == v1).all())
        self.assertTrue(self.read('V2', 'bob').any())
        self.run_vkgrid(*small, '--label=V1=varea.mgz:2', '--label=V2=varea.mgz:2', '--overwrite')
        self.assertTrue((self.read('V1', 'ann') == self.read('V2', 'ann')).all())

    def test_removes_what_killed_runs_left(self):
        """Of subjects that it makes, and of processes that are not there."""
        subjects.write('ann', self.subject)
        self.flatten('ann', options=['--size=32'])
        with subprocess.Popen(['true']) as gone:
            gone.wait()
        left = [f'data/V3/ann.png.{gone.pid}.tmp', f'data/x/ann.npy.{gone.pid}.tmp']
        kept = [f'data/V3/ann.png.{os.getpid()}.tmp', f'data/V3/bob.png.{gone.pid}.tmp', f'data/V3/ann.png.x{gone.pid}.tmp']
        for path in left + kept:
            pathlib.Path(path).write_bytes(b'half')
        self.flatten('ann', options=['--size=32'])
        self.assertEqual([path for path in left + kept if os.path.exists(path)], kept)

    def test_finds_subjects_by_name(self):
        """As FreeSurfer's tools do."""
        subjects.write('study/ann', self.subject)
        with unittest.mock.patch.dict(os.environ, SUBJECTS_DIR='study'):
            self.flatten('ann', options=['--size=32'])
            self.assertEqual(self.read('x', 'ann').shape, (32, 64))
            result = self.flatten('bob', options=['--size=32'], status=1)
        self.assertIn('vkgrid: bob: no such folder, neither here nor in SUBJECTS_DIR (study)\n', result.stderr)

    def test_makes_anew_what_is_older_than_its_files(self):
        for name in 'ann', 'bob':
            subjects.write(name, self.subject)
        small = ['--size=32', '--feature=myelin=thickness']
        self.flatten('ann', 'bob', options=small)
        later = os.stat('data/V3/bob.png').st_mtime + 10
        for file in 'lh.white', 'rh.sphere.reg', 'rh.curv', 'lh.thickness', 'rh.varea.mgz':
            os.utime(f'ann/surf/{file}', (later, later))
            result = self.flatten('ann', 'bob', options=small)
            self.assertIn('ann: its files are newer than its images: made anew\n', result.stderr, file)
            self.assertIn('data: 1 subject of 32 x 64 pixels written, 1 was there already', result.stdout)
            os.utime(f'ann/surf/{file}', (0, 0))
        self.assertNotIn('anew', self.flatten('ann', 'bob', options=small).stderr)
        for file in 'lh.white', 'lh.sulc', 'rh.varea.mgz':
            os.rename(f'bob/surf/{file}', 'away')
            result = self.flatten('ann', 'bob', options=small, status=1)
            self.assertIn('vkgrid: bob', result.stderr)
            self.assertIn(file, result.stderr)
            self.assertTrue(os.path.exists('data/V1/bob.png'))
            os.rename('away', f'bob/surf/{file}')

    def check_failure(self, what, text):
        """Subject bad fails with one line that has the text; good is made all the same."""
        result = self.flatten('bad', 'good', options=['--size', '32', '--overwrite'], status=1)
        lines = [line for line in result.stderr.splitlines() if line.startswith('vkgrid: ')]
        self.assertEqual(len(lines), 1, f'{what}: {result.stderr}')
        self.assertIn(text, lines[0], what)
        self.assertIn('1 failed', result.stdout)
        self.assertTrue(os.path.exists('data/V3/good.png'))
        self.assertEqual([str(path) for path in pathlib.Path('data').glob('*/bad.*')], [])

    def damage(self, file, change, text):
        path = pathlib.Path('bad/surf', file)
        whole = path.read_bytes()
        path.write_bytes(change(whole))
        self.check_failure(f'{file}', text)
        path.write_bytes(whole)

    def test_says_what_is_wrong(self):
        subjects.write('good', self.subject)
        subjects.write('bad', self.subject)
        start = pathlib.Path('bad/surf/lh.white').read_bytes().index(b'\n\n') + 2
        vertex = start + 8
        for file in 'lh.white', 'rh.pial', 'lh.sphere.reg':
            self.damage(file, lambda whole: whole[:len(whole) // 2], f'bad/surf/{file}')
            self.damage(file, lambda whole: b'', f'bad/surf/{file}: an empty file')
            at = pathlib.Path('bad/surf', file).read_bytes().index(b'\n\n') + 10
            nan = struct.pack('>f', float('nan'))
            self.damage(file, lambda whole, at=at, nan=nan: whole[:at] + nan + whole[at + 4:], f'bad/surf/{file}')
        self.damage('lh.white', lambda whole: whole[:start] + whole[start:vertex][::-1] + whole[vertex:], 'bad/surf/lh.white')
        swapped = lambda whole: numpy.frombuffer(whole[start:start + (len(whole) - start) // 4 * 4], '>u4').byteswap().tobytes()
        self.damage('lh.white', lambda whole: whole[:start] + swapped(whole), 'bad/surf/lh.white')
        self.damage('rh.curv', lambda whole: whole[:200], 'bad/surf/rh.curv')
        self.damage('lh.sulc', lambda whole: b'\xff\xff\xff' + struct.pack('>3i', 5, 6, 1) + bytes(20),
                    'bad/surf/lh.sulc: has 5 values, but lh.white 10242 vertices')
        self.damage('lh.varea.mgz', lambda whole: whole[:-20], 'bad/surf/lh.varea.mgz')
        for file, text in (('rh.curv', 'no such file'), ('lh.white', 'no such file'),
                           ('lh.varea.mgz', 'neither surf nor label has lh.varea.mgz')):
            os.rename(f'bad/surf/{file}', 'away')
            self.check_failure(f'no {file}', text)
            os.rename('away', f'bad/surf/{file}')
        os.rename('bad/surf/lh.sphere.reg', 'bad/surf/lh.sphere')
        self.check_failure('not registered', 'lh.sphere is not registered to fsaverage')

    def test_refuses_swapped_hemispheres(self):
        subjects.write('good', self.subject)
        swapped = {'lh': self.subject['rh'], 'rh': self.subject['lh']}
        subjects.write('bad', swapped)
        self.check_failure('swapped', 'bad: lh.white lies to the right of rh.white (mean x of 3')
        subjects.write('swapped', swapped, template=True)
        result = self.run_vkgrid('good', '-o', 'data', fsaverage='swapped', status=1)
        self.assertIn('vkgrid: fsaverage: swapped: lh.white lies to the right', result.stderr)

    def test_says_what_is_wrong_with_fsaverage(self):
        subjects.write('ann', self.subject)
        os.mkdir('nothing')
        os.remove('fsaverage5/surf/rh.pial')
        for folder, text in (('nothing', 'vkgrid: fsaverage: nothing/surf/lh.white: no such file: the folder fsaverage of '
                                         'FreeSurfer is needed (--fsaverage DIR)\n'),
                             ('fsaverage5', 'vkgrid: fsaverage: fsaverage5/surf/rh.pial: no such file: the folder'),
                             ('none', 'vkgrid: fsaverage: none: no such folder'),
                             ('ann', 'vkgrid: fsaverage: ann/surf/lh.sphere: no such file: the folder fsaverage')):
            result = self.run_vkgrid('ann', '-o', 'data', fsaverage=folder, status=1)
            self.assertTrue(result.stderr.startswith(text), result.stderr)

    def test_warns_of_a_turned_sphere(self):
        """By so little that the brain's shape still fits: what lies where then does not."""
        subjects.write('right', person(self.subject, 9))
        somebody = person(self.subject, 9)
        for files in somebody.values():
            points, faces = files['sphere']
            files['sphere'] = points @ turn_of(9, numpy.deg2rad(14)).T, faces
        subjects.write('turned', somebody)
        warning = "turned: its sulc is unlike fsaverage's (correlation 0."
        result = self.flatten('right', 'turned', options=['--size=32'])
        self.assertIn(warning, result.stderr)
        self.assertEqual(result.stderr.count('registered'), 1, result.stderr)
        os.remove('fsaverage5/surf/lh.sulc')
        self.assertIn(warning, self.flatten('turned', options=['--size=32'], data='right side').stderr)
        os.remove('fsaverage5/surf/rh.sulc')
        self.assertNotIn('registered', self.flatten('turned', options=['--size=32'], data='neither').stderr)

    def test_warns(self):
        somebody = person(self.subject, 7)
        for files in somebody.values():
            files['curv'] = files['curv'].copy()
            files['curv'][:50] = numpy.nan
            points, faces = files['sphere']
            files['sphere'] = points @ turn_of(8, 2).T, faces  # as before registration
        subjects.write('odd', somebody)
        result = self.flatten('odd', options=['--size', '32', '--label=V9=varea.mgz:99'])
        self.assertIn('mm from fsaverage: is its sphere registered to it?', result.stderr)
        self.assertIn('1 subject has values that are NaN', result.stderr)
        self.assertIn('odd: no vertex of the map has', result.stderr)
        self.assertFalse(numpy.isnan(self.read('curvature', 'odd')).any())

    def test_refuses_before_it_begins(self):
        subjects.write('ann', self.subject)
        subjects.write('others/ann', self.subject)
        for words, text in ((('ann', 'others/ann'), 'ann: two subjects have this name'),
                            (('ann', '--label=x=varea.mgz:1'), '--label x: is a feature too'),
                            (('ann', '--label=V1=varea.mgz:1'), '--label V1: stands twice'),
                            (('ann', '--feature=a='), '--feature NAME=FILE: is "a="'),
                            (('ann', '--file=whyte=a'), '--file: is "whyte=a": KIND=PATTERN'),
                            (('ann', '--file=pial=surf/lh.pial'), '--file KIND=PATTERN: "surf/lh.pial" would be one file'),
                            (('ann', '--label=a=surf/lh.varea.mgz:1'), '--label NAME=FILE:KEY: "surf/lh.varea.mgz" would be'),
                            (('ann', '--feature=a=surf/lh.curv'), '--feature NAME=FILE: "surf/lh.curv" would be one file'),
                            (('ann', '--size=64x64'), '--size: is 64x64: twice as many columns')):
            result = self.flatten(*words, status=1)
            self.assertTrue(result.stderr.startswith(f'vkgrid: {text}'), result.stderr)
            self.assertEqual(result.stderr.count('\n'), 1, result.stderr)
            self.assertFalse(os.path.exists('data'))


if __name__ == '__main__':
    if not SHARED:
        print('skipped: ../shared/data/fsaverage5 is not there')
        sys.exit(77)
    unittest.main(verbosity=2)
