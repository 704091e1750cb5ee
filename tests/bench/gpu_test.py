#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/gpu and bench/compare with a GPU and a PyTorch that are not there (fake.py): ratios, budgets, failures, SIGTERM."""
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.join(HERE, "..", "..", "bench")
FAKE = os.path.join(HERE, "fake.py")


def script(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def gpu(*arguments, environment=None):
    command = [sys.executable, os.path.join(BENCH, "gpu"), "--vkgrid", os.path.abspath("vkgrid"), "--tests", "tests",
               "--python", f"{shlex.quote(sys.executable)} {shlex.quote(FAKE)}", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env=dict(os.environ, **(environment or {})))


def test_compare():
    command = [sys.executable, os.path.join(BENCH, "compare"), "--vkgrid", os.path.abspath("vkgrid"), "--python",
               f"{shlex.quote(sys.executable)} {shlex.quote(FAKE)}", "--batch", "4", "--rounds", "2", "--limit", "2",
               "--json", "compare.json"]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    found = read("compare.json")
    assert found["pytorch_device"] == "cuda" and {"batch": 4, "precision": "fp32", "slots": 4} in found["slots"], found
    results = {(result["side"], result["setting"]): result for result in found["results"]}
    assert results["vkgrid", "fp32"]["rates"] == [400, 400], results
    assert results["vkgrid", "mixed"]["unavailable"].endswith("cannot compute in mixed precision"), results
    assert results["pytorch", "compile"]["unavailable"].startswith("stopped after 2"), results
    assert results["pytorch", "processes:4"]["unavailable"] == "it is a fake", results
    ratios = found["ratios"]["4"]
    assert ratios["eager"] == {"ratio": 5, "of": "eager", "goal": 5}, ratios
    assert ratios["best"] == {"ratio": 1.25, "of": "fused:8", "goal": 1.3}, ratios
    assert ratios["fp32"]["of"] == "channels_last" and "mixed" not in ratios, ratios
    hours = {(entry["side"], entry["setting"]): entry["hours"] for entry in found["grid_hours"]}
    assert abs(hours["vkgrid", "fp32"] - 3) < 1e-9 and abs(hours["pytorch", "eager"] - 15) < 1e-9, hours
    for text in "5.00 times PyTorch (eager); 5 is the goal", "1.25 times PyTorch's best (fused:8); 1.3 is the goal":
        assert text in output, output


def test_whole():
    with gpu("--seconds", "20", "--batch", "4", "--json", "gpu.json") as process:
        output = process.stdout.read()
    assert process.returncode == 1, output  # a test has failed
    found = read("gpu.json")
    tests = {test["name"]: test for test in found["tests"]}
    assert tests["ops_test"]["result"] == "passed" and tests["ops_test --mixed"]["result"] == "skipped", tests
    assert tests["ops_test --mixed"]["reason"] == "skipped: no mixed precision", tests
    assert tests["bad_test"]["result"] == "failed" and "the end of it" in tests["bad_test"]["tail"], tests
    assert tests["stuck_test"]["result"] == "stopped", tests
    assert [part["result"] for part in found["bench"]] == ["passed", "failed", "passed"], found["bench"]
    assert "no Winograd" in found["bench"][2]["name"] and found["bench"][2]["measured"]["tile"] == "2", found["bench"]
    assert found["bench"][0]["measured"]["training_step"]["samples_per_second"] == 100, found["bench"]
    assert found["comparison"]["measured"]["ratios"]["4"]["eager"]["ratio"] == 5, found["comparison"]
    assert found["ended"] == "done" and found["took"] < 25 and found["device"]["name"] == "Fake", found


def test_sigterm():
    with gpu("--seconds", "60", "--json", "killed.json") as process:
        while not os.path.exists("stuck.pid"):
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    found = read("killed.json")
    assert found["ended"].startswith("SystemExit") and found["tests"][0]["result"] == "passed", found
    with open("stuck.pid", encoding="utf-8") as file:
        assert not os.path.exists(f"/proc/{file.read().strip()}"), "what it has run goes on"


def test_no_gpu():
    with gpu("--json", "none.json", environment={"FAKE_KIND": "CPU"}) as process:
        output = process.stdout.read()
    assert process.returncode == 1 and "no GPU that can be used (0: Fake (CPU))" in output, output
    assert read("none.json")["ended"] in output, output


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    os.mkdir("tests")
    script("vkgrid", f'exec {shlex.quote(sys.executable)} {shlex.quote(FAKE)} "$@"')
    script("tests/ops_test", 'if [ "$1" ]; then echo "skipped: no mixed precision"; exit 77; fi; [ "$VKGRID_DEVICE" = 0 ]')
    script("tests/bad_test", "echo the end of it; exit 3")
    script("tests/stuck_test", f"echo $$ >{shlex.quote(os.path.join(folder, 'stuck.pid'))}; exec sleep 600")
    test_compare()
    test_whole()
    os.unlink("stuck.pid")
    test_sigterm()
    test_no_gpu()
