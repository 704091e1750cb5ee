#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tests/fuzz/run and the part of .ci/run that counts what it says, with harnesses that are scripts: run_test.sh SOURCE-FOLDER
# A fault, a reader without a line and a lost exit status are failures; what is not built is told as skipped.
set -u
source=$(realpath "$1")
[ -x "$source/.ci/run" ] || { echo 'skipped: no .ci/run here'; exit 77; }
[ -w /dev/shm ] || { echo 'skipped: no /dev/shm to write to'; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit
failed=0
fail() { echo "failed: $*"; failed=1; }

mkdir -p .ci programs tests/fuzz build-fuzz/tests/fuzz
cp "$source/.ci/run" .ci/run
cp "$source/tests/fuzz/run" tests/fuzz/run
printf '#!/bin/sh\n' >programs/ninja
chmod +x programs/ninja
cp programs/ninja build-fuzz/tests/fuzz/seeds
PATH=$folder/programs:$PATH
printf '# comment\n\n' >tests/fuzz/readers.txt
for reader in npy png tiff jpeg mgh; do
    echo "$reader image a.$reader - 64 64" >>tests/fuzz/readers.txt
    echo "build tests/fuzz/fuzz_$reader: c_LINKER" >>build-fuzz/build.ninja
done

harness() { # READER COMMANDS
    cat >"build-fuzz/tests/fuzz/fuzz_$1" <<END
#!/bin/sh
echo 'stat::number_of_executed_units: 12'
echo 'stat::average_exec_per_sec: 3'
echo '#12 DONE cov: 45 ft: 67'
$2
END
    chmod +x "build-fuzz/tests/fuzz/fuzz_$1"
}

# STATUS "COUNT passed, COUNT failed": what .ci/run ends with.
ends() {
    .ci/run fuzz >said 2>&1
    local status=$?
    [ $status -eq "$1" ] && tail -n 1 said | grep -qx "$2" || fail "exit $status, not $1 and '$2': $(cat said)"
}

for reader in npy png tiff jpeg mgh; do harness $reader ''; done
ends 0 '5 passed, 0 failed'
grep -qE '^npy +12 executions, +3/s, +45 edges, ok$' said || fail "the line of a reader: $(cat said)"

# A library that is not there, with a harness of an older build.
sed -i '/fuzz_tiff/d' build-fuzz/build.ninja
ends 0 '4 passed, 0 failed'
grep -q '^   fuzz: tiff: not built here: no libtiff$' said && grep -q '^1 skipped$' said || fail "what is skipped: $(cat said)"

# Faults: none keeps the others from their turn, whatever it ends with.
harness npy 'echo "==1==ERROR: AddressSanitizer: heap"; exit 1'
harness png 'exit 255'
ends 1 '2 passed, 2 failed'

# One that is ended from outside says nothing, and some of the others may not have their turn.
harness npy ''
harness png 'kill -9 $PPID'
ends 1 '[0-3] passed, 1 failed'

# A status that no line explains.
harness png ''
echo 'exit 3' >>tests/fuzz/run
ends 1 '4 passed, 1 failed'
printf '#!/bin/sh\nexit 1\n' >programs/ninja
ends 1 '0 passed, 1 failed'
exit $failed
