#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether the documents name what is there: docs_test.py [SOURCE [VKGRID]]

In README.md, the other pages at the top and docs/: every relative link and its anchor leads somewhere; paths, options, commands,
functions and variables in code spans exist; a function that is named with its file is in that file; lines have at most 100
columns, tables and addresses apart; README.md has at most 150 lines; pictures are small. docs/grid-file.md has every key of a
grid with its default, docs/environment.md every variable that the program reads, docs/commands.md every command. The program,
where it is given, takes the grids of the pages. What a paragraph calls "(planned)", or stands under a heading "Planned", need
not be there.

First the checks are tried on documents in which one thing is wrong.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

WIDTH, README_LINES = 100, 150
ELSEWHERE = {'sched_setattr', 'getopt_long'}  # functions of the system that pages name and the program does not call
PICTURE_BYTES = 150000
CODE_FOLDERS = ['src', 'include', 'shaders', 'tests', 'bench', 'contrib', 'tools', 'assets', '.ci']
WRITTEN = ('options.json plan.json opts.json grid.json flatten.json dataset.json vkgrid_varea.json report.html bench.json gpu.json '
           'second.json gpu.txt').split()  # by programs
SOURCE_NAME = re.compile(r'^[\w./*-]+\.(?:c|h|comp|glsl|sql|sh|py|js|css|html|json|yaml|sbatch|csv|build|md|txt)$')


def read(path):
    with open(path, encoding='utf-8', errors='replace') as file:
        return file.read()


class Tree:
    """What the sources have."""

    def __init__(self, root):
        self.root = root
        self.files, self.texts = [], {}
        for folder in CODE_FOLDERS + ['docs']:
            for here, _, names in os.walk(os.path.join(root, folder)):
                self.files += [os.path.relpath(os.path.join(here, name), root) for name in names if '__pycache__' not in here]
        self.files += [name for name in os.listdir(root) if os.path.isfile(os.path.join(root, name))]
        for name in self.files:
            if name.split('/')[0] in CODE_FOLDERS or name in ('setup', 'meson.build', 'meson_options.txt', 'meson.options'):
                self.texts[name] = read(os.path.join(root, name))
        self.top = {name for name in os.listdir(root) if not name.startswith('build')}
        code = '\n'.join(text for name, text in self.texts.items() if not name.startswith('tests/docs/'))
        self.functions = set(re.findall(r'\b([A-Za-z_]\w*)\(', code))
        self.words = set(re.findall(r'\b[A-Z][A-Z0-9_]+\b', code))
        self.read_tables('\n'.join(text for name, text in self.texts.items() if name.startswith('src/cli/')))

    def read_tables(self, text):
        """The commands; option -> the commands that have it."""
        self.commands = set(re.findall(r'\{COMMAND_\w+,\s*"(\w+)"', text))
        groups = {name: set(re.findall(r'COMMAND_\w+|\b[A-Z]{4,}\b', value))
                  for name, value in re.findall(r'#define (\w+) \(([^)]*COMMAND[^)]*)\)', text)}

        def expand(words):
            found = set()
            for word in words:
                if word.startswith('COMMAND_'):
                    found.add(word[len('COMMAND_'):].lower())
                elif word in groups:
                    found |= expand(groups[word])
            return found

        self.options = {}
        entries = re.findall(r'\[OPTION_\w+\]\s*=\s*\{\s*"([\w-]+)"(.*?)\},\s*\n(?=\s*\[|\s*\};|\};)', text, re.DOTALL)
        for name, entry in entries:
            without_texts = re.sub(r'"(?:[^"\\]|\\.)*"', '', entry)
            words = re.findall(r'\b[A-Z_]{4,}\b', without_texts)
            self.options[name] = self.commands if '~0u' in without_texts else expand(words)

    def has_path(self, path):
        """In the tree, or the end of a path in it."""
        path = path.rstrip('/')
        if glob.glob(os.path.join(self.root, path)):
            return True
        if path.split('/')[0] in self.top or '*' in path:
            return False
        return any(('/' + name).endswith('/' + path) for name in self.files)


# --- A document ----------------------------------------------------------------------------------

def slug(heading):
    heading = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading).replace('`', '')
    return re.sub(r'[^\w\- ]', '', heading.strip().lower()).replace(' ', '-')


