#!/bin/sh
# SPDX-License-Identifier: MIT
# The program as a person runs it: bad input, a dry run. Needs no device.
# cli_test.sh VKGRID
. "$(dirname "$0")/expect.sh"

expect 2 '--dri-run: unknown option: did you mean --dry-run?' search --dri-run
expect 2 '--pack: a value is missing' search --pack
expect 2 '--pack 0: a whole number from 1' search --pack 0
expect 2 '--pack 3x: a whole number from 1' search --pack=3x
for command in search train apply bench; do
    expect 2 '--threads 0: a whole number from 1 to 1024' $command --threads 0
    expect 2 '--threads 1025: a whole number from 1 to 1024' $command --threads 1025
done
expect 2 '--threads two: a whole number' search --threads two
for command in search train apply bench report devices; do
    expect 2 '--matrix maybe: auto|on|off is allowed' $command --matrix maybe
done
expect 2 '--keep some: none|best|all is allowed' search --keep some
expect 2 '--dry-run=1: this option takes no value' search --dry-run=1
expect 2 'b: one argument too many' search a b
expect 2 'OPTIONS.json [PLAN.json]: is missing' train
expect 2 '-w FILE: is missing' apply
expect 2 '-d DIR: is missing' apply -w x.safetensors
expect 2 '--size 31: ROWSxCOLS' sample x --size 31
expect 2 '--size 4096: ROWSxCOLS' sample x --size 4096
expect 2 '--checkpoint often: auto|always is allowed' search --checkpoint often
expect 2 '-w FILE SUBJECT...: is missing' label -w weights
expect 2 '-w FILE: is missing' label bert
expect 2 '--out and --in-place: only one of them is allowed' label bert -w weights -o out --in-place
expect 1 'weights: No such file or directory' label bert -w weights
expect 2 'SUBJECT... -o DIR: is missing' flatten -o data
expect 2 '-o DIR: is missing' flatten bert
expect 2 '--radius 2: a number from 0.01 to 1.5708 is allowed' flatten bert -o data --radius 2
expect 1 '--size: is 32x32: twice as many columns as rows' flatten bert -o data --size 32x32
expect 2 '--label V1: NAME=FILE:KEY is allowed' flatten bert -o data --label V1
expect 2 '--feature a: NAME=FILE is allowed' flatten bert -o data --feature a
expect 1 '--label NAME=FILE:KEY: is "V1="' flatten bert -o data --label V1=
expect 1 '--label V1: stands twice' flatten bert -o data --label V1=a --label V1=b
expect 1 '--label x: is a feature too' flatten bert -o data --label x=a
expect 1 '--file: is "gray=a": KIND=PATTERN with white, pial,' flatten bert -o data --file gray=a
expect 1 'nowhere: no such folder' flatten bert -o data --fsaverage nowhere
expect 1 '--shard: is "2/2": K/N with 0 <= K < N' search --shard 2/2
expect 1 '--sampler random needs --trials' search --sampler random
expect 1 '--cells: with --from-optuna Optuna chooses' search --from-optuna --cells 1

grid() {
    printf '{"static": {"partition": [[1, 2], [3]], "raters": [], "lr": 0.001, "gamma": 0.9, "bce_weight": 0.5,
"inputs": "em", "prediction": "cell", "features": {"inputs": {"em": ["em"]}, "prediction": {"cell": ["cell"]}},
"image_size": [32, 32], "num_epochs": 1%s}, "hyper": {%s}}\n' "$1" "$2"
}
grid '' '"batch_size": [2]' >good.json
grid ', "batchsize": 2' '"batch_size": [2]' >unknown.json
grid ', "until": "2"' '"batch_size": [2]' >type.json
grid '' '"batch_size": []' >empty.json
head -c 100 good.json >short.json
grid ', "until": 2, "until": 3' '"batch_size": [2]' >twice.json
sed 's/\[3\]/[2]/' good.json >both.json
sed 's/\[3\]/[]/' good.json >half.json
sed 's/\[32, 32\]/[32, 40]/' good.json >size.json
echo 'x' >>good.txt

expect 1 'missing.json: No such file or directory' search missing.json
expect 1 'short.json: line 2, column 1: the file ends here' search short.json
expect 1 'twice.json: the key "until" stands twice' search twice.json
expect 1 'unknown.json: static: unknown key "batchsize": did you mean "batch_size"?' search unknown.json
expect 1 'type.json: static.until: is "2": a whole number from 1' search type.json
expect 1 'empty.json: hyper.batch_size: is []: a list that is not empty' search empty.json
expect 1 'the subject 2 stands twice' search both.json
expect 1 'partition[1] (validation subjects): is []' search half.json
expect 1 'image_size[1] (cols): is 40: a multiple of 32 is allowed' search size.json
expect 1 'good.txt: line 1, column 1: a value is expected' search good.txt
expect 1 'nowhere: no such folder' search good.json -d nowhere
expect 1 '--cells 5: selects none of the cells 0 to 0' search good.json --cells 5 --dry-run
expect 1 '--cells 1-2: A:B:STRIDE' search good.json --cells 1-2 --dry-run
expect 1 '--cells 0:1:0: A:B:STRIDE' search good.json --cells 0:1:0 --dry-run
expect 1 'missing.json: No such file' train missing.json
expect 1 'good.json: is a grid: vkgrid search trains it' train good.json
echo '[]' >ranks.json
expect 1 'ranks.json: is an empty list' train ranks.json

