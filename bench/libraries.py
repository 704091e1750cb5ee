# SPDX-License-Identifier: MIT
"""Shared libraries of programs that are carried to another machine."""
import contextlib
import ctypes.util
import os
import re
import shlex
import shutil
import subprocess

# The C library and its parts stay at home: they belong to the machine and its kernel.
AT_HOME = re.compile(r"(linux-vdso|ld-linux.*|lib(c|m|dl|rt|pthread|resolv))\.so")
LOADER = "libvulkan.so.1"  # is opened at run time, so that ldd does not show it


def needed(program, environment=None):
    """Name -> path of every shared library that a program needs; None where this machine has none."""
    try:
        listed = subprocess.run(["ldd", program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                text=True, check=False).stdout
    except OSError:
        return {}
    found = re.findall(r"^\s*(\S+) => (not found|/\S+)", listed, re.MULTILINE)
    return {name: None if path == "not found" else path for name, path in found if not AT_HOME.match(name)}


def loader_path():
    listed = subprocess.run(["/sbin/ldconfig", "-p"], stdout=subprocess.PIPE, text=True, check=False).stdout
    found = re.search(re.escape(LOADER) + r".* => (\S+)", listed)
    return found.group(1) if found else None


def glibc_version(programs):
    """The oldest that has what they need."""
    versions = set()
    for program in programs:
        with open(program, "rb") as file:
            versions.update(tuple(map(int, v.split(b"."))) for v in re.findall(rb"GLIBC_(\d+\.\d+)\0", file.read()))
    return ".".join(map(str, max(versions))) if versions else "?"


def pack(programs, folder):
    """Copies what programs need into a folder; returns the names."""
    paths = {name: path for program in programs for name, path in needed(program).items() if path}
    with contextlib.suppress(OSError):
        if loader_path():
            paths[LOADER] = loader_path()
    os.makedirs(folder, exist_ok=True)
    for name, path in paths.items():
        shutil.copy(os.path.realpath(path), os.path.join(folder, name))
    return sorted(paths)


def environment(programs, packed, scratch):
    """The environment in which programs find libraries that were packed.

    Only those that this machine lacks, linked into the folder `scratch`: its graphics driver is loaded into the same process
    and needs the machine's own libstdc++, which may be newer.
    """
    if not os.path.isdir(packed):
        return dict(os.environ)
    path = os.pathsep.join(filter(None, [scratch, os.environ.get("LD_LIBRARY_PATH")]))
    result = dict(os.environ, LD_LIBRARY_PATH=path)
    missing = {LOADER} if ctypes.util.find_library("vulkan") is None else set()
    while True:  # a library that is found now may need others
        missing.update(name for program in programs for name, found in needed(program, result).items() if not found)
        new = [name for name in missing
               if os.path.exists(os.path.join(packed, name)) and not os.path.lexists(os.path.join(scratch, name))]
        if not new:
            return result
        for name in new:
            os.symlink(os.path.abspath(os.path.join(packed, name)), os.path.join(scratch, name))


def wrapper(program, variables, folder):
    """A script that runs a program with the LD_LIBRARY_PATH of `variables`, for those who run other programs too."""
    path = os.path.join(folder, os.path.basename(program))
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\nLD_LIBRARY_PATH={shlex.quote(variables['LD_LIBRARY_PATH'])}"
                   f" exec {shlex.quote(program)} \"$@\"\n")
    os.chmod(path, 0o755)
    return path
