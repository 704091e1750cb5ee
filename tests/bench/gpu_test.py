#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/gpu and bench/compare with a GPU and a PyTorch that are not there (fake.py): steps, their order and seconds, what fails,
hangs or is cut off, going on, ratios, tables."""
import glob
import json
import os
import re
import shlex
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

import gpu_steps
import gpu_summary

STEPS = ["devices", "first", "ops", "tests", "ways", "layers", "curve", "steps", "families", "barriers", "tune", "compare",
         "batches", "long"]
EVERYTHING = {"FAKE_MIXED": "1"}


def script(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def read_json(path):
    return json.loads(read(path))


def gpu(*arguments, environment=None, tests="tests"):
    command = [sys.executable, os.path.join(BENCH, "gpu"), "--vkgrid", os.path.abspath("vkgrid"), "--tests", tests,
               "--python", f"{shlex.quote(sys.executable)} {shlex.quote(FAKE)}", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env={**os.environ, **(environment or {})})


def finish(*arguments, status=0, **options):
    """What it prints."""
    with gpu(*arguments, **options) as process:
        output = process.stdout.read()
    assert process.returncode == status, (process.returncode, output)
    return output


def runs_of(record):
    return {each["name"]: each for step in record["steps"] for each in step["runs"]}


def starts():
    """Lines of the fakes that have been started since it was asked last."""
    lines = read("log").splitlines() if os.path.exists("log") else []
    open("log", "w", encoding="utf-8").close()
    return lines


def list_tests(folder, *tests):
    """Programs of tests: (name, arguments, suites, text of the script)."""
    os.makedirs(folder)
    for name, _, _, text in tests:
        script(os.path.join(folder, f"{name.split('-')[0]}_test"), text)
    listed = [{"name": name, "program": f"{name.split('-')[0]}_test", "arguments": arguments, "environment": {}, "suites": suites}
              for name, arguments, suites, _ in tests]
    with open(os.path.join(folder, "tests.json"), "w", encoding="utf-8") as file:
        json.dump(listed, file)


def test_compare():
    command = [sys.executable, os.path.join(BENCH, "compare"), "--vkgrid", os.path.abspath("vkgrid"), "--python",
               f"{shlex.quote(sys.executable)} {shlex.quote(FAKE)}", "--batch", "4", "--rounds", "2", "--limit", "4",
               "--json", "compare.json"]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True,
                            env={**os.environ, "FAKE_HANG": "compile"}).stdout
    found = read_json("compare.json")
    assert found["pytorch_device"] == "cuda" and {"batch": 4, "precision": "fp32", "slots": 4} in found["slots"], found
    results = {(result["side"], result["setting"]): result for result in found["results"]}
    assert results["vkgrid", "fp32"]["rates"] == [400, 400], results
    assert "cannot compute in mixed precision" in results["vkgrid", "mixed"]["unavailable"], results
    assert results["pytorch", "compile"]["unavailable"].startswith("stopped after 4"), results
    assert results["pytorch", "processes:4"]["unavailable"] == "it is a fake", results
    ratios = found["ratios"]["4"]
    assert ratios["eager"] == {"ratio": 5, "of": "eager", "goal": 5}, ratios
    assert ratios["best"] == {"ratio": 1.25, "of": "fused:8", "goal": 1.3}, ratios
    assert ratios["fp32"]["of"] == "channels_last" and "mixed" not in ratios, ratios
    hours = {(entry["side"], entry["setting"]): entry["hours"] for entry in found["grid_hours"]}
    assert abs(hours["vkgrid", "fp32"] - 3) < 1e-9 and abs(hours["pytorch", "eager"] - 15) < 1e-9, hours
    for text in "5.00 times PyTorch (eager); 5 is the goal", "1.25 times PyTorch's best (fused:8); 1.3 is the goal":
        assert text in output, output
    starts()
    subprocess.run([*command, "--slots", "4:fp32:2,4:mixed:2", "--settings", "eager", "--rounds", "1"], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, **EVERYTHING})
    assert not any("--curve" in line for line in starts()), "slots that are known are looked for"


def test_order():
    """Everything, on a device that has everything."""
    finish("--seconds", "600", "--batch", "4,2", "--json", "whole.json", environment=EVERYTHING)
    found = read_json("whole.json")
    assert [step["name"] for step in found["steps"]] == STEPS, found["steps"]
    results = runs_of(found)
    assert all(each["result"] == "passed" for each in results.values()), results
    assert list(results)[:6] == ["devices", "sample", "64x64, fp32", "64x64, mixed", "study, fp32", "study, mixed"], list(results)
    ways = {name: each["environment"] for name, each in results.items() if name.startswith("ops") and each["environment"]}
    assert ways["ops-ranges"] == ways["ops-mixed-ranges"] == gpu_steps.PIECES, ways
    tiles = {name: each["VKGRID_TILE"] for name, each in ways.items() if "VKGRID_TILE" in each}
    assert tiles == {"ops, tiles in shared memory": "1", "ops-mixed, tiles in shared memory": "1", "ops-mixed, matrix units": "6",
                     "ops, Winograd": "11", "ops, direct": "0", "ops-mixed, direct": "0"}, tiles
    assert "steps, mixed, 1 slots" in results and "steps, mixed, 4 slots" in results, list(results)
    plain = results["layers, fp32"]["measured"]
    assert results["layers, fp32, shared"]["measured"]["tile"] == "2" and plain["tile"] is None, results
    assert plain["tuning"].endswith("/untuned.json"), "what is measured depends on a file of tiles"
    assert results["comparison"]["environment"]["VKGRID_TUNING"] == "off", results["comparison"]["environment"]
    assert results["tuned steps, fp32, 4 slots"]["measured"]["tuning"].endswith("tuning.json"), results
    kinds = [each["environment"]["VKGRID_BARRIER"] for name, each in results.items()
             if name.startswith("barriers, fp32, 4 slots")]
    assert "steps, mixed, 4 slots, matrix units" not in results, list(results)
    assert kinds == ["kernels", "ends", "ends", "kernels", "kernels", "ends"], kinds
    assert results["comparison"]["measured"]["ratios"]["4"]["eager"]["ratio"] == 5, results["comparison"]
    assert "--slots 4:fp32:4,4:mixed:4" in results["comparison"]["command"], results["comparison"]["command"]
    assert "curve, fp32, batch 2" in results and results["resume"]["result"] == "passed", list(results)
    check_setting(found)
    check_tables(read("whole.txt"))


def check_setting(found):
    """What a result is nothing without."""
    assert found["ended"] == "done" and found["device"]["name"] == "Fake\u2122" and found["device"]["driver"] == "none", found
    assert re.match(r"\d{4}-\d\d-\d\dT", found["date"]) and found["commit"] not in ("", None), found
    assert found["environment"]["VKGRID_DEVICE"] == "0" and found["environment"]["VKGRID_TUNING"] == "off", found["environment"]
    assert found["machine"]["threads"] >= 1 and found["machine"]["system"], found["machine"]


def check_tables(text):
    for line in ("Fake\u2122; none", "ops: 2 of 2 passed", "peaks, layers, fp32: fp32_flops 6.1e+13", "7.00 / 6.00 / 5.00",
                 "curve, mixed, batch 4: 1: 100.0, 2: 200.0, 4: 400.0, 8: 400.0 samples/s", "conv 75%, adam 25%",
                 "barriers, fp32, 4 slots: kernels 10.000 ms (3), ends 20.000 ms (3); ends / kernels 2.000",
                 "tune, mixed, 4 slots: 1 of 2 convolutions have another tile, 2 left", "a -> b, 2.000 -> 1.000 ms",
                 "batch 4: eager 5.00 (of eager; goal 5)", "batch 4  pytorch  processes:4          unavailable: it is a fake"):
        assert line in text, (line, text)


def test_failures():
    """What fails, is skipped, hangs, or needs what is not there; the rest goes on, and each step has its share."""
    finish("--seconds", "24", "--json", "bad.json", "--steps", "ops,tests,curve,compare", "--python", "/nowhere/python3",
           tests="bad", status=1)
    found = read_json("bad.json")
    results = runs_of(found)
    assert results["ops"]["result"] == "passed" and results["curve, fp32, batch 4"]["result"] == "passed", results
    assert results["ops-mixed"]["result"] == "skipped", results
    assert results["ops-mixed"]["reason"] == "skipped: no mixed precision", results
    assert results["curve, mixed, batch 4"]["result"] == "skipped", results
    assert results["bad"]["result"] == "failed" and "the end of it" in results["bad"]["output"], results
    assert results["stuck"]["result"] == "stopped" and results["stuck"]["reason"].startswith("stopped after"), results
    assert results["comparison"]["result"] == "left out" and "/nowhere/python3" in results["comparison"]["reason"], results
    assert not is_alive("stuck.pid") and not is_alive("child.pid"), "what it has run goes on"
    steps = {step["name"]: step for step in found["steps"]}
    shares = {step.name: step.seconds for step in gpu_steps.STEPS if step.name in steps}
    first = 24 * shares["ops"] / sum(shares.values())
    assert abs(steps["ops"]["budget"] - first) < 1, (steps, first)
    for name in "tests", "curve":  # no less than by the table, since those before have left something over
        assert steps[name]["budget"] > 24 * shares[name] / sum(shares.values()) - 1, (name, steps)
    assert results["stuck"]["budget"] <= steps["tests"]["budget"] and found["ended"] == "done", found
    spent = 0  # no step is given more than the steps before it have left over, however slow the machine is
    for step in found["steps"]:
        assert step["budget"] <= max(0, 24 - spent) + 5 + 1, (steps, spent)
        spent += step["seconds"]
    text = read("bad.txt")
    assert "FAILED bad" in text and "STOPPED stuck" in text and "SKIPPED ops-mixed" in text, text


def is_alive(path):
    """Whether the process whose number is in a file goes on; what is dead but not waited for does not."""
    try:
        return read(f"/proc/{read(path).strip()}/stat").split(")")[-1].split()[0] not in "ZX"
    except OSError:
        return False


def wait_for(path):
    while not (os.path.exists(path) and read(path)):
        time.sleep(0.05)


def test_cut_off():
    """Killed outright, and told to end: what was measured is there."""
    for number, ended in (signal.SIGKILL, "it was killed"), (signal.SIGTERM, "SystemExit: 143"):
        for path in "stuck.pid", "child.pid":
            if os.path.exists(path):
                os.unlink(path)
        with gpu("--seconds", "600", "--json", "cut.json", tests="bad", environment=EVERYTHING) as process:
            wait_for("child.pid")
            process.send_signal(number)
            process.wait(20)
        found = read_json("cut.json")
        results = runs_of(found)
        assert found["ended"] == ended and results["ops"]["result"] == "passed", found["ended"]
        assert [step["name"] for step in found["steps"]] == STEPS[:4], found["steps"]
        assert "ops: " in read("cut.txt") and ended in read("cut.txt"), read("cut.txt")
        if number == signal.SIGTERM:
            assert results["stuck"]["result"] == "stopped" and not is_alive("stuck.pid") and not is_alive("child.pid"), results
        else:
            for path in "stuck.pid", "child.pid":
                os.kill(int(read(path)), signal.SIGKILL)


def test_continue():
    """What passed is taken over, with its commit; what failed, was stopped or left out is done."""
    first = ["--seconds", "600", "--json", "first.json", "--steps", "ops,tests,curve,tune"]
    environment = {**EVERYTHING, "FAKE_LOG": "log"}
    script("mended/bad_test", "exit 3")
    finish(*first, tests="mended", environment=environment, status=1)
    earlier = read_json("first.json")
    earlier["commit"] = "older"
    for each in runs_of(earlier).values():
        each["commit"] = "older"
    runs_of(earlier)["tuned steps, fp32, 4 slots"]["result"] = "stopped"
    with open("first.json", "w", encoding="utf-8") as file:
        json.dump(earlier, file)
    script("mended/bad_test", "exit 0")
    starts()
    finish("--seconds", "600", "--json", "second.json", "--continue", "first.json", "--steps", "ops,tests,curve,steps,tune",
           tests="mended", environment=environment)
    found = read_json("second.json")
    results = runs_of(found)
    assert results["ops"]["commit"] == results["curve, fp32, batch 4"]["commit"] == "older", results
    assert results["bad"]["result"] == "passed" and results["bad"]["commit"] == found["commit"] != "older", results["bad"]
    assert "steps, fp32, 4 slots" in results, "the curve that was taken over is not known"
    begun = starts()
    assert not any("--curve" in line for line in begun) and sum("--tune" in line for line in begun) == 2, begun
    assert results["tuned steps, mixed, 4 slots"]["commit"] == "older", results
    assert results["tuned steps, fp32, 4 slots"]["commit"] == found["commit"], results
    assert found["earlier"][0]["commit"] == "older" and "earlier: " in read("second.txt"), found["earlier"]
    finish("--json", "third.json", "--continue", "second.json", "--steps", "curve", tests="mended", environment=environment)
    assert set(runs_of(read_json("third.json"))) == set(results), "steps that were not asked for are lost"
    assert not any(line.startswith("bench") for line in starts()), "what passed is done again"


def test_partial():
    """A comparison that had no time for some of it is there, but not taken over."""
    arguments = ["--steps", "compare", "--batch", "4,2"]
    finish(*arguments, "--seconds", "20", "--json", "part.json", environment={**EVERYTHING, "FAKE_HANG": "compile"})
    found = runs_of(read_json("part.json"))["comparison"]
    assert found["result"] == "stopped" and found["reason"].startswith("no time was left for "), found
    assert found["measured"]["ratios"]["4"]["eager"]["ratio"] == 5 and "4: eager 5.00" in read("part.txt"), found
    finish(*arguments, "--seconds", "600", "--json", "rest.json", "--continue", "part.json", environment=EVERYTHING)
    found = runs_of(read_json("rest.json"))["comparison"]
    assert found["result"] == "passed" and found["measured"]["ratios"]["2"]["eager"]["ratio"] == 5, found


def test_refusals():
    for path, text in (("list.json", "[]"), ("text.json", "no"), ("without.json", '{"device": {}}'),
                       ("steps.json", '{"device": {}, "steps": [{"name": 1}]}')):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        output = finish("--continue", path, "--json", "none.json", status=1)
        assert output == f"gpu: {path}: is no file of bench/gpu with a device\n", output
    output = finish("--continue", "missing.json", "--json", "none.json", status=1)
    assert len(output.splitlines()) == 1 and "missing.json" in output, output
    output = finish("--continue", "second.json", "--size", "64x64", "--json", "none.json", status=1)
    assert "gpu: --continue: its size is 128x256, not 64x64" in output, output
    output = finish("--json", "/nowhere/gpu.json", status=1)
    assert len(output.splitlines()) == 1 and "/nowhere" in output, output
    output = finish("--steps", "ops,nothing", status=2)
    assert "--steps: 'nothing' is none of devices, " in output, output
    with open("bad/tests.json", "w", encoding="utf-8") as file:
        file.write('[{"name": "ops"}]')
    output = finish("--json", "none.json", tests="bad", status=1)
    assert output == f"gpu: {os.path.abspath('bad/tests.json')}: is not what --pack has written\n", output
    output = finish("--json", "none.json", environment={"FAKE_KIND": "CPU"}, status=1)
    assert "no GPU that can be used (0: Fake\u2122 (CPU))" in output, output
    assert read_json("none.json")["ended"] in output, output


def test_side_by_side():
    """Tests that wait for each other; those of other steps are alone."""
    finish("--steps", "ops,tests", "--jobs", "2", "--seconds", "60", "--json", "pair.json", tests="pair")
    assert runs_of(read_json("pair.json"))["left"]["result"] == "passed", read("pair.txt")
    for path in glob.glob("*.met"):
        os.unlink(path)
    finish("--steps", "tests", "--jobs", "1", "--seconds", "8", "--json", "pair.json", tests="pair")
    assert runs_of(read_json("pair.json"))["left"]["result"] == "stopped", read("pair.txt")


def test_once_more():
    """A test that hangs the first time passes at the end, in the time that others have left over."""
    finish("--steps", "first,tests,layers,curve,steps,families,tune", "--seconds", "40", "--json", "again.json", tests="again",
           environment=EVERYTHING)
    results = runs_of(read_json("again.json"))
    assert results["slow"]["result"] == "passed" and read("again.count").count("x") == 2, (results, read("again.count"))


def test_matrix_units():
    """Those that are there but not used are measured."""
    finish("--steps", "families", "--seconds", "600", "--json", "matrix.json", environment={
        **EVERYTHING, "FAKE_FEATURES": "fp16, matrix units are there but not used: nothing is known of them with this driver"})
    found = runs_of(read_json("matrix.json"))["steps, mixed, 4 slots, matrix units"]
    assert "--matrix on" in found["command"], found


def test_many():
    """Where there are many runs for little time the first get what one needs."""
    finish("--steps", "barriers", "--seconds", "30", "--json", "many.json", environment=EVERYTHING)
    output = finish("--steps", "devices,compare", "--seconds", "20", "--json", "few.json", environment=EVERYTHING)
    assert output.index("devices: passed") < output.index("compare: "), "a short step is left out and tried once more"
    name, found = next(iter(runs_of(read_json("many.json")).items()))  # what was tried once more is at the end
    assert name == "barriers, mixed, 1 slots, kernels, round 1" and found["result"] == "passed", (name, found)


def test_halves():
    """One that hangs leaves half of what its step has left to the others."""
    with gpu("--seconds", "240", "--json", "halves.json", environment={**EVERYTHING, "FAKE_HANG": "64x64"}) as process:
        while not os.path.exists("halves.json") or "study, mixed" not in runs_of(read_json("halves.json")):
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
    found = runs_of(read_json("halves.json"))
    assert found["64x64, fp32"]["budget"] < 11 and found["study, mixed"]["result"] == "passed", found


def test_list():
    output = finish("--list", "--seconds", "540")
    rows = [line.split() for line in output.splitlines()]
    assert [row[0] for row in rows] == STEPS and sum(int(row[1]) for row in rows) == 540, output
    assert finish("--list", "--steps", "curve", "--seconds", "100").split()[:2] == ["curve", "100"]


def test_tiles():
    """Tiles are told by their numbers: the first of each family in tiles.c."""
    text = read(os.path.join(HERE, "..", "..", "src", "engine", "vulkan", "tiles.c"))
    families = re.findall(r"\{(CONV_[A-Z]+), \.local = (\d+), \.rows", text)
    numbers = {family: [number for number, (name, _) in enumerate(families, 1) if name == family] for family, _ in families}
    assert gpu_steps.SHARED_TILE == numbers["CONV_SHARED"][0] and gpu_steps.MATRIX_TILE == numbers["CONV_MATRIX"][0], numbers
    assert gpu_steps.WINOGRAD_TILE == numbers["CONV_WINOGRAD"][0] and families[gpu_steps.STEP_TILE - 1] == ("CONV_SHARED", "128")


def test_summary():
    """Numbers of another form take a table away, nothing more."""
    record = {**read_json("whole.json")}
    for each in runs_of(record).values():
        if isinstance(each.get("measured"), dict):
            each["measured"] = {name: "none" for name in each["measured"]}
    text = gpu_summary.summary(record)
    assert "ops: 2 of 2 passed" in text and "layers: TypeError" in text, text


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    os.environ["FAKE_LOG"] = os.path.abspath("log")
    script("vkgrid", f'exec {shlex.quote(sys.executable)} {shlex.quote(FAKE)} "$@"')
    OPS = ('[ "$VKGRID_DEVICE" = 0 ] && [ "$__GL_SHADER_DISK_CACHE" = 1 ] && [ -d "$__GL_SHADER_DISK_CACHE_PATH" ] || exit 1\n'
           '[ -z "$1" ] || [ "$FAKE_MIXED" ] || { echo "skipped: no mixed precision"; exit 77; }')
    OPS_TESTS = [("ops", [], [], OPS), ("ops-mixed", ["--mixed"], [], OPS)]
    HANG = f"cd {shlex.quote(folder)}; sleep 600 & echo $! >child.pid; echo $$ >stuck.pid; exec sleep 600"
    MEET = f"cd {shlex.quote(folder)}; echo >$$.met; while [ $(ls *.met | wc -l) -lt 2 ]; do sleep 0.05; done"
    AGAIN = f"cd {shlex.quote(folder)}; echo x >>again.count; [ $(wc -l <again.count) -ge 2 ] || exec sleep 600"
    list_tests("tests", *OPS_TESTS, ("tiles", [], [], "exit 0"), ("resume", [], ["training"], "exit 0"))
    list_tests("bad", *OPS_TESTS, ("bad", [], [], "echo the end of it; exit 3"), ("stuck", [], [], HANG))
    list_tests("mended", *OPS_TESTS, ("bad", [], [], "exit 0"))
    list_tests("pair", *OPS_TESTS, ("left", [], [], MEET), ("right", [], [], MEET))
    list_tests("again", *OPS_TESTS, ("slow", [], [], AGAIN))
    wanted = sys.argv[1:]
    for test in (test_list, test_tiles, test_compare, test_order, test_summary, test_failures, test_cut_off, test_continue,
                 test_partial, test_refusals, test_side_by_side, test_once_more, test_matrix_units, test_many, test_halves):
        if not wanted or test.__name__ in wanted:
            print(test.__name__, flush=True)
            test()