class Document:
    def __init__(self, path):
        self.path, self.lines = path, read(path).splitlines()
        self.blocks, self.code = [], []  # [line, text, whether planned] of paragraphs, items and rows; (line, text) of code
        self.anchors = set()
        inside, block, planned = False, None, False
        for number, line in enumerate(self.lines, 1):
            if line.lstrip().startswith('```'):
                inside, block = not inside, None
            elif inside:
                self.code.append((number, line))
            elif not line.strip():
                block = None
            else:
                if line.startswith('#'):
                    self.add_anchor(slug(line.lstrip('#')))
                    planned = line.lstrip('# ') == 'Planned'
                if block is None or re.match(r'\s*([-*|#]|\d+\.) ?', line):
                    block = [number, '', planned]
                    self.blocks.append(block)
                block[1] += line + '\n'
                block[2] |= '(planned)' in line

    def add_anchor(self, anchor):
        name, count = anchor, 0
        while name in self.anchors:
            count += 1
            name = f'{anchor}-{count}'
        self.anchors.add(name)


class Checker:
    def __init__(self, tree):
        self.tree, self.complaints = tree, []
        self.documents = {}

    def document(self, path):
        if path not in self.documents:
            self.documents[path] = Document(path)
        return self.documents[path]

    def complain(self, kind, document, line, what):
        self.complaints.append((kind, f'{os.path.relpath(document.path, self.tree.root)}:{line}: {what}'))

    def check(self, path, most_lines=None):
        document = self.document(path)
        if most_lines and len(document.lines) > most_lines:
            self.complain('length', document, len(document.lines), f'{len(document.lines)} lines: at most {most_lines}')
        self.check_widths(document)
        for line, text, planned in document.blocks:
            self.check_links(document, line, text)
            if planned:
                continue
            for code in re.findall(r'`([^`]+)`', text):
                self.check_span(document, line, ' '.join(code.split()))
            places = re.findall(r'`(\w+)\(\)`\s+\(`([^`]+)`', text) + re.findall(r'`([A-Z][A-Z_]+)` \| `([^`]+)`', text)
            for name, file in places:
                self.check_place(document, line, name, file)
        for line, text in document.code:
            self.check_command(document, line, text.split(' #')[0])

    def check_widths(self, document):
        for number, line in enumerate(document.lines, 1):
            alone = re.match(r'^\s*(\[!?\[|!?\[)[^\]]*\]?\([^)]*\)+\S*$', line)
            if len(line) > WIDTH and not line.lstrip().startswith('|') and '://' not in line and not alone:
                self.complain('width', document, number, f'{len(line)} columns: at most {WIDTH}')

    def check_links(self, document, line, text):
        text = re.sub(r'`[^`]*`', '', text)
        for name in re.findall(r'\[([\w/-]+\.\w+)\](?![(:\]])', text):
            if not any(each.startswith(f'[{name}]:') for each in document.lines):
                self.complain('link', document, line, f'[{name}]: has no address')
        for targets in re.findall(r'\]\(([^)\s]+)\)|^\[[^\]]+\]: *(\S+)|(?:src|href)="([^"]*)"', text, re.MULTILINE):
            target = ''.join(targets)
            if re.match(r'[a-z]+:', target):
                continue
            path, _, anchor = target.partition('#')
            whole = os.path.normpath(os.path.join(os.path.dirname(document.path), path)) if path else document.path
            if not os.path.exists(whole):
                self.complain('link', document, line, f'{target}: no such file')
            elif anchor and whole.endswith('.md') and anchor not in self.document(whole).anchors:
                self.complain('anchor', document, line, f'{target}: no such heading')

    def check_span(self, document, line, code):
        self.check_command(document, line, code)
        call = re.fullmatch(r'(\w+)\(\)', code)
        if call and call.group(1) not in self.tree.functions | ELSEWHERE:
            self.complain('function', document, line, f'{code}: no such function')
        name = re.match(r'((?:VKGRID|LIMITED|FAULT|LOST|OP|CONV|ROUTINE|BLOCK|ERROR|TRIAL)_[A-Z_0-9]*[A-Z0-9])(?!\w)', code)
        if name and name.group(1) not in self.tree.words:
            self.complain('word', document, line, f'{code}: not in the sources')
        for word in code.split():
            if SOURCE_NAME.match(word) or (word.split('/')[0] in self.tree.top and re.fullmatch(r'[\w.*+-]+/[\w./*+-]*', word)):
                self.check_path(document, line, word)

    def check_path(self, document, line, path):
        name = os.path.basename(path)
        if path.startswith(('http', '/', '~')) or name in WRITTEN or re.fullmatch(r'[A-Z]+\.\w+|\w+\.so', name):
            return  # somebody's, the program's, a placeholder, or of the build
        if not self.tree.has_path(path) and not os.path.exists(os.path.join(os.path.dirname(document.path), path)):
            self.complain('path', document, line, f'{path}: not in the tree')

    def check_place(self, document, line, name, file):
        files = [each for each in self.tree.texts if ('/' + each).endswith('/' + file)]
        if files and not any(re.search(rf'\b{name}\b', self.tree.texts[each]) for each in files):
            self.complain('place', document, line, f'{name} is not in {file}')

    def check_command(self, document, line, text):
        """Options of a command line, or of a span that begins with one."""
        words = text.replace('"', ' ').replace("'", ' ').split()
        while words and (re.fullmatch(r'[A-Z_]+=\S*', words[0]) or words[0] in ('$', './setup', '&&', 'exec')):
            words.pop(0)
        if not words:
            return
        program, command = words[0], None
        if os.path.basename(program) == 'vkgrid' and len(words) > 1 and re.fullmatch(r'[a-z]+', words[1]):
            command = words[1]
            if command == 'help' and words[2:3] and words[2] in {*self.tree.commands, 'COMMAND'}:
                return
            if command not in self.tree.commands:
                self.complain('command', document, line, f'vkgrid {command}: no such command')
                return
        for option in re.findall(r'(?<![\w-])--([a-z][a-z-]*)', text):
            if not self.is_option(document, program, command, option):
                self.complain('option', document, line, f'--{option}: {command or program} has no such option')

    def is_option(self, document, program, command, option):
        if command:
            return command in self.tree.options.get(option, ())
        if option in ('version', 'help') and (os.path.basename(program) == 'vkgrid' or program.startswith('-')):
            return True
        script = os.path.normpath(program) if not program.startswith('-') else None
        texts = [text for name, text in self.tree.texts.items() if script and ('/' + name).endswith('/' + script)]
        if texts:
            return any(f'--{option}' in text for text in texts)
        if script:
            return True  # of somebody else's program
        # by itself: vkgrid's, or that of a program of the tree that the document names
        named = [name for name in self.tree.texts if name in '\n'.join(document.lines)]
        return option in self.tree.options or any(f'--{option}' in self.tree.texts[name] for name in named)


