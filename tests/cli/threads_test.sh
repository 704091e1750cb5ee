#!/bin/sh
# SPDX-License-Identifier: MIT
# How many threads the CPU engine has, why, and how long they spin (libgomp says what it has read where OMP_DISPLAY_ENV
# is set). threads_test.sh VKGRID
. "$(dirname "$0")/expect.sh"
unset OMP_WAIT_POLICY GOMP_SPINCOUNT KMP_BLOCKTIME OMP_NUM_THREADS SLURM_CPUS_PER_TASK OMP_PROC_BIND OMP_PLACES

"$vkgrid" devices | grep -q oneDNN || { echo 'skipped: no CPU engine'; exit 77; }

llvm=
OMP_DISPLAY_ENV=verbose "$vkgrid" bench --help 2>&1 | grep -q KMP_BLOCKTIME && llvm=1

# told COUNT WHY: in the list, as JSON, and when a device is picked.
told() {
    s=s; [ "$1" -eq 1 ] && s=
    expect 0 "   $1 thread$s: $2" devices
    expect 0 "\"threads\": $1," devices --json
    expect 0 "\"threads_because\": \"$2\"" devices --json
}
(export OMP_NUM_THREADS=3; told 3 OMP_NUM_THREADS; exit $failed) || failed=1
(export SLURM_CPUS_PER_TASK=1; [ "$(nproc)" -eq 1 ] || told 1 SLURM_CPUS_PER_TASK; exit $failed) || failed=1
all=$(nproc) # as many as affinity allows
if [ "$all" -gt 1 ] && taskset -c 0 true 2>/dev/null; then
    real=$vkgrid
    printf '#!/bin/sh\nexec taskset -c 0 %s "$@"\n' "$vkgrid" >bound
    chmod +x bound
    vkgrid=$PWD/bound
    told 1 affinity
    vkgrid=$real
    # OpenMP binds the first thread to one processor; the others are there all the same (not where LLVM's OpenMP is
    # loaded beside libgomp, which has bound the thread before LLVM's counts).
    here=$("$vkgrid" devices | sed -n 's/^   \([0-9]*\) threads*: .*/\1/p')
    bound=$(OMP_PROC_BIND=true "$vkgrid" devices | sed -n 's/^   \([0-9]*\) threads*: .*/\1/p')
    [ "$here" = "$bound" ] || [ "$llvm" ] || fail "$bound threads with OMP_PROC_BIND, $here without"
fi

# Told as well where something is computed, which goes on with as many.
bench='bench --device cpu --steps --size 32x32 --batch-size 1 --seconds 0'
expect 0 '3 threads: --threads)' $bench --threads 3
(export OMP_NUM_THREADS=2; expect 0 '2 threads: OMP_NUM_THREADS)' $bench; exit $failed) || failed=1

# spins [NAME=VALUE...]: what libgomp has read, once for each start of the program.
spins() {
    env "$@" OMP_DISPLAY_ENV=verbose "$vkgrid" bench --help 2>stderr >stdout || fail "vkgrid bench --help: $?"
    sed -n "s/^.*GOMP_SPINCOUNT = '\([0-9]*\)'.*/\1/p" stderr | tr '\n' ' '
}
if [ "$llvm" ] || [ ! "$(spins)" ]; then
    echo 'skipped: how long threads spin: this is not libgomp alone'
    exit $failed
fi
set -- $(spins)
[ $# -eq 2 ] && [ "$2" -ge 100 ] && [ "$2" -le 300000 ] || fail "by itself it spins $*"
grep -q 'vkgrid bench' stdout || fail 'the program begun anew has lost its arguments'
# What the environment says holds, and nothing is begun anew.
[ "$(spins GOMP_SPINCOUNT=77)" = '77 ' ] || fail "GOMP_SPINCOUNT=77: $(spins GOMP_SPINCOUNT=77)"
[ "$(spins OMP_WAIT_POLICY=passive)" = '0 ' ] || fail "passive: $(spins OMP_WAIT_POLICY=passive)"
set -- $(spins OMP_WAIT_POLICY=active)
[ $# -eq 1 ] && [ "$1" -gt 300000 ] || fail "active: $*"
exit $failed
