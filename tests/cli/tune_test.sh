#!/bin/sh
# SPDX-License-Identifier: MIT
# `vkgrid bench --tune` and measured packs on a Vulkan device: where files go, what is said of damaged ones, and that neither
# changes a bit of what is trained.
# tune_test.sh VKGRID PYTHON
. "$(dirname "$0")/expect.sh"

device=$("$vkgrid" devices | awk '/^[0-9]+  / {n = $1} /^   (software driver|.* GPU), / {print n; exit}')
[ "$device" ] || { echo 'skipped: no Vulkan device'; exit 77; }
unset VKGRID_TUNING
export HOME="$home" XDG_CACHE_HOME=relative # which does not count
cache=.cache/vkgrid

tune() {
    "$vkgrid" bench --tune --device "$device" --size 32x32 --batch-size 2 "$@" >stdout 2>stderr </dev/null ||
        fail "vkgrid bench --tune $*: $?"
}

"$vkgrid" devices >stdout
grep -q "not tuned: vkgrid bench --tune --device $device" stdout || fail 'devices: does not say that it is not tuned'

# Little time: one convolution, then others, the first one kept. A relative XDG_CACHE_HOME is none.
tune --pack 1 --limit 1 --json
cp stdout first.json
[ -e relative/vkgrid ] && fail 'wrote into a relative XDG_CACHE_HOME'
file=$(ls $cache/tuning-*.json) || fail 'no tuning file'
tune --pack 1 --limit 1
grep -q 'not measured for want of time' stdout || fail 'says nothing of what is left'
grep -q "kept in $home/$file" stdout || fail 'does not say where it is kept'
grep -q 'convolution 1 of' stderr || fail 'no progress'
"$2" - "$file" first.json <<'END' || fail 'the tuning file is not what was printed'
import json
import sys

kept, first = (json.load(open(path)) for path in sys.argv[1:])
conv = first["convolutions"][0]
assert first["left"] > 30 and conv["seconds"] <= conv["default_seconds"], first
assert len(kept["tiles"]) >= 2 and kept["curves"] == [], kept
tile = kept["tiles"][0]
for key in "op", "in", "out", "kernel", "stride", "slots":
    assert tile[key] == conv[key], (tile, conv)
assert kept["device"] == first["device"], kept
END
"$vkgrid" devices >stdout
grep -q 'tuned: tiles of [2-9] convolutions' stdout || fail 'devices: does not say that it is tuned'

# Elsewhere, or nowhere.
XDG_CACHE_HOME="$home/elsewhere" tune --pack 1 --limit 1
ls elsewhere/vkgrid/tuning-*.json >stdout || fail 'XDG_CACHE_HOME is not used'
export VKGRID_TUNING=off
expect 1 'nowhere to keep what is measured' bench --tune --device "$device" --size 32x32
unset VKGRID_TUNING
if "$vkgrid" devices | grep -q '^   CPU, '; then
    expect 1 'there is nothing to tune' bench --tune --device cpu --size 32x32
fi

# A damaged file: one line, and defaults.
printf '{"format": 1' >broken
VKGRID_TUNING=broken tune --pack 1 --limit 0
[ "$(grep -c 'vkgrid: warning: broken' stderr)" -eq 1 ] || fail 'not one warning of a damaged file'
[ "$(cat broken)" = '{"format": 1' ] || fail 'nothing was measured, but the file was changed'

# Trainings: without anything, with a tuning file, with measured packs.
"$vkgrid" sample data --subjects 3 --size 32x32 >stdout 2>stderr
cat >grid.json <<'END'
{"static": {"partition": [["sub01", "sub02"], ["sub03"]], "raters": [], "gamma": 0.9, "bce_weight": 0.5, "batch_size": 2,
  "inputs": "own", "prediction": "area", "features": {"inputs": {"own": ["curvature", "x", "y", "z", "thickness",
  "convexity", "surface_area"]}}, "image_size": [32, 32], "num_epochs": 1, "plan": [{}], "data_cache_path": "data"},
 "hyper": {"lr": [0.001, 0.01]}}
END
search() { "$vkgrid" search --device "$device" --keep all "$@" >stdout 2>stderr </dev/null || fail "vkgrid search $*: $?"; }
VKGRID_TUNING=off search -o plain --quiet
search -o tuned --quiet
VKGRID_TUNING=$home/packs VKGRID_MEASURE_PACKS=1 search -o measured
grep -q 'measuring how many runs are best trained at once' stderr || fail 'packs were not measured'
grep -q '"name": "resnet18, 7 -> 3 channels, 32x32, batch 2, fp32"' packs || fail 'what was measured is not kept'
for study in tuned measured; do
    for cell in grid00000 grid00001; do
        cmp -s plain/cells/$cell/best_own.safetensors $study/cells/$cell/best_own.safetensors ||
            fail "$study: other weights of $cell"
    done
done
VKGRID_MEASURE_PACKS=1 expect 0 'because' search --dry-run --device "$device"
exit $failed