def check_complete(checker, root):
    """Pages that promise to name everything of a kind."""
    tree = checker.tree
    sources = [text for name, text in tree.texts.items() if name.startswith('src/')]
    rows = re.findall(r'^\s*\{"(\w+)", read_\w+, (KEY_\w+)(?:, ("(?:[^"\\]|\\.)*"))?\}', '\n'.join(sources), re.MULTILINE)
    keys = [key for key, _, _ in rows]
    variables = set(re.findall(r'"(VKGRID_[A-Z_]+)"', '\n'.join(sources)))
    pages = {'docs/grid-file.md': keys, 'docs/environment.md': sorted(variables), 'docs/commands.md': sorted(tree.commands)}
    for path, names in pages.items():
        document = checker.document(os.path.join(root, path))
        text = '\n'.join(document.lines)
        for name in names:
            if not re.search(rf'`(?:vkgrid )?{name}\b', text):
                checker.complain('missing', document, 1, f'{name} is not described')
        if not names:
            checker.complain('missing', document, 1, 'nothing to describe: the test looks in the wrong place')
    check_defaults(checker, checker.document(os.path.join(root, 'docs/grid-file.md')), rows)


def check_defaults(checker, document, keys):
    """keys: name, presence, and the default as a text of C, if there is one."""
    for key, presence, default in keys:
        wanted = 'required' if presence == 'KEY_REQUIRED' else f'`{json.loads(default)}`' if default else ''
        rows = [line for line in document.lines if line.startswith(f'| `{key}` |')]
        if rows and wanted not in rows[0].split(' | ')[2]:
            checker.complain('default', document, document.lines.index(rows[0]) + 1, f'{key}: the default is {wanted}')