# Files of the same keys and shapes as the original's, and what the command line says over them.
cat >options.json <<'END'
{"until": 10, "prediction": "area", "base_model": "resnet18", "dataset_cache_path": "data/HCP", "model_cache_path": "models",
 "partition": "default", "multiproc": false}
END
cat >plan.json <<'END'
[{"gamma": 0.90, "lr": 0.00375, "bce_weight": 0.750, "batch_size": 4, "num_epochs": 10},
 {"gamma": 0.90, "lr": 0.00250, "bce_weight": 0.375, "batch_size": 4, "num_epochs": 10},
 {"gamma": 0.90, "lr": 0.00125, "bce_weight": 0.000, "batch_size": 4, "num_epochs": 10}]
END
printf '[{"lr": 1, "rate": 2}]' >wrong.json
subjects='partition=[[1, 2], [3]]'
expect 1 'options.json with plan.json: inputs: is missing: one set of features is allowed' train options.json plan.json
expect 1 'inputs: is "all": one set of features' train options.json plan.json --inputs all --set "$subjects"
expect 1 'partition: is "default": that list is a part of the original' train options.json plan.json --inputs anat
expect 1 'options.json: lr: is missing' train options.json --inputs anat --set "$subjects"
expect 1 'wrong.json[0]: unknown key "rate"' train options.json wrong.json
expect 1 'plan.json: [0].options: is missing' train plan.json options.json
expect 1 'unknown key "sed": did you mean "seed"?' train options.json plan.json --inputs anat --set sed=1
expect 1 'until: is "many": a whole number' train options.json plan.json --inputs anat --set until=many --set "$subjects"
expect 1 '--set partition: line 1, column' train options.json plan.json --inputs anat --set 'partition=[[1], [2]'
expect 1 '--set lr: the rounds of the plan have their own' train options.json plan.json --set lr=0.1
expect 2 '--set lr: KEY=VALUE is allowed' train options.json plan.json --set lr
expect 2 '--set =1: KEY=VALUE is allowed' train options.json plan.json --set =1
expect 1 'none.pt: no such weights file' train options.json plan.json --pretrained none.pt
expect 1 'data/HCP: no such data folder' train options.json plan.json --inputs anat --set "$subjects" --device cpu --quiet
expect 1 'elsewhere: no such data folder' train options.json plan.json --inputs anat --set "$subjects" --device cpu --quiet \
    --set data_cache_path=elsewhere
expect 1 'options.json: not used here: multiproc' train options.json plan.json --inputs anat --set "$subjects" --device cpu --quiet
expect 1 'x: no such folder: the feature "x"' train options.json plan.json --inputs x,y --prediction V1,V2 -d . --set "$subjects" \
    --device cpu --quiet
expect 1 'x: no such folder: the feature "x"' train options.json plan.json --inputs x,y --prediction V1,V2 -d . --set "$subjects" \
    --device cpu --quiet --set 'features={"inputs": {"inputs": ["z"]}}'
expect 1 'x.safetensors: No such file' apply -w x.safetensors -d .
echo 'no weights' >x.safetensors
expect 1 'x.safetensors: no weight file that is known, or a damaged one' apply -w x.safetensors -d .
expect 1 'x.safetensors: no weight file that is known, or a damaged one' label -w x.safetensors .
expect 1 '.: is a folder: a file of weights is needed' apply -w . -d .
: >empty.pt
expect 1 'empty.pt: is empty: a file of weights is needed' apply -w empty.pt -d .

printf '{"base_model": "resnet18", "inputs": "anatmy", "prediction": "area", "image_size": [32, 32],
  "features": {"inputs": {"anat": ["x"], "mine": ["x"]}}}' >sets.json
printf 'PK' >some.pt
expect 1 'nofn, nodw, mine, or a set of features.inputs is allowed' apply -w some.pt -d . --options sets.json

# A dry run needs neither data nor a device, and writes nothing.
expect 0 '1 cell in 1 group; 1 run in 1 pack;' search good.json --dry-run
expect 0 '"cells": 1' search good.json --dry-run --json
expect 0 'no device' search good.json --dry-run --device 99
[ ! -e vkgrid-out ] || fail 'a dry run wrote something'
expect 0 '8 cells in 2 groups; 8 runs' search --dry-run
published=$(dirname "$0")/../../assets/benson2025-grid.json
expect 0 '1,800 cells in 24 groups; 3,600 runs' search "$published" --dry-run --pack 8
expect 0 '18 cells in 12 groups' search "$published" --dry-run --cells 0:1800:100

exit $failed
