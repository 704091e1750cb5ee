#!/bin/sh
# SPDX-License-Identifier: MIT
# A device is lost in the middle of a search. Once: its runs go on from their last checkpoint on a fresh device, and end with
# the same bits. Twice in one pack: its runs have failed, with the reason, and the other packs are trained.
# lost_device_test.sh VKGRID FOLDER-OF-THE-LAYER
layer=$(realpath "$2")
compare=$(realpath "$(dirname "$0")/compare_studies.py")
. "$(dirname "$0")/../cli/expect.sh"

device=${VKGRID_DEVICE:-$("$vkgrid" devices | awk '/^[0-9]+  / {n = $1} /^   (software driver|.* GPU), / {print n; exit}')}
[ "$device" ] || { echo 'skipped: no Vulkan device'; exit 77; }

"$vkgrid" sample data --subjects 3 --size 32x32 --quiet >stdout 2>stderr || fail 'no sample'
cat >grid.json <<'END'
{"static": {"partition": [["sub01", "sub02"], ["sub03"]], "raters": [], "gamma": 0.9, "bce_weight": 0.5, "batch_size": 2,
  "inputs": "own", "prediction": "area", "features": {"inputs": {"own": ["curvature", "x"]}}, "image_size": [32, 32],
  "num_epochs": 2, "plan": [{}, {"bce_weight": 0}]},
 "hyper": {"lr": [0.001, 0.01]}}
END

# search OUT STATUS LOST-TIMES LOST-AT
search() {
    env VK_LAYER_PATH="$layer" VK_INSTANCE_LAYERS=VK_LAYER_VKGRID_lost_device LOST_TIMES="$3" LOST_AT="$4" \
        "$vkgrid" search grid.json -d data -o "$1" --device "$device" --pack 1 --quiet >stdout 2>stderr </dev/null
    status=$?
    cat stdout stderr
    [ $status -eq "$2" ] || fail "$1: exit status $status, not $2"
    [ "$(grep -c '^lost device' stderr)" -eq "$3" ] || fail "$1: the device was not lost $3 times"
}
state() { python3 -c 'import sqlite3, sys; print(*sqlite3.connect("lost-twice/study.db").execute(sys.argv[1]).fetchall())' "$1"; }

# In the test of the device when it is opened: one line, and nothing is written.
search untested 1 1 1
grep -q '^vkgrid: .*: its test of fp16: vulkan: .*: device lost$' stderr || fail 'lost at once: not said, or not clearly'
[ ! -e untested/study.db ] || fail 'lost at once: a study all the same'
# From here on submissions are counted that are of the search itself.
export VKGRID_SELF_TEST=off

search whole 0 0 0
# At the beginning, in the middle of an epoch, and later.
for at in 1 7 23; do
    search lost-at-$at 0 1 $at
    python3 "$compare" whole lost-at-$at || fail "lost at submission $at: another result"
done

search lost-twice 1 2 10
state 'SELECT cell, state, attempts, failure FROM vkgrid_runs ORDER BY cell' | tee states
grep -q "^(0, 'FAIL', 2, '.*device lost.*') (1, 'COMPLETE', 0, None)" states || fail 'twice: not one run that failed and one that did not'
grep -q 'device lost' lost-twice/cells/grid00000/training.log || fail 'twice: training.log does not say why'
grep -q '1 run failed' stderr || fail 'twice: nothing is said of it'
env VK_LAYER_PATH="$layer" "$vkgrid" search grid.json -d data -o lost-twice --device "$device" --pack 1 --quiet --retry-failed \
    >stdout 2>stderr || fail '--retry-failed'
state 'SELECT state FROM trials ORDER BY number' | tee states
grep -q "^('FAIL',) ('COMPLETE',) ('COMPLETE',)" states || fail 'retried: not as a new trial'
cmp whole/hyperparameters/own_area.json lost-twice/hyperparameters/own_area.json || fail 'retried: another ranking'
exit $failed
