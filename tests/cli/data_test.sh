#!/bin/sh
# SPDX-License-Identifier: MIT
# A search over data as people have it: samples that have no files are named, told with --quiet too, and kept in the study; sources
# with names of their own; no raters in the grid; what was read is told; a label that is nowhere is refused before anything is written.
# data_test.sh VKGRID
. "$(dirname "$0")/expect.sh"

"$vkgrid" devices --json >devices.json
if grep -q '"chosen": null' devices.json; then
    echo 'skipped: no device'
    exit 77
fi
export OMP_WAIT_POLICY=passive # other tests may run on the same cores
expect 0 '' sample data --subjects 4 --size 32x64 --seed 1
for folder in data/*/; do mv "$folder"/sub02.* "$folder/Sub02.${folder##*/}npy"; done

# grid FILE LABELS
grid() {
    cat >"$1" <<END
{"static": {"partition": [["sub01", "sub02", "sub03"], ["sub04"]], "image_size": [32, 64], "num_epochs": 1, "batch_size": 2,
            "plan": [{}], "lr": 0.001, "gamma": 1, "bce_weight": 0.5, "prediction": "own",
            "inputs": {"own": {"depth": "curvature", "thick": "thickness"}},
            "features": {"prediction": {"own": $2}}}, "hyper": {}}
END
}
grid grid.json '{"first": "V1", "second": "V2[0]"}'
expect 0 'sub02 (nearest: Sub02.npy)' search grid.json -d data -o study -q
grep -qF '1 of 4 samples has no files and is left out: sub02' stderr || fail 'nothing is said of what is left out'
grep -qF '1 of 4 samples has no files and is left out: sub02' study/cells/grid00000/training.log || fail 'training.log'
expect 0 'own_own: 1 of 4 samples: sub02 (nearest: Sub02.npy)' status study
grep -qF '"left_out": {"own_own": {"count": 1, "samples": 4}}' study/report.html || fail 'the report has no count'
grep -q 'Sub02' study/report.html && fail 'the report has a name'
grep -qF '"first": "V1"' study/cells/grid00000/options.json || fail 'the options have no sources'
expect 0 'data: V1: 3 files of 32x64, ' search grid.json -d data -o told
expect 0 '4 samples written to predicted' apply -w study/cells/grid00000/best_own.safetensors -d data -o predicted
grid class.json '{"first": "V1=3", "second": "V2"}'
expect 1 'label V1=3: reaches 0.5 in none of the 2 training samples' search class.json -d data -o class
exit $failed
