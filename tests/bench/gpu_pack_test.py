#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/gpu --pack, and what the packed folder makes do with: a Python that lacks modules, drivers in odd places, libraries that
are missing, processes that do not end."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.join(HERE, "..", "..", "bench")
FAKE = os.path.join(HERE, "fake.py")
sys.dont_write_bytecode = True
sys.path.insert(0, BENCH)

import drivers
import libraries
import running

# What Debian's python3-minimal has not got, of what a script would think of; those that were packed are found there. (It has
# not got shutil either, and an argparse that does without; that of 3.14 needs dataclasses, which came with it.)
MINIMAL = """import importlib.machinery, os, runpy, sys
LACKS = {"json", "shlex", "statistics", "ctypes", "html", "csv", "fractions", "decimal"}
if sys.version_info < (3, 14):
    LACKS.add("dataclasses")
for name in [name for name in sys.modules if name.partition(".")[0] in LACKS]:
    del sys.modules[name]
class Minimal:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in LACKS:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, [p for p in sys.path if p.endswith("/python")])
        if not found:
            raise ModuleNotFoundError(f"No module named {name!r}: a minimal Python lacks it")
        return found
sys.meta_path.insert(0, Minimal)
sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""
TESTS = [("ops", "engine/ops_test", [], {}, ["device", "kernels"]), ("ops-cpu", "engine/ops_test", [], {}, ["device", "cpu"]),
         ("ops-mixed", "engine/ops_test", ["--mixed"], {"VKGRID_ENGINE": "vulkan"}, ["device"]),
         ("new", "engine/new_test", [], {"VKGRID_SOURCE": "/nowhere"}, ["device"]),
         ("resume", "train/resume_test", ["fp32"], {}, ["device", "training"]),
         ("faults-ops", "engine/ops_test", [], {"VK_INSTANCE_LAYERS": "some"}, ["device", "faults"]),
         ("plan", "train/plan_test", [], {}, ["device"]), ("graph", "graph/graph_test", [], {}, ["graph"])]


def script(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def make_build():
    script("build/vkgrid", f'exec "{sys.executable}" "{FAKE}" "$@"')
    for _, place, _, _, _ in TESTS:
        script(f"build/tests/{place}", 'echo "$0 $* $VKGRID_SOURCE"')
    listed = [{"name": name, "cmd": [os.path.abspath(f"build/tests/{place}"), *arguments], "env": environment,
               "suite": [f"vkgrid:{suite}" for suite in suites]} for name, place, arguments, environment, suites in TESTS]
    listed.append({"name": "shell", "cmd": ["/bin/sh", "device_test.sh"], "env": {}, "suite": ["vkgrid:device"]})
    os.makedirs("build/meson-info")
    with open("build/meson-info/intro-tests.json", "w", encoding="utf-8") as file:
        json.dump(listed, file)


def test_pack():
    make_build()
    for _ in range(2):  # nothing of an earlier one stays
        output = subprocess.run([sys.executable, os.path.join(BENCH, "gpu"), "--vkgrid", "build/vkgrid", "--pack", "kit"],
                                check=True, stdout=subprocess.PIPE, text=True).stdout
        assert sorted(os.listdir("kit/build/device_tests")) == ["new_test", "ops_test", "resume_test", "tests.json"], output
        script("kit/build/device_tests/older_test", "exit 1")
    os.unlink("kit/build/device_tests/older_test")
    tests = {test["name"]: test for test in read_json("kit/build/device_tests/tests.json")}
    assert list(tests) == ["ops", "ops-mixed", "resume", "new"] and tests["ops-mixed"]["arguments"] == ["--mixed"], tests
    assert tests["new"]["environment"] == {} and tests["resume"]["suites"] == ["device", "training"], tests
    assert read_json("kit/pack.json")["commit"] in output and "glibc" in output, output
    here = libraries.installed()
    for name in [libraries.LOADER, *libraries.DRIVERS_NEED]:  # what this machine has of it
        assert os.path.exists(f"kit/lib/{name}") == (name in here) and (name in here or f" {name}" in output), (name, output)
    assert os.path.exists("kit/tests/oracle/unet_torch.py"), os.listdir("kit/tests")


def test_minimal():
    """The packed folder, moved, on a Python that lacks modules, with nothing in the environment."""
    os.rename("kit", "moved")
    with open("minimal.py", "w", encoding="utf-8") as file:
        file.write(MINIMAL)
    start = [sys.executable, "-I", "minimal.py", "moved/bench/gpu"]
    broken = subprocess.run([sys.executable, "-I", "minimal.py", FAKE, "devices"], stderr=subprocess.PIPE, text=True, check=False)
    assert "a minimal Python lacks it" in broken.stderr, "the test blocks nothing"
    with open("moved/pack.json", "w", encoding="utf-8") as file:
        json.dump({"commit": "v1-2-gabc"}, file)
    script("moved/build/device_tests/other_test", "exit 0")
    outcome = subprocess.run([*start, "--seconds", "600", "--batch", "4", "--python", "/nowhere/python3"],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                             env={"PATH": os.environ["PATH"], "FAKE_MIXED": "1"})
    assert outcome.returncode == 0, outcome.stdout
    found = read_json("gpu.json")
    results = {each["name"]: each for step in found["steps"] for each in step["runs"]}
    assert found["commit"] == "v1-2-gabc" and found["environment"]["HOME"] == found["environment"]["TMPDIR"], found["environment"]
    assert {each["name"]: each["result"] for each in results.values() if each["result"] != "passed"} == {
        "PyTorch": "skipped", "comparison": "left out"}, results
    assert results["other"]["result"] == "passed" and results["resume"]["output"].split()[1] == "fp32", results
    assert results["new"]["output"].split()[1] == os.path.abspath("moved"), results["new"]["output"]


def test_drivers():
    """Manifests and NVIDIA's libraries where the loader does not look."""
    os.makedirs("odd/card/share/vulkan/icd.d")
    os.makedirs("odd/card/lib64")
    os.makedirs("scratch")
    manifest = os.path.abspath("odd/card/share/vulkan/icd.d/card.json")
    library = os.path.abspath("odd/card/lib64/libEGL_nvidia.so.0")
    shutil.copy("/proc/self/exe", library)
    with open(manifest, "w", encoding="utf-8") as file:
        json.dump({"ICD": {"library_path": "libEGL_nvidia.so.0"}}, file)
    for path, text in ("text.json", "none"), ("list.json", "[]"), ("number.json", '{"ICD": {"library_path": 1}}'):
        with open(os.path.join("odd/card/share/vulkan/icd.d", path), "w", encoding="utf-8") as file:
            file.write(text)
    drivers.STANDARD, drivers.ELSEWHERE = [], [os.path.abspath("odd/*")]
    for name in drivers.VARIABLES:
        os.environ.pop(name, None)
    plain, elsewhere, own, *_ = drivers.attempts(os.path.abspath("scratch"))
    assert plain.variables == {} and plain.libraries() == [], plain.variables
    assert manifest in elsewhere.variables["VK_DRIVER_FILES"].split(":"), elsewhere.variables
    assert elsewhere.libraries() == [library], elsewhere.libraries()
    assert elsewhere.folders == [os.path.dirname(library)] and elsewhere.variables["VK_ICD_FILENAMES"], elsewhere.folders
    written = own.variables["VK_DRIVER_FILES"]
    assert read_json(written)["ICD"]["library_path"] == "libEGL_nvidia.so.0" and own.libraries() == [library], written
    found = libraries.environment([], "nowhere", "links", elsewhere.folders)
    assert found["LD_LIBRARY_PATH"].split(":")[0] == elsewhere.folders[0], found["LD_LIBRARY_PATH"]
    os.environ["VK_DRIVER_FILES"] = manifest
    told, = drivers.attempts("scratch")
    assert told.variables == {} and told.manifests == [manifest], told.manifests


