#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Speaks the protocol of `vkgrid worker` and computes a formula in place of a training.

    fake_worker.py worker GRID.json -o OUT ...
"""
import json
import math
import os
import select
import sys
import time

EPOCHS = 4
SECONDS = float(os.environ.get("FAKE_SECONDS", 0))  # of an epoch
AXES = {"lr": {"name": "FloatDistribution", "attributes": {"step": None, "low": 1e-4, "high": 1e-1, "log": True}},
        "bce_weight": {"name": "FloatDistribution", "attributes": {"step": None, "low": 0, "high": 1, "log": False}},
        "gamma": {"name": "FloatDistribution", "attributes": {"step": None, "low": 0.5, "high": 1, "log": False}}}


def objective(values):
    rate, weight, gamma = math.log10(values["lr"] / 0.002), values["bce_weight"] - 0.6, values["gamma"] - 0.9
    return 0.1 + 0.5 * rate ** 2 + 2 * weight ** 2 + 20 * gamma ** 2


def say(kind, **body):
    print(json.dumps({kind: body}), flush=True)


def prunes():
    """Ids of requests that have come meanwhile."""
    while select.select([sys.stdin], [], [], 0)[0]:
        line = sys.stdin.readline()
        if not line:
            return
        yield json.loads(line)["prune"]["id"]


def train(items):
    left, stopped = {item["id"]: item["values"] for item in items}, set()
    for id in left:
        say("taken", id=id, cell="grid00000", runs=1, epochs_done=0)
    for step in range(EPOCHS):
        time.sleep(SECONDS)
        for id in list(left):
            value = objective(left[id]) + 0.3 * 0.5 ** step
            say("epoch", id=id, run=0, step=step, round=0, epoch=step, dice_loss=value)
        stopped.update(prunes())
        for id in list(left):
            if id in stopped or step == EPOCHS - 1:
                say("pruned" if id in stopped else "done", id=id, value=objective(left.pop(id)), cell="grid00000")


if __name__ == "__main__":
    os.makedirs(sys.argv[4], exist_ok=True)
    say("hello", protocol=1, vkgrid="fake", out=sys.argv[4], axes=AXES)
    while line := sys.stdin.readline():
        request = json.loads(line)
        if "train" in request:
            train(request["train"])
