#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vkgrid worker: the line protocol, and that nothing is lost or trained twice whatever is killed.

    worker_test.py VKGRID
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

VKGRID = os.path.realpath(sys.argv[1])
COMPARE = pathlib.Path(__file__).resolve().parent.parent / "faults" / "compare_studies.py"
GRID = {"static": {"partition": [["sub01", "sub02"], ["sub03"]], "raters": [], "gamma": 0.9, "bce_weight": 0.5, "inputs": "own",
                   "prediction": "area", "features": {"inputs": {"own": ["curvature", "x"]}}, "image_size": [32, 32],
                   "num_epochs": 2, "plan": [{}, {"bce_weight": 0}]},
        "hyper": {"lr": {"min": 0.0005, "max": 0.01, "log": True}, "batch_size": [1, 2]}}
A = {"id": "a", "values": {"lr": 0.002, "batch_size": 2}}
B = {"id": "b", "values": {"lr": 0.001, "batch_size": 2}}
ONE = {"id": "one", "values": {"lr": 0.001, "batch_size": 1}}  # 32x32 is too small for a batch of one


class Worker:
    def __init__(self, out, *options):
        command = [VKGRID, "worker", "grid.json", "-d", "data", "-o", out, "--device", "cpu", "--threads", "1", "-q",
                   "--keep", "all", "--checkpoint", "always", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        errors="surrogateescape")

    def say(self, *lines):
        self.process.stdin.write("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline()
        return next(iter(json.loads(line).items())) if line else (None, None)

    def hear_until(self, kind, count=1):
        """What is said up to the count-th answer of a kind."""
        heard = []
        while count > 0:
            heard.append(self.hear())
            assert heard[-1][0], (kind, heard, self.process.stderr.read())
            count -= heard[-1][0] == kind
        return heard

    def end(self, status):
        """What is still said, and on standard error."""
        rest, errors = self.process.communicate()
        assert self.process.returncode == status, (self.process.returncode, status, rest, errors)
        return [next(iter(json.loads(line).items())) for line in rest.splitlines()], errors


def bodies(heard, kind):
    return [body for what, body in heard if what == kind]


def epochs(heard, id):
    return [(body["run"], body["step"], body["dice_loss"]) for body in bodies(heard, "epoch") if body["id"] == id]


def undisturbed():
    """A batch, and all that is said of it."""
    worker = Worker("whole")
    kind, hello = worker.hear()
    assert kind == "hello" and hello["protocol"] == 1 and hello["out"] == "whole", hello
    assert hello["axes"]["lr"]["name"] == "FloatDistribution" and hello["axes"]["lr"]["attributes"]["log"] is True, hello
    assert hello["axes"]["batch_size"]["attributes"]["high"] == 2, hello
    worker.say({"train": [A, B]}, {"end": {}})
    heard, _ = worker.end(0)
    assert [body["id"] for body in bodies(heard, "taken")] == ["a", "b"] and heard[-1] == ("bye", {"why": "end"}), heard
    for id in "ab":
        assert [step for _, step, _ in epochs(heard, id)] == [0, 1, 2, 3], heard
    for done in bodies(heard, "done"):
        assert done["value"] in [value for _, _, value in epochs(heard, done["id"])] and os.path.exists(done["weights"]), done
    return heard


def disturbed(whole):
    """Killed, left by its driver, and stopped: the same requests again end with the same bits."""
    worker = Worker("parts")
    worker.say({"train": [A, B]})
    worker.hear_until("epoch", 2)
    worker.process.kill()
    worker.end(-signal.SIGKILL)

    worker = Worker("parts")  # nobody reads any more
    worker.say({"train": [A, B]})
    heard = worker.hear_until("epoch", 1)
    assert bodies(heard, "taken")[0]["epochs_done"] >= 1, heard
    worker.process.stdout.close()
    worker.process.stdin.close()
    assert worker.process.wait() == 130, worker.process.stderr.read()

    worker = Worker("parts")
    worker.say({"train": [A, B]})
    worker.hear_until("taken", 2)
    worker.process.send_signal(signal.SIGTERM)
    heard, _ = worker.end(130)
    assert heard[-1] == ("bye", {"why": "interrupted"}), heard

    worker = Worker("parts")
    worker.say({"train": [B, A]}, "")  # in whatever order
    worker.hear_until("done", 2)
    worker.say({"train": A})  # a second of silence, and it is answered by study.db
    heard = worker.hear_until("done")
    worker.say({"end": {}})
    worker.end(0)
    assert epochs(heard, "a") == epochs(whole, "a") and bodies(heard, "taken")[0]["epochs_done"] == 4, heard
    assert bodies(heard, "done")[0]["value"] == next(done["value"] for done in bodies(whole, "done") if done["id"] == "a")
    compared = subprocess.run([sys.executable, COMPARE, "--ignore", "command", "whole", "parts"], capture_output=True, text=True)
    assert compared.returncode == 0, compared.stdout


def refusals():
    """Bad lines and bad requests get an answer each, and nothing ends."""
    worker = Worker("whole")
    bad = ["no JSON", "[]", '{"train": 1}', '{"tarin": {}}', '{"train": {"id": "x"}}', '{"train": {"id": "", "values": {}}}',
           '{"train": {"id": "a\\u0007", "values": {}}}', '{"train": {"id": 3, "values": {}}}',
           '{"train": {"id": "\udcc8", "values": {}}}', '{"go": {}, "end": {}}',
           '{"prune": {"id": "a", "values": {}}}', '{"train": []}', '{"go": 1}', "\0",
           json.dumps({"train": {"id": "y" * 201, "values": {}}}),
           '{"train": {"id": "' + "z" * (1 << 20) + '"}}', '{"train": [' + "[" * 100 + "]" * 100 + "]}"]
    refused = [{"id": "a", "values": {"lr": 0.003, "batch_size": 2}}, {"id": "p", "values": {"lr": 0.1, "batch_size": 2}},
               {"id": "q", "values": {"lr": 0.001}}, {"id": "r", "values": {"lr": 0.001, "batch_size": 2, "gamma": 1}},
               {"id": "s", "values": {"lr": 0.001, "batch_size": 1.5}}]
    worker.say(*bad, {"prune": {"id": "nobody"}}, {"train": [*refused, ONE]})
    heard = worker.hear_until("failed")
    assert [body["line"] for body in bodies(heard, "error")] == list(range(1, len(bad) + 1)), bodies(heard, "error")
    assert [body["id"] for body in bodies(heard, "refused")] == [item["id"] for item in refused], heard
    for body, text in zip(bodies(heard, "refused"), ("other values", "0.0005 to 0.01", "batch_size", "gamma", "whole number")):
        assert text in body["why"], (body, text)
    failed = heard[-1][1]
    assert failed["id"] == "one" and "batch norm" in failed["why"], failed
    worker.say({"train": ONE}, {"go": {}})
    assert worker.hear_until("failed")[-1][1] == failed
    _, errors = worker.end(1)
    assert f"2 failed, {len(refused)} refused, {len(bad)} lines" in errors, errors


def pruning():
    """Stopped after the epoch that is under way; what is not stopped goes on; search takes over what is left."""
    worker = Worker("pruned")
    worker.say({"train": [A, B]}, {"prune": {"id": "a"}})
    heard = worker.hear_until("pruned")
    assert len(epochs(heard, "a")) < 4, heard
    worker.process.kill()
    worker.end(-signal.SIGKILL)
    search = subprocess.run([VKGRID, "search", "grid.json", "-d", "data", "-o", "pruned", "--from-optuna", "--keep", "all",
                             "--device", "cpu", "-q", "--json"], capture_output=True, text=True)
    assert search.returncode == 0, search.stderr
    result = json.loads(search.stdout)
    assert (result["finished"], result["pruned"]) == (2, 1), result
    worker = Worker("pruned")
    worker.say({"train": [A, B]})
    heard = worker.hear_until("done")
    assert bodies(heard, "pruned")[0]["id"] == "a" and heard[-1][1]["id"] == "b", heard
    worker.end(0)


def no_start():
    """What has to be mended ends it before any request fails."""
    for name, options, text in (("none", ["-d", "nowhere"], "nowhere: no such folder"), ("none", ["--pack", "0"], "--pack")):
        worker = Worker(name, *options)
        _, errors = worker.end(2 if "--pack" in options else 1)
        assert text in errors and not os.path.exists(name), (options, errors)
    next(pathlib.Path("data/x").glob("sub02.*")).unlink()
    worker = Worker("later")
    worker.say({"train": [A]})
    heard, errors = worker.end(1)
    assert "sub02" in errors and "sub02" in heard[-1][1]["why"] and not bodies(heard, "failed"), (heard, errors)


def nobody_reads():
    """A driver that asks and does not listen: SIGTERM ends the worker nevertheless."""
    worker = Worker("unread")
    worker.hear_until("hello")
    worker.say(*["x"] * 2000)  # their answers are more than a pipe holds
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(120) == 130, worker.process.returncode


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    subprocess.run([VKGRID, "sample", "data", "--subjects", "3", "--size", "32x32", "--quiet"], check=True)
    pathlib.Path("grid.json").write_text(json.dumps(GRID))
    disturbed(undisturbed())
    refusals()
    pruning()
    nobody_reads()
    no_start()
    os.chdir("/")
