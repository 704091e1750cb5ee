# SPDX-License-Identifier: MIT
"""bench/gpu --pack: a folder with the same places as the source folder, so that every default of bench/gpu fits."""
import contextlib
import datetime
import glob
import importlib
import os
import re
import shutil

import device_tests
import libraries
import machine
from running import write_json

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
SCRIPTS = ["gpu", "gpu_steps.py", "gpu_summary.py", "device_tests.py", "drivers.py", "libraries.py", "machine.py", "running.py",
           "compare", "devices.py", "published_grid.py", "pytorch_unet.py", "pytorch_steps.py", "fused_unet.py"]
MODULES = ["json", "shlex"]  # of Python itself, which a minimal one lacks; written in Python alone, for any version


def copy(path, folder, place):
    target = os.path.join(folder, place)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(path):
        shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(path, target)


def glibc_version(programs):
    """The oldest that has what they need."""
    versions = set()
    for program in programs:
        with open(program, "rb") as file:
            versions.update(tuple(map(int, v.split(b"."))) for v in re.findall(rb"GLIBC_(\d+\.\d+)\0", file.read()))
    return ".".join(map(str, max(versions))) if versions else "?"


def pack_libraries(programs, folder):
    """Copies what programs need, and drivers; returns the names, and what this machine has not got."""
    own = libraries.installed()
    drivers = {name: own.get(name) for name in [libraries.LOADER, *libraries.DRIVERS_NEED]}
    paths = {name: path for name, path in drivers.items() if path}
    for program in [*programs, *paths.values()]:
        paths.update({name: path for name, path in libraries.needed(program).items() if path})
    for name, path in paths.items():
        copy(os.path.realpath(path), folder, name)
    return sorted(paths), [name for name, path in drivers.items() if not path]


def pack(options):
    folder = options.pack
    for place in "lib", "python", os.path.join("build", "device_tests"):  # nothing of an earlier one
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(os.path.join(folder, place))
    tests = device_tests.device_tests(options.tests)
    programs = [options.vkgrid, *sorted({test.program for test in tests})]
    copy(options.vkgrid, folder, os.path.join("build", "vkgrid"))
    for program in programs[1:]:
        copy(program, folder, os.path.join("build", "device_tests", os.path.basename(program)))
    for name in SCRIPTS:
        copy(os.path.join(HERE, name), folder, os.path.join("bench", name))
    for path in glob.glob(os.path.join(ROOT, "tests", "oracle", "*.py")):
        copy(path, folder, os.path.relpath(path, ROOT))
    for name in MODULES:
        path = importlib.import_module(name).__file__
        package = os.path.basename(path) == "__init__.py"
        copy(os.path.dirname(path) if package else path, folder, os.path.join("python", name if package else f"{name}.py"))
    names, missing = pack_libraries(programs, os.path.join(folder, "lib"))
    write_json(os.path.join(folder, "build", "device_tests", device_tests.LIST), [test.as_json() for test in tests])
    date = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    commit = machine.commit(ROOT)
    write_json(os.path.join(folder, "pack.json"), {"commit": commit, "date": date})
    tell(folder, commit, programs, names, missing)


def tell(folder, commit, programs, names, missing):
    size = sum(os.path.getsize(os.path.join(place, name)) for place, _, files in os.walk(folder) for name in files)
    print(f"{commit}: vkgrid, {len(programs) - 1} programs of tests and {len(names)} libraries ({' '.join(names)}):"
          f" {size / 1e6:.0f} MB")
    if missing:
        print(f"not on this machine, so a driver may miss it on the other: {' '.join(missing)}")
    oldest, with_libraries = (glibc_version(files) for files in (programs, glob.glob(os.path.join(folder, "lib", "*"))))
    print(f"needs glibc {oldest}, or {with_libraries} where libraries are missing; run {os.path.join(folder, 'bench', 'gpu')}")
