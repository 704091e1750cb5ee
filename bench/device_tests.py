# SPDX-License-Identifier: MIT
"""The tests of a device: which there are, how each is run, and in which step."""
import os

from running import last_json

LIST = "tests.json"  # beside programs that were packed
FIRST = ["self_test", "ops", "ops-mixed", "rounding", "rounding-mixed", "loss", "loss_scale", "pipeline_cache", "submit",
         "ranges", "fuse", "tiles", "tiles-mixed", "network-device", "network-mixed", "resume", "resume-mixed", "sameness",
         "sameness-mixed", "training"]
WITHOUT = ["plan", "plan-mixed"]  # their data set does not travel
LONG = {"slow", "large", "training"}  # suites; the networks are slow in their processes of PyTorch alone


class Test:
    def __init__(self, name, program, arguments=(), environment=None, suites=()):
        self.name, self.program, self.arguments = name, program, list(arguments)
        self.environment, self.suites = dict(environment or {}), list(suites)

    def step(self):
        if self.name in ("self_test", "ops", "ops-mixed"):
            return "ops"
        if self.name.startswith("ops-"):
            return "ways"
        return "long" if LONG & set(self.suites) and not self.name.startswith("network") else "tests"

    def as_json(self):
        return {"name": self.name, "program": os.path.basename(self.program), "arguments": self.arguments,
                "environment": self.environment, "suites": self.suites}


def read(path):
    """The list in a file; empty where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            values = last_json(file.read())
    except (OSError, ValueError):
        return []
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def of_build(build):
    """Those of a folder of meson's: a test of suite `device` that is a program of ours, neither on the processor nor with a
    layer between it and the device."""
    result = []
    for listed in read(os.path.join(build, "meson-info", "intro-tests.json")):
        suites = [suite.split(":")[-1] for suite in listed["suite"]]
        if "device" in suites and not {"cpu", "faults"} & set(suites) and listed["cmd"][0].endswith("_test"):
            environment = {name: value for name, value in listed["env"].items() if name != "VKGRID_SOURCE"}
            result.append(Test(listed["name"], listed["cmd"][0], listed["cmd"][1:], environment, suites))
    return result


def of_folder(folder):
    """Packed ones, and whatever else there can be run."""
    path = os.path.join(folder, LIST)
    try:
        listed = [Test(each["name"], os.path.join(folder, each["program"]), each["arguments"], each["environment"],
                       each["suites"]) for each in read(path)]
    except (KeyError, TypeError, ValueError) as problem:
        raise ValueError(f"{path}: is not what --pack has written") from problem
    known = {test.program for test in listed}
    others = sorted(os.path.join(folder, name) for name in (os.listdir(folder) if os.path.isdir(folder) else []))
    return listed + [Test(os.path.basename(path)[:-len("_test")], path) for path in others
                     if path not in known and path.endswith("_test") and os.access(path, os.X_OK)]


def device_tests(folder):
    """Of a build or packed, known ones first."""
    order = {name: at for at, name in enumerate(FIRST)}
    found = of_build(folder) or of_folder(folder)
    return sorted((test for test in found if test.name not in WITHOUT),
                  key=lambda test: order.get(test.name, len(order)))
