#!/bin/sh
# SPDX-License-Identifier: MIT
# What a search finds before it trains: a file that only the second feature set needs, weights of another network, batches that
# cannot be trained; the same by a dry run; cells that fail and are tried again.
# checks_test.sh VKGRID
. "$(dirname "$0")/expect.sh"

"$vkgrid" devices --json >devices.json
if grep -q '"chosen": null' devices.json; then
    echo 'skipped: no device'
    exit 77
fi
export OMP_WAIT_POLICY=passive # other tests may run on the same cores
expect 0 '' sample data --subjects 4 --size 32x64 --seed 1

# grid FILE STATIC HYPER: feature sets one and two, of which each has a folder of its own.
grid() {
    cat >"$1" <<END
{"static": {"partition": [["sub01", "sub02", "sub03"], ["sub04"]], "raters": [], "num_epochs": 1, "plan": [{}], "lr": 0.001,
            "gamma": 1, "bce_weight": 0.5, "prediction": "area", $2,
            "features": {"inputs": {"one": ["curvature"], "two": ["curvature", "thickness"]}}},
 "hyper": {"inputs": ["one", "two"]${3-}}}
END
}
grid grid.json '"image_size": [32, 64], "batch_size": 2'
mkdir away && mv data/thickness/sub04.npy away
expect 1 'thickness/sub04{' search grid.json -d data --dry-run
expect 1 '(1 of 2 cells cannot be trained: nothing is trained before)' search grid.json -d data -o study
expect 1 'thickness/sub04{' search grid.json -d data -o study --quiet
printf 'half' >data/thickness/sub04.npy
expect 1 'thickness/sub04.npy: ' search grid.json -d data -o study
mv away/sub04.npy data/thickness
expect 0 'data: thickness: 4 files of 32x64' search grid.json -d data --dry-run
grep -q '^time: about [0-9]' stdout || fail 'the dry run tells no time'
[ ! -e vkgrid-out ] || fail 'the dry run wrote something'
expect 0 '"curvature: 4 files of 32x64, ' search grid.json -d data --dry-run --json
expect 0 'nowhere: no such folder yet' search grid.json -d nowhere --dry-run

# Weights that only some cells begin with.
: >empty.pth
grid weights.json '"image_size": [32, 64], "batch_size": 2' ', "pretrained": [false, "empty.pth"]'
expect 1 'empty.pth: ' search weights.json -d data -o study
expect 1 '2 of 4 cells cannot be trained, for ' search weights.json -d data -o study

# One value a channel: of three samples a batch of two leaves one.
grid batches.json '"image_size": [32, 32], "until": 1' ', "batch_size": [2, 3]'
expect 1 'the last batch of 3 samples in batches of 2 is one image' search batches.json -d data --dry-run
"$vkgrid" search batches.json -d data -o batches >stdout 2>stderr
[ $? -eq 1 ] || fail 'cells that could not be trained leave no trace in the exit status'
grep -qF 'grid: batches.json, 4 of 4 cells; data: ' stderr || fail 'nothing is said of the grid'
grep -qF 'results: batches' stderr || fail 'nothing is said of the output'
grep -qF '2 of 4 cells finished (0 of them earlier)' stdout || fail 'what is finished'
grep -qF 'vkgrid: 2 of 4 cells could not be trained' stderr || fail 'what is not'
grep -qF 'Failed: training: the last batch' batches/cells/grid00000/training.log || fail 'training.log'
expect 0 'the last batch of 3 samples in batches of 2 is one image of 32 x 32: batch norm' status batches
expect 0 '"failed": 2' status batches --json
grep -qF 'the last batch of 3 samples' batches/report.html || fail 'the report has no reason'

# A study that has begun goes on without what has to be mended, and trains it later.
grid two.json '"image_size": [32, 64], "batch_size": 2'
"$vkgrid" search two.json -d data -o two --cells 0 >stdout 2>stderr || fail 'a search of one cell'
mv data/thickness/sub04.npy away
"$vkgrid" search two.json -d data -o two >stdout 2>stderr
[ $? -eq 1 ] || fail 'a file is missing, and the exit status is 0'
grep -qF '1 of 2 cells could not be trained' stdout || fail 'a file is missing, and nothing says so'
expect 0 'thickness/sub04{' status two
mv away/sub04.npy data/thickness
expect 0 '2 of 2 cells finished (1 of them earlier)' search two.json -d data -o two
grep -qF '1 cell could not be trained before: tried again' stderr || fail 'nothing says that it is tried again'
exit $failed
