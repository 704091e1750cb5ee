#!/bin/sh
# SPDX-License-Identifier: MIT
# Searches on a device that has less than it says, and on others than there are.
# limited_device_test.sh VKGRID FOLDER-OF-THE-LAYER WHAT
#   memory     more is refused than there is room for, or at random: the packs become smaller, the bits stay
#   coherence  host and device do not see each other's writes by themselves
#   profiles   every device that there is a profile of opens, and trains
#   hang       a device that never finishes is given up, and its runs go on on a fresh one
#   budget     what devices, dry runs and packs count on
layer=$(realpath "$2") what=$3
compare=$(realpath "$(dirname "$0")/compare_studies.py")
. "$(dirname "$0")/../cli/expect.sh"

device=${VKGRID_DEVICE:-$("$vkgrid" devices | awk '/^[0-9]+  / {n = $1} /^   (software driver|.* GPU), / {print n; exit}')}
[ "$device" ] || { echo 'skipped: no Vulkan device'; exit 77; }
export VK_LAYER_PATH="$layer" VK_INSTANCE_LAYERS=VK_LAYER_VKGRID_limited_device

"$vkgrid" sample data --subjects 3 --size 32x32 --quiet >stdout 2>stderr || fail 'no sample'
cat >grid.json <<'END'
{"static": {"partition": [["sub01", "sub02"], ["sub03"]], "raters": [], "gamma": 0.9, "bce_weight": 0.5, "batch_size": 2,
  "inputs": "own", "prediction": "area", "features": {"inputs": {"own": ["curvature", "x"]}}, "image_size": [32, 32],
  "num_epochs": 2, "plan": [{}]},
 "hyper": {"lr": [0.001, 0.003, 0.01, 0.03]}}
END
cells=0:4 precision=fp32
profiles='nvidia-80gb radv-24gb radv-8gb amdvlk-24gb amdvlk-8gb anv-12gb igpu-16gb pi5-8gb moltenvk-16gb'

# search OUT STATUS [NAME=VALUE]...: four runs at once, if there is room.
search() {
    out=$1 wanted=$2
    shift 2
    env "$@" "$vkgrid" search grid.json -d data -o "$out" --cells $cells --precision $precision --device "$device" >stdout 2>stderr </dev/null
    status=$?
    cat stdout stderr
    [ $status -eq "$wanted" ] || fail "$out: exit status $status, not $wanted"
    ! grep '^limited device: not allowed' stderr || fail "$out: what no program may ask of a device"
}
same() { python3 "$compare" --ignore device --ignore driver whole "$1" || fail "$1: another result"; }
# of_pack NAME SLOTS [NAME=VALUE]...: a number of the dry run.
of_pack() {
    name=$1 slots=$2
    shift 2
    env "$@" "$vkgrid" search grid.json -d data --device "$device" --pack "$slots" --dry-run --json >stdout 2>stderr ||
        fail "dry run: $*"
    python3 -c 'import json, sys; d = json.load(open("stdout")); print({**d, **d["groups"][0]}[sys.argv[1]])' "$name"
}
mib() { echo $(($1 / 1048576)); }

case $what in
memory)
    search whole 0
    one=$(of_pack memory 1) two=$(of_pack memory 2) four=$(of_pack memory 4)
    # Room for two, not for four, whatever --pack says.
    search halved 0 LIMITED_MEMORY="$(mib $(((two + four) / 2)))"
    same halved
    [ "$(grep -c 'from now on at most 2 at once' stderr)" -eq 1 ] || fail 'halved: not said'
    # Not even for one: nine attempts, one clear line, and nothing is lost.
    search none 1 VKGRID_MEMORY_SECONDS=0.001 LIMITED_MEMORY="$(mib $((one / 2)))"
    [ "$(grep -c '^vkgrid: .*1 slot of batch size 2 need.* MiB of device memory.*out of device memory' stderr)" -eq 1 ] ||
        fail 'none: does not say what is needed'
    [ "$(grep -c '^limited device: refused' stderr)" -eq 11 ] || fail 'none: not four, two, and one nine times'
    search none 0
    same none
    for seed in 1 2 3; do
        search random-$seed 0 LIMITED_FAIL_RATE=5 LIMITED_SEED=$seed LIMITED_FAILURES=4 VKGRID_SELF_TEST=off # of packs alone
        [ "$(grep -c '^limited device: refused' stderr)" -eq 4 ] || fail "random-$seed: not four failures"
        same random-$seed
    done
    # Measuring ends early, as on a slow GPU: no more slots than were measured.
    search measured 0 VKGRID_MEASURE_PACKS=1
    grep -q ': 1 at once: not measured so far' stderr || fail 'measured: not one at once'
    same measured
    # Tiles are tuned with fewer slots, or not at all.
    tune() { # MIB
        env LIMITED_MEMORY="$1" VKGRID_TUNING="$PWD/tuning-$1.json" "$vkgrid" bench --tune --size 32x32 --batch-size 1 --pack 4 \
            --device "$device" --limit 1 >stdout 2>stderr </dev/null || fail 'tuning: fails'
    }
    tune 21
    grep -qE '^convolution 1 of [0-9]+, [12] slots?: .*, forward$' stderr || fail 'tuning: not with one slot or two'
    tune 17
    grep -q '^convolution 1 of .*, 1 slot: .*, forward: left out: .*out of device memory$' stderr || fail 'tuning: nothing is left out'
    ;;
