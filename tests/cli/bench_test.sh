#!/bin/sh
# SPDX-License-Identifier: MIT
# What `vkgrid bench` prints adds up: rates are work over time, every op of a step has a time, the curve has its points.
# bench_test.sh VKGRID vulkan|cpu PYTHON
. "$(dirname "$0")/expect.sh"

device=cpu batches=1,2
if [ "$2" = vulkan ]; then
    device=$("$vkgrid" devices | awk '/^[0-9]+  / {n = $1} /^   (software driver|.* GPU), / {print n; exit}')
    batches=2 # software drivers take their time
    [ "$device" ] || { echo 'skipped: no Vulkan device'; exit 77; }
fi

# On shared cores threads of OpenMP that wait actively take ten times as long.
export OMP_WAIT_POLICY=passive

expect 2 'multiples of 32' bench --size 33x64
expect 2 'numbers from 1 to 1024' bench --batch-sizes 2,,4
expect 2 'numbers from 1 to 1024' bench --batch-sizes 2,x
expect 2 'a number from 0 to 3600' bench --seconds much
"$vkgrid" bench --device "$device" --size 32x32 --batch-size 1 --pack 2 --batch-sizes $batches --seconds 0 --json -q >bench.json 2>stderr || fail "bench: $?"
"$3" - "$2" $batches <<'END' || fail 'bench: what it prints does not add up'
import json
import sys

bench = json.load(open("bench.json"))
assert (bench["rows"], bench["cols"], bench["batch_size"], bench["slots"]) == (32, 32, 1, 2), bench
for name in "training_step", "evaluation":
    step = bench[name]
    assert step["seconds"] > 0 and abs(step["samples_per_second"] * step["seconds"] - 2) < 1e-6, step
    assert step["gflops"] > 0, step
assert len(bench["layers"]) > 20 and sum(layer["count"] for layer in bench["layers"]) > 30, bench["layers"]
assert ("peaks" in bench) == (sys.argv[1] == "vulkan"), bench
for layer in bench["layers"]:
    assert layer["gflop"] > 0, layer
    for name in "forward", "input_grad", "weight_grad":
        assert layer[name] > 0 and ("peaks" in bench) == (name + "_share" in layer), layer
        if "peaks" in bench:
            assert abs(layer[name + "_share"] * bench["peaks"]["fp32_flops"] / layer[name] / 1e9 - 1) < 1e-6, layer
assert bench["op_seconds"]["conv"] > 0 and bench["op_seconds"]["adam"] > 0, bench["op_seconds"]
slot = 14e6 * 4 * 5  # weights, gradients, moments, best weights
for batch_size in map(int, sys.argv[2].split(",")):
    curve = [point for point in bench["curve"] if point["batch_size"] == batch_size]
    assert [point["slots"] for point in curve] == [1, 2], curve
    for point in curve:
        assert abs(point["samples_per_second"] * point["seconds"] - batch_size * point["slots"]) < 1e-6, point
        assert point["device_bytes"] > slot * point["slots"], point
assert slot < bench["slot_bytes"] < bench["device_bytes"], bench
assert ("host_seconds_per_step" in bench) == (sys.argv[1] == "vulkan"), bench
END

"$vkgrid" bench --device "$device" --size 32x32 --batch-size 1 --steps --curve --pack 1 --seconds 0 >stdout 2>stderr || fail "bench: $?"
for text in 'training step' 'evaluation' 'device memory' 'first step' 'one slot more' 'slots   device memory'; do
    grep -q "$text" stdout || fail "bench: no \"$text\""
done
grep -q 'training steps of batch 1, 1 slots at once' stderr || fail 'bench: tells nothing on the way'
exit $failed
