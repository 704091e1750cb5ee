#!/bin/sh
# SPDX-License-Identifier: MIT
# The first thing a new user does: `vkgrid search` with no argument, here only two of its cells: a good one (small batches) and the
# worst (lowest learning rate, larger batches). The one must be clearly better than the other, and than a network that has not been
# trained (one epoch at a learning rate of next to nothing).
# sample_test.sh VKGRID
. "$(dirname "$0")/expect.sh"

"$vkgrid" devices --json >devices.json
if grep -q '"chosen": null' devices.json; then
    echo 'skipped: no device'
    exit 77
fi
export OMP_WAIT_POLICY=passive # other tests may run on the same cores
expect 0 '8 cells in 2 groups' search --dry-run
expect 0 '2 of 2 cells finished' search --cells 1:5:3
echo '[{"lr": 1e-9, "gamma": 1, "bce_weight": 0.5, "batch_size": 2, "num_epochs": 1}]' >plan.json
expect 0 '' train vkgrid-out/cells/grid00001/options.json plan.json -o untrained

dice() { awk -F '\t' 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == "dice") d = i} NR == 2 {print $d}' "$1/training.tsv"; }
best=$(for cell in vkgrid-out/cells/*; do dice "$cell"; done | sort -g | head -n 1)
worst=$(for cell in vkgrid-out/cells/*; do dice "$cell"; done | sort -g | tail -n 1)
untrained=$(dice "$(dirname "$(find untrained -name training.tsv)")")
echo "dice loss: best $best, worst $worst, untrained $untrained"
awk -v best="$best" -v worst="$worst" -v untrained="$untrained" \
    'BEGIN {exit !(best > 0 && best < 0.8 * worst && best < 0.8 * untrained)}' ||
    fail 'the best cell is not clearly better than the worst and than an untrained network'
exit $failed