coherence)
    search whole 0
    search incoherent 0 LIMITED_NONCOHERENT=1
    same incoherent
    # Tables mapped, everything else by staging memory, as on integrated GPUs.
    rm -r whole
    search whole 0 LIMITED_PROFILE=igpu-16gb VKGRID_TILE=0
    search integrated 0 LIMITED_PROFILE=igpu-16gb LIMITED_NONCOHERENT=1 VKGRID_TILE=0
    same integrated
    ;;
profiles)
    cells=0
    for profile in $profiles; do
        precision=fp32
        search $profile 0 LIMITED_PROFILE=$profile
        precision=mixed
        [ $profile = pi5-8gb ] || search $profile-mixed 0 LIMITED_PROFILE=$profile
    done
    ;;
hang)
    search whole 0
    # Waiting for what hangs takes no time (the layer), so the patience is as long as the slowest machine needs.
    search hung 0 LIMITED_HANG_AT=7 VKGRID_HANG_SECONDS=900 VKGRID_SELF_TEST=off
    grep -q '^limited device: hangs' stderr || fail 'hung: it does not'
    grep -q 'it hangs, nothing that it was given has ended for .*: tried again from' stderr || fail 'hung: not said'
    same hung
    ;;
budget)
    [ "$(of_pack slots 4)" -eq 4 ] || fail 'no budget: less than asked for'
    for slots in 1 2; do # room for them, and a reserve of a tenth
        room=$(($(mib "$(of_pack memory $slots)") * 10 / 9 + 2))
        [ "$(of_pack slots 4 LIMITED_BUDGET=$room)" -eq $slots ] || fail "budget for $slots: not so many slots"
        [ "$(of_pack slots_because 4 LIMITED_BUDGET=$room)" = 'no more fit' ] || fail "budget for $slots: another reason"
    done
    for profile in $profiles; do
        export LIMITED_PROFILE=$profile
        "$vkgrid" devices --json >stdout 2>stderr || fail "$profile: devices"
        python3 - "$device" "$profile" <<'END' || fail "$profile: figures"
import json, sys
d = json.load(open("stdout"))["devices"][int(sys.argv[1])]
gib = 2.0 ** 30
print(sys.argv[2], d["name"], d["memory"] / gib, d["free"] / gib, d["heap"] / gib, d["largest_piece"] / gib)
assert d["usable"] and d["memory"] <= d["free"] <= d["heap"], d
assert d["memory"] + d["reserve"] == d["free"] and abs(d["reserve"] / d["free"] - 0.1) < 0.01, d
heap, piece = {"nvidia-80gb": (79.6, 4), "radv-24gb": (24, 4), "radv-8gb": (8, 4), "amdvlk-24gb": (23.7, 2), "amdvlk-8gb": (7.7, 2),
               "anv-12gb": (11.9, 4), "igpu-16gb": (12, 4), "pi5-8gb": (4, 1), "moltenvk-16gb": (11.8, 8.9)}[sys.argv[2]]
assert abs(d["heap"] / gib - heap) < 0.05 and abs(d["largest_piece"] / gib - piece) < 0.05, d
END
    done
    # One slot that does not fit while others have the device, and one that never does.
    unset LIMITED_PROFILE
    search none 1 LIMITED_BUDGET=100 VKGRID_MEMORY_SECONDS=0.001
    [ "$(grep -c 'need [0-9]* MiB of device memory, there are.*: tried again$' stderr)" -eq 8 ] || fail 'none: not tried again'
    sed 's/\[32, 32\]/[4096, 4096]/' grid.json >large.json
    expect 1 'one slot of resnet18 own area, batch 2, 4096x4096 needs' search large.json -d data -o never --device "$device" --pack 4 --quiet
    ;;
esac
exit $failed
