#!/bin/sh
# SPDX-License-Identifier: MIT
# A disk that is full while a group opens: the search waits, and ends with the bits of an undisturbed one.
#
#   full_test.sh VKGRID LIBRARY TIMES
#
# The study's first group is finished; the search that goes on opens the second. The disk is full at the second, third, ...
# TIMESth operation of it that needs room, and for two more.
library=$(realpath "$2") times=$3
compare=$(realpath "$(dirname "$0")/compare_studies.py")
. "$(dirname "$0")/../cli/expect.sh"

home=$(realpath "$home")
export OMP_WAIT_POLICY=passive ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0"

"$vkgrid" sample data --subjects 3 --size 32x64 --quiet >stdout 2>stderr || fail 'no sample'
cat >grid.json <<'END'
{"static": {"partition": [["sub01", "sub02"], ["sub03"]], "raters": [], "gamma": 0.9, "bce_weight": 0.5, "lr": 0.001,
  "inputs": "own", "prediction": "area", "features": {"inputs": {"own": ["curvature", "x"]}}, "image_size": [32, 64],
  "until": 1, "num_epochs": 1, "plan": [{}]},
 "hyper": {"batch_size": [1, 2]}}
END

search() { # OUT VARIABLE=VALUE...: all of the study
    out=$1
    shift
    env LD_PRELOAD="$library" FAULT_ROOT="$home/$out" "$@" "$vkgrid" search grid.json -d data -o "$home/$out" \
        --device cpu --checkpoint always >stdout 2>stderr </dev/null
}

search whole || fail 'the undisturbed search'
"$vkgrid" search grid.json -d data -o half --device cpu --checkpoint always --quiet --cells 0 >stdout 2>stderr ||
    fail 'the first group'
waits=0 full=2 # at the first one the search does not begin: one line says why
while [ "$full" -le "$times" ] && [ $failed -eq 0 ]; do
    cp -r half study
    search study FAULT_ERRORS=ENOSPC FAULT_FULL_AFTER="$full" FAULT_FULL=3 || fail "full at operation $full"
    grep -q 'No space left' stderr && waits=$((waits + 1))
    python3 "$compare" --ignore cells --ignore command whole study || fail "full at operation $full: other results"
    rm -rf study
    full=$((full + 1))
done
[ $waits -gt 0 ] || fail 'the disk was never full'
echo "full at $times operations: $waits searches waited"
exit $failed
