# SPDX-License-Identifier: MIT
"""What belongs to a result: the machine, its card, the commit, and what the kernel has said."""
import os
import platform
import re
import sys

from libraries import output
from running import last_json, run

CARD = "name,driver_version,pstate,clocks.sm,clocks.max.sm,clocks.mem,power.draw,power.limit,temperature.gpu,memory.used," \
       "memory.total,mig.mode.current"
OF_GPUS = re.compile(r"nvrm|xid|nvidia|amdgpu|radeon|i915|\bxe\b|drm|oom|out of memory", re.IGNORECASE)
LINES = 30  # of the kernel's log
VARIABLES = re.compile(r"VK_|VKGRID_|LD_|__GL|__EGL|__NV|MESA_|NVIDIA_|CUDA_|LP_|OMP_|XDG_|LC_|"
                       r"(HOME|TMPDIR|LANG|PATH|DISPLAY)$")


def first_match(pattern, path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = re.search(pattern, file.read(), re.MULTILINE)
    except OSError:
        return None
    return found.group(1) if found else None


def machine():
    memory = first_match(r"^MemTotal:\s*(\d+) kB", "/proc/meminfo")
    return {"system": platform.platform(), "distribution": first_match(r'^PRETTY_NAME="?([^"\n]*)', "/etc/os-release"),
            "processor": first_match(r"^model name\s*: (.*)", "/proc/cpuinfo"), "threads": os.cpu_count(),
            "memory": int(memory) * 1024 if memory else None, "libc": " ".join(platform.libc_ver()),
            "python": platform.python_version(), "nodes": sorted(nodes())}


def nodes():
    """Files of devices that GPUs have."""
    for folder, pattern in ("/dev", r"nvidia|kfd|mali"), ("/dev/dri", r"card|renderD"):
        if os.path.isdir(folder):
            yield from (os.path.join(folder, name) for name in os.listdir(folder) if re.match(pattern, name))


def card():
    """A line for each of NVIDIA's cards, by the tool that comes with its driver."""
    outcome = run(["nvidia-smi", f"--query-gpu={CARD}", "--format=csv,noheader"], 10)
    return outcome.output.splitlines() if outcome.status == 0 else []


def kernel_log():
    """What the kernel has said of GPUs and of memory that was short; empty where it may not be read."""
    return [line for line in run(["dmesg"], 10).output.splitlines() if OF_GPUS.search(line)][-LINES:]


def variables(environment):
    """Those that programs and drivers may act on."""
    return {name: value for name, value in sorted(environment.items()) if VARIABLES.match(name)}


def commit(root):
    """What was built: as --pack has written it down, else as git describes it."""
    try:
        with open(os.path.join(root, "pack.json"), encoding="utf-8") as file:
            packed = last_json(file.read())
    except (OSError, ValueError):
        packed = None
    if isinstance(packed, dict) and isinstance(packed.get("commit"), str):
        return packed["commit"]
    return output(["git", "-C", root, "describe", "--always", "--dirty", "--abbrev=12"]).strip() or "unknown"


def printable():
    """A device's name may have letters that the terminal has not."""
    for stream in sys.stdout, sys.stderr:
        stream.reconfigure(errors="backslashreplace", line_buffering=True)
