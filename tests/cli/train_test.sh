#!/bin/sh
# SPDX-License-Identifier: MIT
# Real trainings through the program: same bits in packs, after a stop, and from options.json; apply; exit statuses.
# train_test.sh VKGRID vulkan|cpu
. "$(dirname "$0")/expect.sh"

device=cpu
if [ "$2" = vulkan ]; then
    device=$("$vkgrid" devices | awk '/^[0-9]+  / {n = $1} /^   (software driver|.* GPU), / {print n; exit}')
    [ "$device" ] || { echo 'skipped: no Vulkan device'; exit 77; }
fi

# The program on that device, where it computes.
vkgrid_on() {
    case $1 in
    sample) "$vkgrid" "$@" ;;
    *) "$vkgrid" "$@" --device "$device" ;;
    esac
}

run() {
    vkgrid_on "$@" >stdout 2>stderr </dev/null || { fail "vkgrid $*: $?"; cat stderr >&2; }
}

# The rows of a cell without what depends on time.
numbers() {
    cut -f 1-4,6- "$1/cells/$2/epochs.tsv"
    cut -f 1-3 "$1/cells/$2/training.tsv"
}

same_study() {
    for cell in grid00000 grid00001 grid00002; do
        numbers "$1" $cell >a
        numbers "$2" $cell >b
        cmp -s a b || fail "$1 and $2 differ in $cell"
        cmp -s "$1/cells/$cell/best_own.safetensors" "$2/cells/$cell/best_own.safetensors" ||
            fail "$1 and $2 differ in the weights of $cell"
    done
    cmp -s "$1/hyperparameters/own_area.json" "$2/hyperparameters/own_area.json" || fail "$1 and $2 rank differently"
}

run sample data --subjects 3 --size 32x32
cat >grid.json <<'END'
{"static": {"partition": [["sub01", "sub02"], ["sub03"]], "raters": [], "gamma": 0.9, "bce_weight": 0.5, "batch_size": 2,
  "inputs": "own", "prediction": "area", "features": {"inputs": {"own": ["curvature", "x"]}}, "image_size": [32, 32],
  "num_epochs": 1, "plan": [{}, {"bce_weight": 0}], "data_cache_path": "data"},
 "hyper": {"lr": [0.001, 0.01, 0.1]}}
END
run search -o alone --pack 1 --keep all --quiet
run search -o together --pack 3 --keep all --quiet
same_study alone together

# Stopped by a signal once the first cell is there, started again.
"$vkgrid" search -o stopped --pack 1 --keep all --quiet --device "$device" >stdout 2>stderr </dev/null &
process=$!
waited=0
while [ ! -e stopped/cells/grid00000/training.tsv ] && [ $waited -lt 600 ]; do
    sleep 0.1
    waited=$((waited + 1))
done
kill -INT $process
wait $process
status=$?
[ $status -eq 130 ] || { fail "after SIGINT: exit status $status"; cat stderr >&2; }
grep -q 'interrupted: [12] of 3 cells are finished' stderr || fail 'nothing says that it was interrupted'
run search -o stopped --pack 2 --keep all --quiet
grep -q '3 of 3 cells finished ([12] of them earlier)' stdout || fail 'finished cells were not skipped'
same_study alone stopped

# Another study in the same folder.
vkgrid_on search -o alone --seed 5 --quiet >stdout 2>stderr
[ $? -eq 1 ] && grep -q 'alone: holds another study: seed: 5 instead of 0' stderr || fail 'another study was not refused'

