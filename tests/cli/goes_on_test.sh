#!/bin/sh
# SPDX-License-Identifier: MIT
# A study goes on by itself (search -o OUT), with data that moved, and in parts whose data lie at different paths.
# goes_on_test.sh VKGRID
. "$(dirname "$0")/expect.sh"

run() {
    "$vkgrid" "$@" --device cpu --threads 1 >stdout 2>stderr </dev/null || fail "vkgrid $*: $?"
}

refused() {
    text=$1
    shift
    "$vkgrid" "$@" --device cpu --threads 1 >stdout 2>stderr </dev/null
    [ $? -eq 1 ] || fail "vkgrid $*: was not refused"
    grep -qF -- "$text" stderr || fail "vkgrid $*: nothing says \"$text\""
}

says() {
    grep -qE -- "$1" stdout stderr || fail "nothing says \"$1\""
}

# Rows without what depends on time, and weights.
same() {
    for cell in "$1"/cells/*; do
        name=${cell##*/}
        cut -f 1-4,6- "$1/cells/$name/epochs.tsv" >a
        cut -f 1-4,6- "$2/cells/$name/epochs.tsv" >b
        cmp -s a b || fail "$1 and $2 differ in $name"
        cmp -s "$1/cells/$name/best_own.safetensors" "$2/cells/$name/best_own.safetensors" || fail "$1 and $2: weights of $name"
    done
}

"$vkgrid" sample data --subjects 3 --size 32x32 -q || fail 'sample'
cat >grid.json <<'END'
{"static": {"partition": [["sub01", "sub02"], ["sub03"]], "gamma": 0.9, "bce_weight": 0.5, "batch_size": 2, "image_size": 32,
  "inputs": "own", "prediction": "area", "features": {"inputs": {"own": ["curvature", "x"]}}, "num_epochs": 1, "plan": [{}]},
 "hyper": {"lr": [0.001, 0.01]}}
END
sed -i 's/"image_size": 32/"image_size": [32, 32]/' grid.json
run search grid.json -d data -o alone --keep all -q

# Grid, settings and data of the study itself; data that moved are known by what they are.
run search grid.json -d data -o study --keep all --cells 0 -q
run search -o study
says 'grid.json: is not read'
says '^cells: 0, as the search before'
says '^1 of 1 cells finished \(1 of them earlier\)'
mv data moved
mv grid.json kept.json
run search -o study --cells :
says '^data: .*/data: no such folder: found again by their fingerprint [0-9a-f]{16}: .*/moved$'
says '^2 of 2 cells finished \(1 of them earlier\)'
same alone study
grep -q '/data"' study/cells/grid00000/options.json || fail 'options.json of what is trained was changed'
grep -q '/moved"' study/cells/grid00001/options.json || fail 'options.json of what was trained then names other data'
run search -o study
says '^2 of 2 cells finished \(2 of them earlier\)'
grep -q fingerprint stderr && fail 'the new path was not kept'

# Other data are refused with both fingerprints, also where nothing is left to train.
cp -r moved other
cp other/x/sub01.npy other/x/sub03.npy
refused 'is not the data that the study began with (fingerprint' search -o study -d other
mkdir far
mv moved far
run search -o study
says '^data: .*/moved: no such folder; of those in .* 1 have its files and none the study.s fingerprint'
run search -o study -d far/moved
says '^data: .*/far/moved, which were in .*/moved before$'
run search kept.json -o study -q # a grid that says nothing of data
rm -r other

# Mistakes.
refused 'study: is a study, no grid file: vkgrid search -o study goes on with it' search study
refused 'vkgrid search -o study goes on with it' search study/study.db
refused 'far: is a folder: a grid file' search far
refused 'study: holds another study than the sample study: --overwrite needs the grid' search -o study --overwrite
refused 'prune: "asha" instead of "none"' search -o study --prune asha
grep -q overwrite stderr && fail 'to overwrite what is finished was proposed'

# Parts of a search, the data of each at a path of its own; a part stays one, and counts once.
cp -r far/moved here
run search kept.json -d far/moved -o p0 --keep all --shard 0/2 -q
run search kept.json -d here -o p1 --keep all --shard 1/2 -q
rm -r far
run search -o p0
says '^1 of 1 cells finished \(1 of them earlier; one part of the study\)'
cp -r p1 again
"$vkgrid" merge p0 p1 again p1 -o all >stdout 2>stderr || fail 'parts at two paths do not merge'
says '^all: 2 of 2 cells finished; 2 taken from 3 folders'
same alone all
run search -o all
says '^2 of 2 cells finished \(2 of them earlier\)'
says 'data: .*/here'

# Cells that a sampler draws.
run search kept.json -d here -o r0 --sampler random --trials 2 --shard 0/2 -q
run search kept.json -d here -o r1 --sampler random --trials 2 --shard 1/2 -q
"$vkgrid" merge r0 r1 -o random >stdout 2>stderr || fail 'random parts do not merge'
says '^random: 2 of 2 cells finished'
run search -o random
says '^2 of 2 cells finished \(2 of them earlier\)'
exit $failed