def check_pictures(checker, root):
    for path in glob.glob(os.path.join(root, 'docs', 'images', '*')):
        if os.path.getsize(path) > PICTURE_BYTES:
            checker.complaints.append(('picture', f'{path}: {os.path.getsize(path)} bytes: at most {PICTURE_BYTES}'))


def check_grids(checker, vkgrid):
    """The program takes each grid of the documents that are read already; how many there were."""
    count = 0
    for document in list(checker.documents.values()):
        for block in re.findall(r'^```json\n(.*?)^```', '\n'.join(document.lines), re.DOTALL | re.MULTILINE):
            if '"static"' not in block:
                continue
            count += 1
            with tempfile.TemporaryDirectory() as folder:
                with open(os.path.join(folder, 'grid.json'), 'w', encoding='utf-8') as file:
                    file.write(block)
                result = subprocess.run([vkgrid, 'search', 'grid.json', '--dry-run', '--device', 'cpu'], cwd=folder,
                                        capture_output=True, text=True, check=False)
            if result.returncode != 0:
                checker.complain('grid', document, 1, f'its grid is refused: {result.stderr.strip()}')
    return count


WRONG = {
    'link': 'See [this](nowhere.md).',
    'anchor': 'See [this](#no-such-heading).',
    'path': 'It is in `src/base/nowhere.c`.',
    'option': 'Say `vkgrid search --nonsense`.',
    'command': 'Say `vkgrid dance`.',
    'function': 'It calls `no_such_function_at_all()`.',
    'place': 'It begins in `options_parse()` (`src/base/error.c`).',
    'word': 'Set `VKGRID_NO_SUCH_THING`.',
    'width': 'long ' * 25,
    'length': '\n' * README_LINES,
}
RIGHT = ('# A heading\n\nSee [this](#a-heading), `vkgrid search --dry-run`, `VKGRID_DEBUG`.\n\n'
         'It begins in `options_parse()`\n(`src/cli/options.c`).\n\n'
         '(planned): `vkgrid dance`, `no_such_function_at_all()`.\n\n```sh\nvkgrid bench --tune   # a remark\n```\n')


def try_checks(tree):
    """Every kind of complaint comes when there is reason for it, and only then."""
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'page.md')
        tries = [*WRONG.items(), ('option', '`vkgrid sample --tune`'), ('option', '```sh\nvkgrid train --tune\n```'),
                 ('link', 'See [page.md].'), ('link', '[this]: nowhere.md'), ('link', '<img src="nowhere.png">'), (None, RIGHT)]
        for kind, text in tries:
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text + '\n')
            checker = Checker(tree)
            checker.check(path, README_LINES)
            expected = [kind] if kind else []
            found = sorted({each for each, _ in checker.complaints})
            if found != expected:
                print(f'the test itself: {text.strip()[:60]!r}: complains of {found}, not of {expected}')
                failures += 1
        failures += try_tables(tree, path)
    return failures


def try_tables(tree, path):
    with open(path, 'w', encoding='utf-8') as file:
        file.write('| `until` | whole number | `2` | |\n| `lr` | number | required | |\n')
    checker = Checker(tree)
    check_defaults(checker, checker.document(path), [('until', 'KEY_OPTIONAL', '"1"'), ('lr', 'KEY_REQUIRED', '')])
    if [kind for kind, _ in checker.complaints] == ['default']:
        return 0
    print(f'the test itself: a wrong default: {checker.complaints}')
    return 1


def main():
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), '..', '..'))
    tree = Tree(root)
    if len(tree.options) < 20 or len(tree.commands) < 5:
        sys.exit(f'the test itself: {len(tree.options)} options and {len(tree.commands)} commands found in src/cli')
    failures = try_checks(tree)
    checker = Checker(tree)
    pages = sorted(glob.glob(f'{root}/*.md')) + sorted(glob.glob(f'{root}/docs/**/*.md', recursive=True))
    for path in pages:
        checker.check(path, README_LINES if os.path.basename(path) == 'README.md' and os.path.dirname(path) == root else None)
    check_complete(checker, root)
    check_pictures(checker, root)
    if len(sys.argv) > 2 and check_grids(checker, os.path.abspath(sys.argv[2])) == 0:
        sys.exit('the test itself: no page shows a grid')
    for _, what in checker.complaints:
        print(what)
    print(f'{len(pages)} pages, {len(checker.complaints)} complaints')
    sys.exit(failures + len(checker.complaints) > 0)


main()
