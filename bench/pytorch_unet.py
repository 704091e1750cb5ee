#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Training steps of the U-Net in PyTorch, timed: the other side of `vkgrid bench`.

    bench/pytorch_unet.py [--device cuda|cpu] [--batch 4] [--seconds 2] [--setting NAME]...

Prints one line of JSON per setting: samples/s, by the median of groups of steps that are waited for together, and the peak
memory, on CUDA the device's. A setting that cannot be had says why in place of that ("unavailable"). On a CPU the peak is
the process's, so give it one setting only.

settings:
"""
import argparse
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import time

import torch
from pytorch_steps import SETTINGS, Unavailable, make_step, prepare

WARM_UP = 2  # steps that are not timed
LEAST, MOST = 3, 200  # groups of steps that are
GROUP_SECONDS = 0.05  # of a group, on a device that works by itself

HELP = "".join(f"  {name:20} {setting.help}\n" for name, setting in SETTINGS.items()) + \
    "  processes:N          N processes of amp_channels_last at once; samples/s are added up\n"


def parse():
    parser = argparse.ArgumentParser(description=__doc__ + HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", default="128x256", help="rows x columns")
    parser.add_argument("--features", type=int, default=7)
    parser.add_argument("--labels", type=int, default=3)
    parser.add_argument("--base-model", default="resnet18", choices=["resnet18", "resnet34"])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=2, help="of timed steps of each setting, three at least")
    parser.add_argument("--setting", action="append", help="may be given several times; default: eager")
    parser.add_argument("--wait", action="store_true", help="say \"ready\" after the first steps and wait for a line")
    options = parser.parse_args()
    for setting in options.setting or []:
        name, _, count = setting.partition(":")
        if name not in [*SETTINGS, "processes"] or (name in ("fused", "processes")) != count.isdigit():
            parser.error(f"--setting {setting}: is not one of those in --help")
    return options


def synchronize(options):
    if options.device == "cuda":
        torch.cuda.synchronize()


def timed(step, count, options):
    """Seconds of a step."""
    start = time.perf_counter()
    for _ in range(count):
        step()
    synchronize(options)
    return (time.perf_counter() - start) / count


def peak_bytes(options):
    if options.device == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def wait_for_line():
    print("ready", flush=True)
    sys.stdin.readline()


def measure(options, name, models):
    """One setting in this process."""
    setting = SETTINGS[name]
    prepare(setting, options.device)
    if options.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    step = make_step(setting, options, models)
    synchronize(options)
    timed(step, WARM_UP, options)
    once = timed(step, 1, options)
    group = max(1, min(50, int(GROUP_SECONDS / once))) if options.device == "cuda" else 1
    if options.wait:
        wait_for_line()
    seconds, start = [], time.perf_counter()
    while len(seconds) < LEAST or (len(seconds) < MOST and time.perf_counter() - start < options.seconds):
        seconds.append(timed(step, group, options))
    return {"seconds": seconds, "samples_per_second": options.batch * models / statistics.median(seconds),
            "peak_bytes": peak_bytes(options), "loss": step().item() / models}


def child_command(options, count):
    threads = max(1, options.threads // count)
    return [sys.executable, "-B", os.path.abspath(__file__), "--device", options.device, "--batch", str(options.batch),
            "--size", options.size, "--features", str(options.features), "--labels", str(options.labels),
            "--base-model", options.base_model, "--threads", str(threads), "--seconds", str(options.seconds),
            "--setting", "amp_channels_last", "--wait"]


def next_line(child):
    """What a process says: "ready", or its result."""
    line = child.stdout.readline().strip()
    if not line:
        raise Unavailable(f"one of the processes ended with status {child.wait()}")
    if line == "ready":
        return line
    result = json.loads(line)
    if "unavailable" in result:
        raise Unavailable(f"one of the processes: {result['unavailable']}")
    return result


def measure_processes(options, count):
    """Processes that begin to measure at the same moment."""
    children = [subprocess.Popen(child_command(options, count), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                for _ in range(count)]
    try:
        for child in children:
            next_line(child)
        for child in children:
            child.stdin.write("\n")
            child.stdin.flush()
        results = [next_line(child) for child in children]
    finally:
        for child in children:
            child.kill()
            child.wait()
    return {"seconds": [statistics.median(result["seconds"]) for result in results],
            "samples_per_second": sum(result["samples_per_second"] for result in results),
            "peak_bytes": sum(result["peak_bytes"] for result in results)}


def result_of(options, setting):
    name, _, count = setting.partition(":")
    try:
        if name == "processes":
            return measure_processes(options, int(count))
        return measure(options, name, int(count or 1))
    except Exception as problem:  # whatever a compiler, a driver or a full memory says
        lines = str(problem).strip().splitlines() or [""]
        kind = "" if isinstance(problem, Unavailable) else f"{type(problem).__name__}: "
        return {"unavailable": kind + lines[0]}


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    device = torch.cuda.get_device_name() if options.device == "cuda" and torch.cuda.is_available() else options.device
    for setting in options.setting or ["eager"]:
        result = {"side": "pytorch", "version": torch.__version__, "device": device, "setting": setting,
                  "batch": options.batch, "threads": options.threads, **result_of(options, setting)}
        print(json.dumps(result), flush=True)
        gc.collect()
        if options.device == "cuda":
            torch.cuda.empty_cache()


main()
