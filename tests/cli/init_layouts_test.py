#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`vkgrid init` on the ways in which folders of images lie: init_layouts_test.py VKGRID

Its sources reach the files without a copy, `vkgrid search --dry-run` takes the grid as it is, and where nothing can be made of
a folder it says in one line why. tests/cli/layouts_test.py trains on such folders.
"""
import json
import os
import random
import shutil
import tempfile

from folders import check, init, noise, png, refuse, sets

CLASSES = [lambda row, col: min(2, col // 20)]
MASK = [lambda row, col: int(col > 30)]


def same(got, wanted):
    check(got == wanted, got, 'is not', wanted)


def image(path, size=(64, 64)):
    png(path, *size, noise())


def label(path, pixels=MASK, size=(64, 64)):
    png(path, *size, *pixels)


def describe(data, **keys):
    with open(f'{data}/dataset.json', 'w', encoding='utf-8') as file:
        json.dump(keys, file)


def subjects(fixed):
    return sorted(sum(fixed['partition'], []))


def cases(data, channels, pixels=CLASSES, test=False):
    for half in ['Tr', 'Ts'] if test else ['Tr']:
        for i in range(4):
            for channel in range(channels):
                image(f'{data}/images{half}/c_{i}_{channel:04}.png')
            label(f'{data}/labels{half}/c_{i}.png', pixels)


def test_nnunet():
    cases('v2', 2)
    describe('v2', channel_names={'0': 'T1', '1': 'T2/w'}, labels={'background': 0, 'grey': 1, 'white': [2], 'lesion': 3},
             numTraining=4, file_ending='.png')
    image('v2/imagesTs/c_9_0000.png')
    image('v2/imagesTs/c_9_0001.png')
    fixed = init('v2', tells=['lesion: label 3 is in no file: left out'])
    check(sets(fixed) == [{'T1': 'imagesTr/{}_0000', 'T2_w': 'imagesTr/{}_0001'}, {'grey': 'labelsTr=1', 'white': 'labelsTr=2'}],
          fixed)
    check(subjects(fixed) == ['c_0', 'c_1', 'c_2', 'c_3'], fixed)
    check(sets(init('v2', '--classes', 'w=2'))[1] == {'w': 'labelsTr=2'})
    describe('v2', modality={'0': 'MRI', '1': 'MRI'}, labels={'0': 'background', '1': 'grey'}, numTraining=4)
    fixed = init('v2', tells=['labelsTr: the value 2 has no name in dataset.json'])
    check(sets(fixed) == [{'MRI': 'imagesTr/{}_0000', 'MRI_2': 'imagesTr/{}_0001'}, {'grey': 'labelsTr=1'}], fixed)
    os.remove('v2/dataset.json')
    check(list(sets(init('v2'))[0]) == ['channel_0000', 'channel_0001'])


def test_nnunet_colours():
    for i in range(4):
        png(f'rgb/imagesTr/c_{i}_0000.png', 64, 64, noise(3), 3)
        label(f'rgb/labelsTr/c_{i}.png')
    describe('rgb', channel_names={'0': 'R', '1': 'G', '2': 'B'}, labels={'background': 0, 'cell': 1}, file_ending='.png')
    same(sets(init('rgb')), [{c: f'imagesTr/{{}}_0000[{i}]' for i, c in enumerate('RGB')}, {'cell': 'labelsTr=1'}])


def test_nnunet_test_set():
    cases('tested', 1, test=True)
    describe('tested', channel_names={'0': 'EM'}, labels={'background': 0, 'a': 1, 'b': 2}, file_ending='.png')
    fixed = init('tested')
    check(sets(fixed) == [{'EM': 'images{}/{}_0000'}, {'a': 'labels{}/{}=1', 'b': 'labels{}/{}=2'}], fixed)
    check(sorted(sum(fixed['partition'][:2], [])) == [f'Tr_c_{i}' for i in range(4)], fixed)
    same(fixed['partition'][2], [f'Ts_c_{i}' for i in range(4)])


def test_nnunet_refusals():
    cases('odd', 2)
    keys = {'channel_names': {'0': 'T1', '1': 'T2'}, 'labels': {'background': 0, 'grey': 1, 'white': 2}}
    for change, text in [
            ({'channel_names': {'0': 'a', '1': 'b', '2': 'c'}}, 'has 3 channels, but odd/imagesTr has no files ..._0002'),
            ({'channel_names': {'1': 'a', '2': 'b'}}, 'channel_names: has no "0"'),
            ({'channel_names': 'T1'}, 'channel_names: an object'),
            ({'labels': {'grey': 'one'}}, 'labels: "grey": a name and a whole number are wanted'),
            ({'labels': {'all': [1, 2], 'white': 2}}, 'labels: "all" is a region of several classes'),
            ({'labels': {'background': 0, 'all': [1, 2]}}, 'labels: "all" is a region of several classes'),
            ({'labels': {'background': 0, 'ignore': 2}}, 'has pixels of the ignore label (2)'),
            ({'labels': {'grey': 1, 'ignore': 2}}, 'has pixels of the ignore label (2)'),
            ({'file_ending': '.nrrd'}, 'file_ending: is ".nrrd": allowed are .npy')]:
        describe('odd', **{**keys, **change})
        refuse('odd', text)
    describe('odd', **{**keys, 'labels': {**keys['labels'], 'ignore': 3}})  # which no file has
    same(sets(init('odd'))[1], {'grey': 'labelsTr=1', 'white': 'labelsTr=2'})
    describe('odd', **{**keys, 'labels': {'grey': 1, 'ignore': 2}})
    check(sets(init('odd', '--classes', 'grey=1'))[1] == {'grey': 'labelsTr=1'})
    with open('odd/dataset.json', 'w', encoding='utf-8') as file:
        file.write('{"labels": ')
    refuse('odd', 'odd/dataset.json: ')


def test_case_folders():
    for i in range(4):
        image(f'cases/case{i}/image.png')
        label(f'cases/case{i}/mask.png', CLASSES)
        image(f'brats/B_{i}/B_{i}_flair.png')
        image(f'brats/B_{i}/B_{i}_t1.png')
        label(f'brats/B_{i}/B_{i}_seg.png')
        image(f'words/P{i}/t1.png')
        label(f'words/P{i}/tumour.png')
        image(f'deep/P{i}/day1/t1.png')
        label(f'deep/P{i}/day1/mask.png')
    same(sets(init('cases')), [{'image': '{}/image'}, {'mask_1': '{}/mask=1', 'mask_2': '{}/mask=2'}])
    fixed = init('brats')
    check(sets(fixed) == [{'flair': '{}/{}_flair', 't1': '{}/{}_t1'}, {'seg': '{}/{}_seg'}], fixed)
    check(subjects(fixed) == [f'B_{i}' for i in range(4)], fixed)
    same(sets(init('words')), [{'t1': '{}/t1'}, {'tumour': '{}/tumour'}])
    fixed = init('deep')
    check(sets(fixed) == [{'t1': '{}/{}/t1'}, {'mask': '{}/{}/mask'}] and subjects(fixed)[0] == 'P0_day1', fixed)
    os.remove('cases/case2/mask.png')
    fixed = init('cases', tells=['left out: 1 sample without a file in some folder (case2: not in {}/mask)'])
    check(subjects(fixed) == ['case0', 'case1', 'case3'], fixed)


def test_pairs():
    for i in range(4):
        image(f'beside/x{i}.png')
        label(f'beside/x{i}_mask.png')
        image(f'one/all/image_{i}.png')
        label(f'one/all/mask_{i}.png')
        for slice in range(5 + i % 2):
            image(f'lgg/T_{i}/T_{i}_{slice}.png')
            label(f'lgg/T_{i}/T_{i}_{slice}_mask.png')
        image(f'apart/images/x{i}.png')
        label(f'apart/masks/x{i}_mask.png')
        image(f'both/images/img{i}.png')
        label(f'both/masks/mask{i}.png')
    same(sets(init('beside')), [{'image': '{}'}, {'mask': '{}_mask'}])
    same(sets(init('one')), [{'all_image': 'all/image_{}'}, {'all_mask': 'all/mask_{}'}])
    same(sets(init('lgg')), [{'image': '{}/{}'}, {'mask': '{}/{}_mask'}])
    same(sets(init('apart')), [['images'], {'masks': 'masks/{}_mask'}])
    fixed = init('both')
    check(sets(fixed) == [{'images': 'images/img{}'}, {'masks': 'masks/mask{}'}] and subjects(fixed) == list('0123'), fixed)


def test_halves():
    for half, count in [('train', 4), ('val', 2), ('test', 3)]:
        for i in range(count):
            image(f'halves/{half}/images/{i}.png')
            label(f'halves/{half}/masks/{i}.png')
            image(f'inner/images/{half}/{i}.png')
            label(f'inner/masks/{half}/{i}.png')
            image(f'flat/{half}_images/{i}.png')
            label(f'flat/{half}_masks/{i}.png')
    for data, image_files, mask_files in [('halves', '{}/images/{}', '{}/masks/{}'), ('inner', 'images/{}/{}', 'masks/{}/{}'),
                                          ('flat', '{}_images/{}', '{}_masks/{}')]:
        fixed = init(data, tells=['4 for training, 2 for validation, 3 for a test, as the folders say'])
        check(sets(fixed) == [{'images': image_files}, {'masks': mask_files}], fixed)
        same(fixed['partition'], [[f'train_{i}' for i in range(4)], ['val_0', 'val_1'], [f'test_{i}' for i in range(3)]])
    shutil.rmtree('halves/val')
    fixed = init('halves', tells=['3 for training, 1 for validation'])
    check(sorted(sum(fixed['partition'][:2], [])) == [f'train_{i}' for i in range(4)], fixed)


def test_halves_of_cases():
    """The first folder says who tests, whatever is within it; nobody knows what other folders are for."""
    for half, count in [('train', 4), ('test', 2), ('val', 2), ('extra', 3)]:
        for i in range(count):
            if half in ('train', 'test'):
                image(f'in cases/{half}/{half}{i}/image.png')
                label(f'in cases/{half}/{half}{i}/mask.png')
            image(f'more/{half}/images/{i}.png')
            label(f'more/{half}/masks/{i}.png')
    os.rename('in cases', 'within')
    fixed = init('within', tells=['3 for training, 1 for validation, 2 for a test'])
    same(fixed['partition'][2], ['test_test0', 'test_test1'])
    fixed = init('more', tells=['4 for training, 2 for validation, 2 for a test, as the folders say',
                                'left out: 3 samples beside those folders (extra_0, ...)'])
    same(fixed['partition'], [[f'train_{i}' for i in range(4)], ['val_0', 'val_1'], ['test_0', 'test_1']])


def test_groups():
    """Samples of one patient are on one side."""
    for patient in range(6):
        for day in range(1 + patient % 3):
            image(f'days/P_{patient}/day{day}/t1.png', (32, 32))
            label(f'days/P_{patient}/day{day}/mask.png', size=(32, 32))
    for seed in '0123':
        fixed = init('days', '--seed', seed, '--validation', '0.3', '--test', '0.2', tells=['one folder (6 folders) are never divided'])
        patients = [{sample.split('_day')[0] for sample in half} for half in fixed['partition']]
        same(len(subjects(fixed)), 12)
        same(sorted(sum(map(list, patients), [])), [f'P_{i}' for i in range(6)])
        check(all(len(half) >= 2 for half in fixed['partition']), fixed['partition'])


def test_sizes_that_search_takes():
    for i in range(6):
        image(f'sizes/images/{i}.png', (32, 32))
        label(f'sizes/masks/{i}.png', size=(32, 32))
    init('sizes', '--size', '32x32', tells=['5 for training'])
    with open('sizes.json', encoding='utf-8') as file:
        same(json.load(file)['hyper']['batch_size'], [3, 5])  # 2 and 4 leave one sample
    same(init('sizes', '--size', '32x32', '--set', 'batch_size=3')['batch_size'], 3)
    refuse('sizes', '--set batch_size: training: the last batch of 5 samples in batches of 4', '--size', '32x32',
           '--set', 'batch_size=4')
    for i in range(4):
        os.remove(f'sizes/masks/{i}.png')
    refuse('sizes', '--size 32x32: training: the last batch of 1 samples', '--size', '32x32')
    label('sizes/masks/4.png', size=(64, 64))
    refuse('sizes', 'sizes: sample 4: 32x32 in images, but 64x64 in masks')


def test_unlike_names():
    for i in range(3):
        image(f'unlike/images/{"ABC"[i]}1.png')
        label(f'unlike/masks/{"abc"[i]}1.png')
    refuse('unlike', '0 subjects have a file of one name in every folder; not in all is A1: not in masks, where the nearest is a1')
    for i in range(3):
        image(f'alone/{i}.png')
    refuse('alone', 'alone: none of its folders has images with a mask for each')
    os.makedirs('empty')
    refuse('empty', 'empty: no images there')


def test_small_labels():
    """A label of few pixels makes the images larger, or is left out, and both are told."""
    for i in range(4):
        image(f'tiny/images/{i}.png', (512, 512))
        label(f'tiny/masks/{i}.png', [lambda row, col: 2 if row == 7 and col == 9 else int(col > 300)], (512, 512))
    fixed = init('tiny', tells=['masks_2: would be in no training sample at 256x256: images become 512x512'])
    check(fixed['image_size'] == [512, 512], fixed)
    fixed = init('tiny', '--size', '64x64', tells=['masks_2: is in no training sample at the size of the network: left out'])
    check(fixed['image_size'] == [64, 64] and sets(fixed)[1] == {'masks_1': 'masks=1'}, fixed)
    refuse('tiny', '--size 40x64: multiples of 32', '--size', '40x64')
    refuse('tiny', 'none of its labels is in a training sample at 64x64', '--size', '64x64', '--classes', 'dot=2')


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    random.seed(1)
    for test in [value for name, value in list(globals().items()) if name.startswith('test_')]:
        test()
    os.chdir('/')
