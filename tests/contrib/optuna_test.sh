#!/bin/sh
# SPDX-License-Identifier: MIT
# Optuna reads study.db as its own, and its TPE drives a search (contrib/optuna).
# optuna_test.sh VKGRID SOURCE-FOLDER
source=$(realpath "$2")
. "$source/tests/cli/expect.sh"

# Debian 12's Optuna does not know the tables.
mkdir -p old/optuna
echo '__version__ = "3.1.0"' >old/optuna/__init__.py
PYTHONPATH=old python3 -B "$source/contrib/optuna/look.py" study >stdout 2>stderr && fail 'look.py: takes Optuna 3.1'
grep -q 'Optuna 3.1.0 .* 3.2 or newer is needed' stderr || fail 'look.py: does not say which Optuna is needed'

. "$source/tests/contrib/optuna_python.sh"
optuna_python optuna || {
    echo 'skipped: no python3-optuna'
    [ $failed = 0 ] || exit 1
    exit 77
}
python() {
    PYTHONWARNINGS=ignore ./python "$@" >>stdout 2>all || { tail -n 5 all >stderr; fail "$1"; }
}

"$vkgrid" sample data --subjects 3 --size 32x64 --quiet >stdout 2>stderr || fail 'no sample'
grid() {
    cat <<END
{"static": {"partition": [["sub01", "sub02"], ["sub03"]], "raters": [], "gamma": 0.9, "bce_weight": 0.5,
  "inputs": "own", "prediction": "area", "features": {"inputs": {"own": ["curvature", "x"]}}, "image_size": [32, 64],
  "until": $1, "num_epochs": 2, "plan": [{}, {"bce_weight": 0}]},
 "hyper": {$2}}
END
}

# A study that vkgrid made.
grid 2 '"lr": [0.0005, 0.002, 0.01], "batch_size": [1, 2], "base_model": ["resnet18"]' >grid.json
"$vkgrid" search grid.json -d data -o study --device cpu --quiet >stdout 2>stderr || fail 'search'
python "$source/tests/contrib/optuna_test.py" study grid.json
python "$source/contrib/optuna/look.py" study .
grep -q 'parallel coordinates: ' stdout || fail 'look.py: no parallel coordinates'
cat stdout

# A search that TPE drives, stopped and gone on with.
grid 1 '"lr": {"min": 0.0005, "max": 0.01, "log": true}, "batch_size": {"min": 1, "max": 2}, "base_model": ["resnet18"]' >ranges.json
export VKGRID="$vkgrid" AT_ONCE=2
: >stdout
ROUNDS=1 python "$source/contrib/optuna/tpe.py" ranges.json tpe -d data --device cpu --quiet
grep -q 'own_area: 2 trials, best ' stdout || fail 'tpe.py: not two trials'
enqueue() {
    python -c 'import optuna, sys
optuna.load_study(study_name="own_area", storage="sqlite:///tpe/study.db").enqueue_trial(eval(sys.argv[1]))' "$1"
}
enqueue '{"lr": 0.002}'
ROUNDS=1 python "$source/contrib/optuna/tpe.py" ranges.json tpe -d data --device cpu --quiet
grep -q 'own_area: 5 trials, best ' stdout || fail 'tpe.py: not five trials, one of them partly given'
cat stdout

# One that is refused is told by its number.
enqueue '{"lr": 0.5, "batch_size": 1, "base_model": "resnet18"}'
"$vkgrid" search ranges.json --from-optuna -d data -o tpe --device cpu >stdout 2>stderr &&
    fail 'a trial is refused, and the exit status 0'
grep -q '^refused: trial 5 of own_area: ' stderr && grep -q "1 trial was refused that Optuna asked for" stderr ||
    fail 'a trial is refused, and it is not told'
"$vkgrid" status tpe >stdout 2>stderr || fail 'status'
grep -q '^  trial 5 of own_area: .*lr: is 0.5' stdout || { cat stdout; fail 'status does not tell the refused trial'; }
exit $failed
