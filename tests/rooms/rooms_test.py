#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Are the rooms of src/ in order?

    rooms_test.py SOURCE LIBRARY...

Walks every #include against the order of rooms that SOURCE/meson.build has: a room knows those before it, never a later one,
and no room includes a private header of another. Includes begin at a root: include/ (vkgrid/<room>/<name>.h), src/
(<room>/<name>.h) or the folder of the project (tests/, bench/, shaders/). Then looks through the rooms' libraries with nm: no
files that need each other's functions or variables in a circle. Prints what it finds; exit status 1 if there is anything.
"""
import collections
import pathlib
import re
import subprocess
import sys


def order_of_rooms(source):
    return re.findall(r"^subdir\('src/(\w+)'\)", (source / 'meson.build').read_text(), re.MULTILINE)


def room_of(path):
    """The room of a file, given from SOURCE; None for what is in none."""
    parts = path.parts
    if path == pathlib.Path('src/main.c'):
        return 'cli'
    if parts[:2] == ('include', 'vkgrid') and len(parts) > 3:
        return parts[2]
    return parts[1] if parts[0] == 'src' and len(parts) > 2 else None


def find(source, name):
    for root in 'include', 'src', '':
        path = pathlib.Path(root, name)
        if (source / path).exists():
            return path
    return None


def check_include(source, rooms, file, name):
    """What is wrong with one include, or None."""
    if name.endswith('.inc') or name == 'shaders/kernel_words.h':  # made by the build
        return None
    path = find(source, name)
    if not path or '/' not in name or '..' in name:
        return f'{file}: "{name}": no file of that name below include/, src/ or the project'
    here, there = room_of(file), room_of(path)
    if here is None or there is None:
        return None if here is None or path.parts[0] == 'shaders' else f'{file}: "{name}": is in no room'
    if here not in rooms or there not in rooms:
        return f'{file}: "{name}": a room that meson.build does not name'
    if rooms.index(there) > rooms.index(here):
        return f'{file}: "{name}": {here} is below {there}'
    if here != there and path.parts[0] == 'src':
        return f'{file}: "{name}": private to {there}'
    return None


def check_includes(source):
    rooms = order_of_rooms(source)
    for folder in 'include', 'src', 'tests', 'bench':
        for path in sorted((source / folder).rglob('*.[ch]')):
            file = path.relative_to(source)
            for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.MULTILINE):
                wrong = check_include(source, rooms, file, name)
                if wrong:
                    yield wrong


def symbols(library):
    """(object file, letter, symbol) of all global symbols."""
    text = subprocess.run(['nm', '-A', '-g', library], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        match = re.search(r':([^:]+\.o): *[0-9a-f]* ([A-Za-z]) (\S+)$', line)
        if match:
            yield match.groups()


def needs(library):
    """{object file: {object file: symbols that the first takes from the second}} within a library."""
    defined, wanted = {}, collections.defaultdict(set)
    for name, letter, symbol in symbols(library):
        if letter == 'U':
            wanted[name].add(symbol)
        else:
            defined[symbol] = name
    result = collections.defaultdict(lambda: collections.defaultdict(set))
    for name, wants in wanted.items():
        for symbol in wants:
            if symbol in defined and defined[symbol] != name:
                result[name][defined[symbol]].add(symbol)
    return result


def reach(graph, start):
    seen, left = set(), [start]
    while left:
        for name in graph.get(left.pop(), ()):
            if name not in seen:
                seen.add(name)
                left.append(name)
    return seen


def check_circles(library):
    graph = needs(library)
    for name in sorted(graph):
        for other in sorted(graph[name]):
            if name in reach(graph, other):
                taken = ', '.join(sorted(graph[name][other]))
                yield f'{library}: circle: {name} takes {taken} from {other}'


def main():
    source, libraries = pathlib.Path(sys.argv[1]), sys.argv[2:]
    wrong = list(check_includes(source))
    for library in libraries:
        wrong += check_circles(library)
    print('\n'.join(wrong) or f'{len(libraries)} rooms in order')
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
