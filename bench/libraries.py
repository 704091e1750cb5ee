# SPDX-License-Identifier: MIT
"""Shared libraries of programs that are carried to another machine."""
import os
import re
import shlex
import subprocess

# The C library and its parts stay at home: they belong to the machine and its kernel.
AT_HOME = re.compile(r"(linux-vdso|ld-linux.*|lib(c|m|dl|rt|pthread|resolv))\.so")
LOADER = "libvulkan.so.1"  # is opened at run time, so that ldd does not show it
# What drivers of GPUs take from the system: NVIDIA's is not loaded without them, even where nothing is shown on a screen.
DRIVERS_NEED = ["libX11.so.6", "libXext.so.6", "libGLdispatch.so.0", "libEGL.so.1"]


def output(command, environment=None):
    """What it prints; nothing where it cannot be run."""
    try:
        return subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              check=False).stdout.decode("utf-8", "replace")
    except OSError:
        return ""


def needed(program, environment=None):
    """Name -> path of every shared library that a program or library needs; None where this machine has none."""
    found = re.findall(r"^\s*(\S+) => (not found|/\S+)", output(["ldd", program], environment), re.MULTILINE)
    return {name: None if path == "not found" else path for name, path in found if not AT_HOME.match(name)}


def installed():
    """Name -> path of the libraries that the system's own linker finds, those of this kind of processor first."""
    listed = output(["/sbin/ldconfig", "-p"])
    word = "64" if os.uname().machine.endswith("64") else ""
    found = re.findall(r"^\s*(\S+) \((.*)\) => (\S+)", listed, re.MULTILINE)
    result = {}
    for name, kind, path in sorted(found, key=lambda each: word not in each[1]):
        result.setdefault(name, path)
    return result


def environment(programs, packed, links, folders=()):
    """The environment in which programs, and drivers as they load them, find libraries that were packed, and those in folders.

    Only those that this machine lacks, linked into the folder `links`: its graphics driver is loaded into the same process
    and needs the machine's own libstdc++, which may be newer.
    """
    path = os.pathsep.join(filter(None, [*[links] * os.path.isdir(packed), *folders, os.environ.get("LD_LIBRARY_PATH")]))
    result = dict(os.environ, **({"LD_LIBRARY_PATH": path} if path else {}))
    if not os.path.isdir(packed):
        return result
    os.makedirs(links, exist_ok=True)
    missing = set() if LOADER in installed() else {LOADER}
    while True:  # a library that is found now may need others
        missing.update(name for program in programs for name, found in needed(program, result).items() if not found)
        new = [name for name in missing
               if os.path.exists(os.path.join(packed, name)) and not os.path.lexists(os.path.join(links, name))]
        if not new:
            return result
        for name in new:
            os.symlink(os.path.abspath(os.path.join(packed, name)), os.path.join(links, name))


def wrapper(program, variables, folder):
    """A script that runs a program with the LD_LIBRARY_PATH of `variables`, for those who run other programs too."""
    path = os.path.join(folder, os.path.basename(program))
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\nLD_LIBRARY_PATH={shlex.quote(variables['LD_LIBRARY_PATH'])}"
                   f" exec {shlex.quote(program)} \"$@\"\n")
    os.chmod(path, 0o755)
    return path