def test_libraries():
    """What a program needs and this machine lacks is linked from what was packed, with what that needs; nothing else is."""
    os.makedirs("packed")
    for name in "liba.so.1", "libb.so.1", "libz.so.1":
        with open(os.path.join("packed", name), "w", encoding="utf-8"):
            pass
    real = libraries.needed
    answers = {"program": {"liba.so.1": None, "libz.so.1": "/lib/libz.so.1", "libc.so.6": "/lib/libc.so.6"}}

    def needed(program, environment):
        found = dict(answers[program])
        if os.path.lexists("links/liba.so.1"):
            found.update({"liba.so.1": os.path.abspath("links/liba.so.1"), "libb.so.1": None})
        if os.path.lexists("links/libb.so.1"):
            found["libb.so.1"] = "there"
        assert environment["LD_LIBRARY_PATH"].split(":")[0] == "links", environment
        return found

    libraries.needed = needed
    libraries.environment(["program"], "packed", "links")
    libraries.needed = real
    assert sorted(os.listdir("links")) == ["liba.so.1", "libb.so.1"], os.listdir("links")


def test_processes():
    """Output of those that are stopped, and of any length; one that does not end even when it is killed is left behind."""
    outcome = running.run(["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last >&2; exec sleep 600"], 2)
    assert outcome.status is None and len(outcome.output) == 3000001 and not outcome.stuck, outcome.reason()
    assert outcome.errors == "last\n", outcome.errors
    outcome = running.run(["/nowhere/program"])
    assert outcome.status == 127 and "/nowhere/program" in outcome.reason(), outcome.reason()
    outcome = running.run(["sh", "-c", "sleep 600 & echo $!"])  # holds the output open
    assert outcome.status == 0 and outcome.seconds < 60, outcome.seconds
    time.sleep(0.2)
    with contextlib.suppress(FileNotFoundError), open(f"/proc/{outcome.output.strip()}/stat", encoding="utf-8") as file:
        assert file.read().split(")")[-1].split()[0] in "ZX", "what it left behind goes on"

    class Stuck(running.Process):
        def signal(self, number):
            pass

    running.GRACE = 0.1
    process = Stuck(["sleep", "600"])
    outcome = process.outcome()
    assert outcome.status is None and outcome.stuck and outcome.reason().endswith("but it does not end"), outcome.reason()
    os.killpg(process.process.pid, signal.SIGKILL)
    process.process.wait()


def test_rehearse():
    """A folder that bench/rehearse has not made stays as it is."""
    os.makedirs("precious")
    with open("precious/file", "w", encoding="utf-8") as file:
        file.write("kept")
    outcome = running.run([sys.executable, os.path.join(BENCH, "rehearse"), "--root", "precious/"])
    assert outcome.status == 1 and "was not made by this command" in outcome.errors, (outcome.status, outcome.errors)
    with open("precious/file", encoding="utf-8") as file:
        assert file.read() == "kept"


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for test in test_rehearse, test_pack, test_minimal, test_drivers, test_libraries, test_processes:
        print(test.__name__, flush=True)
        test()
