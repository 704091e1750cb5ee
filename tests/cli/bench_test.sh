#!/bin/sh
# SPDX-License-Identifier: MIT
# What `vkgrid bench` prints adds up: rates are work over time, every op of a step has a time, the curve has its points.
# bench_test.sh VKGRID vulkan|cpu PYTHON
. "$(dirname "$0")/expect.sh"

device=cpu
if [ "$2" = vulkan ]; then
    device=$("$vkgrid" devices | awk '/^[0-9]+  / {n = $1} /^   (software driver|.* GPU), / {print n; exit}')
    [ "$device" ] || { echo 'skipped: no Vulkan device'; exit 77; }
fi

expect 2 'multiples of 32' bench --size 33x64
"$vkgrid" bench --device "$device" --size 32x32 --batch-size 2 --pack 2 --curve --json -q >bench.json 2>stderr || fail "bench: $?"
"$3" - "$2" <<'END' || fail 'bench: what it prints does not add up'
import json
import sys

bench = json.load(open("bench.json"))
assert (bench["rows"], bench["cols"], bench["batch_size"], bench["slots"]) == (32, 32, 2, 2), bench
for name in "training_step", "evaluation":
    step = bench[name]
    assert step["seconds"] > 0 and abs(step["samples_per_second"] * step["seconds"] - 4) < 1e-6, step
    assert step["gflops"] > 0, step
assert len(bench["layers"]) > 20 and sum(layer["count"] for layer in bench["layers"]) > 30, bench["layers"]
for layer in bench["layers"]:
    assert all(layer[p] > 0 for p in ("gflop", "forward", "input_grad", "weight_grad")), layer
assert bench["op_seconds"]["conv"] > 0 and bench["op_seconds"]["adam"] > 0, bench["op_seconds"]
curve = bench["curve"]
assert [point["slots"] for point in curve] == [2 ** i for i in range(len(curve))] and curve, curve
for point in curve:
    assert abs(point["samples_per_second"] * point["seconds"] - 2 * point["slots"]) < 1e-6, point
    assert point["device_bytes"] > 14e6 * 4 * 5 * point["slots"], point  # weights, gradients, moments, best weights
assert ("peaks" in bench) == (sys.argv[1] == "vulkan"), bench
assert ("host_seconds_per_step" in bench) == (sys.argv[1] == "vulkan"), bench
END

"$vkgrid" bench --device "$device" --size 32x32 --batch-size 1 --steps --curve >stdout 2>stderr || fail "bench: $?"
for text in 'training step' 'evaluation' 'device memory' 'first step' 'slots   device memory'; do
    grep -q "$text" stdout || fail "bench: no \"$text\""
done
grep -q 'training steps, 1 slots at once' stderr || fail 'bench: tells nothing on the way'
exit $failed
