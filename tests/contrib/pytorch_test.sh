#!/bin/sh
# SPDX-License-Identifier: MIT
# Weights in PyTorch (contrib/pytorch, --format pt, convert) and ONNX: the same probabilities as those of apply.
# pytorch_test.sh VKGRID SOURCE-FOLDER
source=$(realpath "$2")
. "$source/tests/cli/expect.sh"
python=${VKGRID_PYTHON:-/usr/bin/python3}
"$python" -c 'import torch, torchvision, PIL' 2>stderr || { echo "skipped: $python has no torch, torchvision and PIL"; exit 77; }
export PYTHONPATH="$source/contrib/pytorch:$source/tests/oracle" PYTHONWARNINGS=ignore PYTHONDONTWRITEBYTECODE=1
judge() {
    "$python" "$source/tests/contrib/pytorch_test.py" "$@" 2>stderr || fail "$*"
}
run() {
    "$vkgrid" "$@" >stdout 2>stderr </dev/null || fail "vkgrid $*: $?"
}

judge paths paths
judge formats formats
run sample data --subjects 3 --size 100x160 --quiet
"$python" "$source/tests/contrib/pytorch_test.py" prepare data || fail 'prepare'
cat >grid.json <<'END'
{"static": {"partition": [["sub01", "sub02"], ["sub03"]], "raters": [], "gamma": 0.9, "bce_weight": 0.5, "batch_size": 1,
  "inputs": "own", "prediction": "area", "features": {"inputs": {"own": ["curvature", "null", "x", "holes", "saved"]}},
  "image_size": [64, 96], "num_epochs": 12, "plan": [{}], "lr": 0.0005},
 "hyper": {"base_model": ["resnet18", "resnet34"]}}
END

# Weights of a study; those for PyTorch when it is finished already.
run search grid.json -d data -o study --keep all --device cpu --quiet
[ ! -e study/models ] || fail 'models/ without being asked'
run search grid.json -d data -o study --keep all --device cpu --quiet --format pt
expect 1 '--format pt: with --keep none there are no weights' search grid.json -d data -o other --keep none --format pt --device cpu
judge model_cache study/models own area
run train study/cells/grid00001/options.json study/cells/grid00001/plan.json -d data -o one --device cpu --quiet --format pt
judge model_cache one/models own area

# Each way into PyTorch.
for cell in grid00000 grid00001; do
    weights=study/cells/$cell/best_own.safetensors
    run apply -w $weights -d data -o $cell --device cpu --quiet --size 64x96
    run convert $weights $cell.pt
    judge same data $cell $weights
    judge same data $cell $cell.pt $cell.options.json
    run convert $cell.pt $cell.safetensors --options $cell.options.json
    judge equal $weights $cell.safetensors
    run apply -w $cell.safetensors -d data -o again-$cell --device cpu --quiet --size 64x96
    cmp -s again-$cell/sub01.npy $cell/sub01.npy || fail "$cell: other predictions after convert"
done

# With the options of a model of the original's, which name its own subjects and folders.
echo '{"until": 2, "prediction": ["V1", "V2", "V3"], "base_model": "resnet18", "dataset_cache_path": "/nowhere", "partition": "default",
    "model_cache_path": "/nowhere", "inputs": ["curvature", "null", "x", "holes", "saved"], "image_size": [64, 96], "pretrained": true}' >original.json
run convert grid00000.pt of-original.safetensors --options original.json
run apply -w grid00000.pt -d data -o of-original --options original.json --device cpu --quiet --size 64x96
cmp -s of-original/sub01.npy grid00000/sub01.npy || fail "other predictions by the original's options"

# What convert says and refuses.
cp study/cells/grid00000/best_own.safetensors own.safetensors
expect 1 'a.bin: a name that ends with .safetensors, .pt or .pth' convert own.safetensors a.bin
expect 1 'grid00000.pt: is there already' convert own.safetensors grid00000.pt
expect 1 'own.safetensors: is the input' convert own.safetensors own.safetensors --overwrite
expect 1 'none.safetensors: ' convert none.safetensors a.pt
expect 1 "these are a ResNet-18's weights, but base_model is resnet34" convert own.safetensors a.safetensors --options grid00001.options.json
touch a.options.json
expect 1 'a.options.json: is there already' convert own.safetensors a.pt
expect 0 'left out: epoch' convert checkpoint.pth b.safetensors
expect 0 'b.safetensors: 2 tensors written' convert checkpoint.pth b.safetensors --overwrite
cp grid00000.pt first.pt
run convert own.safetensors grid00000.pt --overwrite
cmp -s first.pt grid00000.pt || fail 'convert: other bytes the second time'

# The command line takes a .pt file: with the options beside it, with named ones, and says when there are none.
unet() {
    "$python" "$source/contrib/pytorch/vkgrid_unet.py" "$@" >stdout 2>stderr
}
unet predict study/cells/grid00000/best_own.safetensors data sub01 a.npy || fail 'predict'
unet predict grid00000.pt data sub01 b.npy || fail 'predict of a .pt file'
cp grid00000.pt alone.pt
unet predict alone.pt data sub01 c.npy grid00000.options.json || fail 'predict with options'
cmp -s a.npy b.npy && cmp -s a.npy c.npy || fail 'predict: a .pt file differs'
unet predict alone.pt data sub01 d.npy && fail 'predict without options'
grep -q 'alone.pt: does not say what its network is' stderr && ! grep -q Traceback stderr || fail "predict: $(cat stderr)"

# How images were flattened is kept.
"$python" "$source/tests/contrib/pytorch_test.py" note own.safetensors noted.safetensors || fail 'note'
run convert noted.safetensors noted.pt
run convert noted.pt again.safetensors --options noted.options.json
judge equal noted.safetensors again.safetensors
run apply -w noted.pt --options noted.options.json -d data -o noted --device cpu --quiet --size 64x96
cmp -s noted/sub01.npy grid00000/sub01.npy || fail 'other predictions with a note of flattening'

# ONNX, by a runtime where there is one: the machine's, or that of the current Debian which .ci/run makes (with its own
# /usr/share, as in optuna_test.sh).
"$python" "$source/contrib/pytorch/vkgrid_unet.py" export study/cells/grid00000/best_own.safetensors model.onnx >stdout 2>stderr ||
    fail 'export'
judge batch data study/cells/grid00000/best_own.safetensors batch.npy
userland=${VKGRID_CACHE:-/var/tmp}/vkgrid-userland
export userland
userland_python() {
    unshare --mount --propagation private sh -euc '
        mount --bind "$userland/usr/share" /usr/share
        libraries=$userland/usr/lib/x86_64-linux-gnu
        export PYTHONHOME="$userland/usr"
        exec "$userland/lib64/ld-linux-x86-64.so.2" --library-path "$libraries:$libraries/blas:$libraries/lapack" \
            "$userland/usr/bin/python3" "$@"' sh "$@"
}
if "$python" -c 'import onnx' 2>stderr; then
    judge onnx model.onnx
else
    echo 'not checked by onnx: no python3-onnx'
fi
if "$python" -c 'import onnxruntime' 2>stderr; then
    judge runtime model.onnx batch.npy grid00000
elif userland_python -c 'import onnxruntime' 2>stderr; then
    userland_python "$source/tests/contrib/pytorch_test.py" runtime model.onnx batch.npy grid00000 2>stderr || fail 'runtime'
else
    echo 'not run by ONNX Runtime: no python3-onnxruntime'
fi
exit $failed
