# SPDX-License-Identifier: MIT
"""What the tests of `vkgrid init` share: pictures that are made here, and what the program says to a folder of them."""
import json
import os
import random
import struct
import subprocess
import sys
import zlib

vkgrid = os.path.abspath(sys.argv[1])


def png(path, rows, cols, pixel, channels=1, palette=None):
    """A picture of 8 bits: pixel(row, col) -> its channels, or an index into the palette."""
    def chunk(name, data):
        return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))

    def line(row):
        values = [pixel(row, col) for col in range(cols)]
        return b'\0' + bytes(values if channels == 1 else [value for colours in values for value in colours])

    kind = 3 if palette else {1: 0, 3: 2, 4: 6}[channels]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', cols, rows, 8, kind, 0, 0, 0)) +
                   (chunk(b'PLTE', bytes(sum(palette, ()))) if palette else b'') +
                   chunk(b'IDAT', zlib.compress(b''.join(line(row) for row in range(rows)))) + chunk(b'IEND', b''))


def run(*arguments):
    return subprocess.run([vkgrid, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True)


def check(condition, *what):
    if not condition:
        sys.exit('FAILED: ' + ' '.join(map(str, what)))


def init(data, *arguments, tells=()):
    """The grid that is written, once a search has taken it."""
    out = data + '.json'
    done = run('init', '-d', data, '-o', out, '--overwrite', *arguments)
    check(done.returncode == 0, data, arguments, done.stderr)
    for text in tells:
        check(text in done.stderr, data, arguments, 'nothing says', text, 'but', done.stderr)
    check(done.stdout.splitlines()[-1] == f'next: vkgrid search {out} -d {data} -o study', done.stdout)
    # No such device: the data are read and the grid is judged, but no training step is measured.
    search = run('search', out, '-d', data, '--dry-run', '--device', '99')
    check(search.returncode == 0, data, arguments, search.stderr)
    with open(out) as file:
        return json.load(file)['static']


def refuse(data, text, *arguments):
    done = run('init', '-d', data, '-o', 'refused.json', *arguments)
    check(done.returncode == 1 and done.stderr.startswith('vkgrid: ') and done.stderr.count('\n') == 1, data, done.stderr)
    check(text in done.stderr, data, arguments, 'nothing says', text, 'but', done.stderr)
    check(not os.path.exists('refused.json'), data, 'something was written')


def sets(fixed):
    return [fixed['features'][key][fixed[key]] for key in ('inputs', 'prediction')]


def noise(channels=1):
    return lambda row, col: random.randrange(256) if channels == 1 else [random.randrange(256) for _ in range(channels)]
