#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random search over the axes of a grid, to show how any program drives `vkgrid worker` (docs/worker.md).

    random_search.py BATCHES AT_ONCE GRID.json -d DATA -o OUT [OPTIONS of vkgrid worker]

The same command goes on with what was stopped: trial n is always the same.
"""
import json
import math
import random
import subprocess
import sys


def draw(axis, chance):
    bounds = axis["attributes"]
    if axis["name"] == "CategoricalDistribution":
        return chance.choice(bounds["choices"])
    low, high = bounds["low"], bounds["high"]
    if axis["name"] == "IntDistribution":
        return chance.randint(low, high)
    return min(high, math.exp(chance.uniform(math.log(low), math.log(high)))) if bounds["log"] else chance.uniform(low, high)


batches, at_once, best = int(sys.argv[1]), int(sys.argv[2]), (math.inf, None)
worker = subprocess.Popen(["vkgrid", "worker", *sys.argv[3:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
axes = json.loads(worker.stdout.readline())["hello"]["axes"]
for first in range(0, batches * at_once, at_once):
    values = {str(n): {key: draw(axis, random.Random(f"{n} {key}")) for key, axis in axes.items()}
              for n in range(first, first + at_once)}
    print(json.dumps({"train": [{"id": id, "values": values[id]} for id in values]}), file=worker.stdin, flush=True)
    left = set(values)
    while left:
        kind, body = next(iter(json.loads(worker.stdout.readline()).items()))
        if kind in ("done", "failed", "refused"):
            left.remove(body["id"])
            print(body["id"], kind, body.get("value", body.get("why")), values[body["id"]])
        if kind == "done":
            best = min(best, (body["value"], body["id"]))
print(f"best: trial {best[1]}, dice loss {best[0]}")
worker.communicate()