# One cell again, from its own files and from the ranking.
cell=alone/cells/grid00001
run train $cell/options.json $cell/plan.json -o again --log-steps --quiet
cmp -s $cell/best_own.safetensors again/best_own.safetensors || fail 'train: other weights'
[ "$(wc -l <again/steps.tsv)" -eq 3 ] || fail 'train: not one step in each of two rounds'
run train alone/hyperparameters/own_area.json --rank 2 -o second --quiet --init $cell/best_own.safetensors --no-shuffle
# The same command says that it is finished, another one is refused.
run train $cell/options.json $cell/plan.json -o again --log-steps --quiet
grep -q 'again: this training is finished' stdout || fail 'train: nothing says that it is finished'
grep -q '^run 1 of 1: validation dice loss [0-9.]*, loss [0-9.]*, in round [12], the best$' stdout || fail 'train: no score'
grep -q '^weights of the best: again/best_own.safetensors$' stdout || fail 'train: nothing says where the weights are'
vkgrid_on train $cell/options.json $cell/plan.json -o again --log-steps --quiet --seed 9 >stdout 2>stderr
[ $? -eq 1 ] && grep -q 'again: holds another training: seed: 9 instead of 0' stderr || fail 'train: another one was not refused'
"$vkgrid" status again >stdout 2>stderr || fail "status: $?"
grep -q 'own_area  *1 ' stdout || fail 'status: no cell of a training'

# Options and plan as the original has them, in the folder that they name; twice two runs.
cat >options.json <<'END'
{"until": 2, "prediction": "area", "base_model": "resnet18", "dataset_cache_path": "data", "model_cache_path": "models",
 "partition": "default", "image_size": 32}
END
cat >plan.json <<'END'
[{"gamma": 0.90, "lr": 0.00375, "bce_weight": 0.750, "batch_size": 2, "num_epochs": 1},
 {"gamma": 0.90, "lr": 0.00250, "bce_weight": 0.375, "batch_size": 2, "num_epochs": 1}]
END
for pack in 1 2; do
    run train options.json plan.json --inputs anat --set model_key=m$pack --set 'partition=[["sub01", "sub02"], ["sub03"]]' \
        --set raters=[] --pack $pack --json --quiet
    grep -q "\"weights\": \"best_anat.safetensors\"" stdout || fail "train: no weights of m$pack"
done
cmp -s models/m1/best_anat.safetensors models/m2/best_anat.safetensors || fail 'train: packs matter'

# Predictions: from what the weights say of themselves, and from a file of options.
run apply -w $cell/best_own.safetensors -d data -o predicted --quiet
for subject in sub01 sub02 sub03; do
    [ "$(wc -c <predicted/$subject.npy)" -eq $((128 + 4 * 3 * 32 * 32)) ] || fail "apply: $subject.npy"
    [ -s predicted/$subject.png ] || fail "apply: $subject.png"
done
run apply -w $cell/best_own.safetensors -d data -o some --samples sub02 --options $cell/options.json --quiet
cmp -s predicted/sub02.npy some/sub02.npy || fail 'apply: samples depend on one another'
run apply -w $cell/best_own.safetensors -d data -o listed --inputs curvature,x --prediction V1,V2,V3 --quiet
cmp -s predicted/sub02.npy listed/sub02.npy || fail 'apply: listed features differ'

# Weights of another architecture, damaged weights: nothing is written.
refused() {
    text=$1
    shift
    vkgrid_on "$@" -d data -o refused --quiet >stdout 2>stderr
    [ $? -eq 1 ] || fail "vkgrid $*: taken"
    grep -qF "$text" stderr || { fail "vkgrid $*: nothing says \"$text\""; cat stderr >&2; }
    [ ! -e refused ] || fail "vkgrid $*: something was written"
}
refused "these are a ResNet-18's weights, but base_model is resnet34" apply -w $cell/best_own.safetensors --base-model resnet34
refused 'weights for 2 features and 3 labels, but 2 features and 5 labels are wanted' apply -w $cell/best_own.safetensors --prediction ring
head -c 100000 $cell/best_own.safetensors >cut.safetensors
refused 'cut.safetensors' apply -w cut.safetensors
rm data/V2/sub02.png
refused 'V2/sub02' search
exit $failed
