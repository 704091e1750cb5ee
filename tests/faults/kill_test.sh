#!/bin/sh
# SPDX-License-Identifier: MIT
# A small search, or a training, is disturbed at random and started again with the same command, until it has been disturbed so
# often and is done. What it leaves must be what an undisturbed one leaves, bit for bit. A search that grows gets another grid
# between two starts, in the middle of what it does: a value more, runs more, epochs more; it must end as one that had the last of
# these grids from the beginning.
#
#   kill_test.sh VKGRID LIBRARY cpu|vulkan HOW TIMES [SEED [search|folds|train|grow]]
#
# LIBRARY is failing_files.so; HOW is
#   kill     SIGKILL: at a random moment, or in place of a random operation on a file
#   torn     the same in the middle of a write
#   power    what was not synced is lost as well
#   errors   writes, renames, syncs fail with EIO, or the disk is full for a while; the program need not end for that
# For instance: kill_test.sh build/vkgrid build/tests/faults/failing_files.so vulkan kill 100
library=$(realpath "$2") engine=$3 how=$4 times=$5 seed=${6:-1} command=${7:-search}
compare=$(realpath "$(dirname "$0")/compare_studies.py")
. "$(dirname "$0")/../cli/expect.sh"

home=$(realpath "$home")
device=cpu
if [ "$engine" = vulkan ]; then
    device=${VKGRID_DEVICE:-$("$vkgrid" devices | awk '/^[0-9]+  / {n = $1} /^   (software driver|.* GPU), / {print n; exit}')}
    [ "$device" ] || { echo 'skipped: no Vulkan device'; exit 77; }
fi
export OMP_WAIT_POLICY=passive ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0"

"$vkgrid" sample data --subjects 3 --size 32x64 --quiet >stdout 2>stderr || fail 'no sample'
cat >grid.json <<'END'
{"static": {"partition": [["sub01", "sub02"], ["sub03"]], "raters": [], "gamma": 0.9, "bce_weight": 0.5, "batch_size": 2,
  "inputs": "own", "prediction": "area", "features": {"inputs": {"own": ["curvature", "x"]}}, "image_size": [32, 64],
  "until": 2, "num_epochs": 2, "plan": [{}, {"bce_weight": 0}]},
 "hyper": {"lr": [0.001, 0.01]}}
END
cat >options.json <<'END'
{"partition": [["sub01", "sub02"], ["sub03"]], "raters": [], "gamma": 0.9, "batch_size": 2, "inputs": ["curvature", "x"],
 "prediction": "area", "image_size": [32, 64], "until": 3, "num_epochs": 2}
END
printf '[{"lr": 0.01, "bce_weight": 0.5}, {"lr": 0.005, "bce_weight": 0}]' >plan.json
# grown STAGE EPOCHS UNTIL VALUES
grown() {
    sed -e "s/\"until\": 2/\"until\": $3/; s/\"num_epochs\": 2, \"plan\": .*}\]/\"num_epochs\": $2, \"plan\": [{}]/" \
        -e "s/\"lr\": \[.*\]/\"lr\": [$4]/" grid.json >"grid$1.json"
}
grown 0 1 1 0.001
grown 1 1 1 '0.001, 0.01'
grown 2 1 2 '0.001, 0.01'
grown 3 2 2 '0.001, 0.01'
last=0
case $command in
search) files=grid.json ;;
folds) # of two sizes, in two repeats
    files=grid.json command=search
    sed -i 's/"until": 2,/"until": 2, "folds": 2,/' grid.json
    ;;
train) files='options.json plan.json' ;;
grow) files=grid3.json last=3 command=search ;;
esac

# start OUT OPTIONS COMMAND...: under the library, with its settings and what else stands before the program.
start() {
    out=$1 options=$2
    shift 2
    # shellcheck disable=SC2086
    env LD_PRELOAD="$library" FAULT_ROOT="$home/$out" "$@" \
        "$vkgrid" "$command" $files -d data -o "$home/$out" --device "$device" --quiet $options >stdout 2>stderr </dev/null
}

# disturbed OUT: one start that the next random numbers decide on, packs and checkpoints too, which are not to matter. Its
# exit status: 137 when it was killed.
disturbed() {
    read -r kind moment operation random <&3
    set -- "$1" "--pack $((random % 3 + 1)) --checkpoint $([ $((random % 5)) -eq 0 ] && echo auto || echo always)"
    case $how-$kind in
    kill-0) start "$@" timeout --foreground -s KILL "$moment" ;;
    kill-1) start "$@" FAULT_CRASH=kill FAULT_CRASH_AFTER="$operation" ;;
    errors-?) start "$@" FAULT_RATE="$rate" FAULT_FULL=3 FAULT_SEED="$random" ;;
    *) start "$@" FAULT_CRASH="$how" FAULT_CRASH_AFTER="$operation" FAULT_SEED="$random" ;;
    esac
}

began=$(date +%s.%N)
start whole '--pack 2 --checkpoint always' FAULT_COUNT="$home/operations" || { fail "the undisturbed one: exit status $?"; exit 1; }
duration=$(echo "$began $(date +%s.%N)" | awk '{print $2 - $1}')
operations=$(cat operations)
rate=$((operations / 3 + 1))
echo "undisturbed: $duration s, $operations operations on files"
awk -v n=$((20 * times + 100)) -v duration="$duration" -v operations="$operations" -v seed="$seed" 'BEGIN {
    srand(seed)
    for (i = 0; i < n; i++)
        print int(2 * rand()), duration * rand(), 1 + int(operations * rand()), int(1000000 * rand())
}' >numbers
exec 3<numbers

disturbances=0 studies=0 starts=0 since=0
while [ $disturbances -lt "$times" ] && [ $failed -eq 0 ]; do
    studies=$((studies + 1))
    status=1
    stage=0
    while [ $status -ne 0 ]; do
        [ "$last" -eq 0 ] || files=grid$stage.json
        if [ $disturbances -lt "$times" ] && [ $since -lt 20 ]; then
            disturbed study
        else
            start study '--pack 2'
        fi
        status=$?
        starts=$((starts + 1)) since=$((since + 1))
        case $how-$status in
        errors-[01]) disturbances=$((disturbances + $(grep -cE 'No space left|Input/output error|disk I/O error' stderr))) ;;
        *-137) disturbances=$((disturbances + 1)) ;;
        *-0) ;;
        *) cat stderr; fail "exit status $status"; break ;;
        esac
        # The next grid: of one that was killed, every other time.
        if [ $stage -lt "$last" ] && { [ $status -eq 0 ] || [ $((starts % 2)) -eq 0 ]; }; then
            stage=$((stage + 1)) status=1
        fi
        if [ $since -gt 30 ]; then
            fail "ends with $status again and again, even undisturbed"
            break
        fi
    done
    since=0
    python3 "$compare" whole study || fail "study $studies, after $disturbances disturbances"
    [ $failed -eq 0 ] || [ ! "${VKGRID_KEEP:-}" ] || cp -r . "$VKGRID_KEEP"
    rm -rf study study.lost-*
done
[ "$last" -eq 0 ] || command='search that grows'
echo "$how of $command on $device: disturbed $disturbances times in $starts starts, $studies studies compared"
exit $failed
