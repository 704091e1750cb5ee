#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How good is the time left that a search shows, on a machine where others work too?

    bench/time_left.py [--vkgrid build/vkgrid] [--only 1,4] [--loads N] [--json FILE]

Ten short searches (CPU engine, phantom cortex), each beside N busy programs (as many as there are processors), read what a
person reads: the live lines, on a pseudo-terminal. When they show 10%, 20%, ... 90%, the time left that stands there is noted,
and compared with what it then took until the program ended, report included. Some are killed and go on, of some the load
begins or ends in the midst, which nothing can foresee. Prints a table; --json keeps what was read (one line a search, which is
appended, so that a table can be made in parts: --only none prints that of the file).
"""
import argparse
import json
import os
import pty
import re
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SHARES = range(10, 100, 10)
LINE = re.compile(r"cells \d+/\d+[^\n]*?, ([\d.]+)%[^\n]*?about (?:(\d+) h )?(?:(\d+) min )?(?:(\d+) s )?left")
SUBJECTS = [f"sub{i:02d}" for i in range(1, 15)]

EQUAL = {"lr": [0.0005, 0.001, 0.002, 0.004]}
# What varies, epochs of a round, options of the search, and what happens in the midst.
SEARCHES = [
    ("four equal cells", EQUAL, 1, [], {}),
    ("one at a time", EQUAL, 1, ["--pack", "1"], {}),
    ("two batch sizes", {"lr": [0.001, 0.002], "batch_size": [2, 6]}, 1, [], {}),
    ("two networks", {"lr": [0.001, 0.002], "base_model": ["resnet18", "resnet34"]}, 1, [], {}),
    ("two image sizes", {"lr": [0.001, 0.002], "image_size": [[64, 128], [32, 64]]}, 1, [], {}),
    ("two runs a cell", {"lr": [0.001, 0.002]}, 1, ["--pack", "1"], {}),
    ("killed at 45%", EQUAL, 1, ["--pack", "1"], {"kill": 45}),
    ("killed at 70%", {"lr": [0.001, 0.002], "batch_size": [2, 6]}, 1, ["--pack", "2"], {"kill": 70}),
    ("load from 40% on", EQUAL, 1, ["--pack", "1"], {"load": 40}),
    ("load until 40%", EQUAL, 1, ["--pack", "1"], {"quiet": 40}),
]


def make_grid(path, hyper, epochs, until):
    static = {"partition": [SUBJECTS[:10], SUBJECTS[10:]], "raters": [], "image_size": [32, 64], "num_epochs": epochs,
              "gamma": 0.9, "bce_weight": 0.67, "batch_size": 4, "lr": 0.001, "inputs": "anat", "prediction": "area",
              "until": until}
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"static": {key: value for key, value in static.items() if key not in hyper}, "hyper": hyper}, file)


class Load:
    """Programs that only count."""

    def __init__(self, count):
        self.count, self.processes = count, []

    def begin(self):
        self.processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(self.count)]

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes = []


def watch(command, seen):
    """Runs it on a pseudo-terminal and calls seen(percent, seconds left or None); true ends it by kill -9."""
    process, terminal = pty.fork()
    if process == 0:
        os.environ["TERM"] = "xterm"
        os.execv(command[0], command)
    text = ""
    while True:
        if terminal in select.select([terminal], [], [], 1)[0]:
            try:
                got = os.read(terminal, 1 << 16)
            except OSError:  # the other end is closed
                break
            text = re.sub(r"\x1b\[[?\d]*[A-Za-z]", "", text[-2000:] + got.decode("utf-8", "replace"))
        lines = list(LINE.finditer(text))
        if lines:
            percent, hours, minutes, seconds = (float(part or 0) for part in lines[-1].groups())
            if seen(percent, 3600 * hours + 60 * minutes + seconds):
                os.kill(process, signal.SIGKILL)
                break
            text = text[lines[-1].end():]
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def measure(vkgrid, number, loads, folder):
    name, hyper, epochs, options, events = SEARCHES[number]
    data, grid, load = os.path.join(folder, "data"), os.path.join(folder, "grid.json"), Load(loads)
    if not os.path.isdir(data):
        subprocess.run([vkgrid, "sample", data, "--subjects", "14", "--size", "64x128", "--quiet"], check=True)
    make_grid(grid, hyper, epochs, 2 if name == "two runs a cell" else 1)
    command = [vkgrid, "search", grid, "-d", data, "-o", os.path.join(folder, f"out{number}"), "--device", "cpu",
               "--checkpoint", "always", *options]
    shown, first = {}, []

    def seen(percent, left):
        now = time.monotonic()
        first.append(percent)
        for share in SHARES:
            if percent >= share > first[0] and share not in shown:
                shown[share] = (now, left)
        if percent >= events.get("load", 200) and not load.processes:
            load.begin()
        if percent >= events.get("quiet", 200):
            load.end()
        return False

    if "load" not in events:
        load.begin()
    try:
        if "kill" in events:
            watch(command, lambda percent, left: percent >= events["kill"])
        begun = time.monotonic()
        status = watch(command, seen)
    finally:
        load.end()
    ended = time.monotonic()
    if status != 0:
        sys.exit(f"time_left: {name}: exit status {status}")
    return {"search": name, "seconds": ended - begun, "first": first[0],
            "shown": [[share, left, ended - at] for share, (at, left) in shown.items()]}


def print_table(results):
    print("| search | seconds | first shown | " + " | ".join(f"{share}%" for share in SHARES) + " |")
    print("| --- " * (3 + len(SHARES)) + "|")
    errors = []
    for result in results:
        at = {share: (left, real) for share, left, real in result["shown"]}
        row = [f"{at[share][0]:.0f} / {at[share][1]:.0f}" if share in at else "" for share in SHARES]
        print(f"| {result['search']} | {result['seconds']:.0f} | {result['first']:.0f}% | " + " | ".join(row) + " |")
        if "load" not in result["search"]:
            errors += [(left - real) / result["seconds"] for _, left, real in result["shown"]]
    if errors:
        sizes = sorted(abs(error) for error in errors)
        middle, many = statistics.median(sizes), sizes[int(0.9 * (len(sizes) - 1))]
        print("\npredicted less real, as a share of the whole time, where the load stays: "
              f"median {statistics.median(errors):+.1%}; "
              f"without sign: median {middle:.1%}, 90% {many:.1%}, most {sizes[-1]:.1%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vkgrid", default=os.path.join(HERE, "..", "build", "vkgrid"))
    parser.add_argument("--only", help="numbers of searches, from 1; or none")
    parser.add_argument("--loads", type=int, default=os.cpu_count())
    parser.add_argument("--json")
    options = parser.parse_args()
    numbers = range(len(SEARCHES)) if not options.only else []
    if options.only and options.only != "none":
        numbers = [int(number) - 1 for number in options.only.split(",")]
    results = []
    if options.json and os.path.exists(options.json):
        with open(options.json, encoding="utf-8") as file:
            results = [json.loads(line) for line in file]
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            results.append(measure(os.path.abspath(options.vkgrid), number, options.loads, folder))
            if options.json:
                with open(options.json, "a", encoding="utf-8") as file:
                    file.write(json.dumps(results[-1]) + "\n")
    print_table(results)


if __name__ == "__main__":
    main()
