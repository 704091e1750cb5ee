#!/bin/sh
# SPDX-License-Identifier: MIT
# contrib/slurm on a cluster of one node that is started here: an array of three tasks, one of them killed, another one told
# to stop; Slurm starts both again; what they made is merged and equal to the study of one process.
# slurm_test.sh VKGRID SOURCE-FOLDER
source=$(realpath "$2")
for program in munged slurmctld slurmd sbatch; do
    command -v $program >/dev/null || { echo "skipped: no $program (Debian: slurm-wlm, munge)"; exit 77; }
done
[ "$(id -u)" -eq 0 ] || { echo 'skipped: not root, who may start the cluster'; exit 77; }
. "$source/tests/cli/expect.sh"
unset SLURM_ARRAY_TASK_ID SLURM_ARRAY_TASK_COUNT
host=$(hostname -s)
port=$((20000 + $$ % 20000))
job=

# stop FILE: the process whose number is in it.
stop() {
    [ ! -s "$1" ] || kill "$(cat "$1")" 2>>"$home/stderr"
}

clean_up() {
    [ ! "$job" ] || scancel --full --signal=KILL "$job" 2>>"$home/stderr"
    stop "$home/slurmd.pid"
    stop "$home/slurmctld.pid"
    stop "$home/munged.pid"
    cd / && sleep 1 && rm -rf "$home"
}
trap clean_up EXIT

start_cluster() {
    mkdir state spool
    head -c 1024 /dev/urandom >munge.key
    chmod 600 munge.key
    cat >slurm.conf <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$home/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool
SlurmctldPidFile=$home/slurmctld.pid
SlurmdPidFile=$home/slurmd.pid
SlurmctldLogFile=$home/slurmctld.log
SlurmdLogFile=$home/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SwitchType=switch/none
MpiDefault=none
PlugStackConfig=$home/plugstack.conf
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc)
PartitionName=all Nodes=$host Default=YES
END
    : >plugstack.conf
    export SLURM_CONF="$home/slurm.conf"
    munged --force --socket="$home/munge.socket" --key-file="$home/munge.key" --log-file="$home/munged.log" \
        --pid-file="$home/munged.pid" --seed-file="$home/munged.seed" >>stdout 2>>stderr &&
        slurmctld >>stdout 2>>stderr && slurmd >>stdout 2>>stderr || return 1
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ "$(sinfo -h -o %t 2>>stderr)" != idle ] || return 0
        sleep 1
    done
    return 1
}

# wait_for SECONDS COMMAND...
wait_for() {
    left=$1
    shift
    while ! "$@" >>stdout 2>>stderr; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 1
    done
}

process_of() { # TASK: vkgrid, which writes to study-TASK
    ps -eo pid=,args= | awk -v out="study-$1" -v program="$vkgrid" '$2 == program && $NF ~ out "$" {print $1}'
}
is_training() { [ -n "$(process_of "$1")" ] && [ -s "tasks/study-$1/study.db" ]; }
is_over() { [ -z "$(squeue -h)" ]; }

if ! start_cluster; then
    echo 'skipped: Slurm does not start here'
    tail -n 5 stderr
    tail -n 5 munged.log
    tail -n 5 slurmctld.log
    tail -n 5 slurmd.log
    exit 77
fi

"$vkgrid" sample data --subjects 3 --size 32x64 --quiet || fail 'no sample'
cat >grid.json <<'END'
{"static": {"partition": [["sub01", "sub02"], ["sub03"]], "raters": [], "gamma": 0.9, "bce_weight": 0.5, "batch_size": 2,
  "inputs": "own", "prediction": "area", "features": {"inputs": {"own": ["curvature", "x"]}}, "image_size": [32, 64],
  "num_epochs": 2, "plan": [{}, {"bce_weight": 0}]},
 "hyper": {"lr": [0.001, 0.002, 0.003, 0.004, 0.005, 0.01]}}
END
options="grid.json -d data --device cpu --threads 1 --keep all --pack 1 --quiet"

export VKGRID="$vkgrid"
# shellcheck disable=SC2086
job=$(sbatch --parsable --array=0-2 --gpus=0 --cpus-per-task=1 "$source/contrib/slurm/search.sbatch" tasks $options 2>>stderr) ||
    fail 'sbatch'
wait_for 60 is_training 0 || fail 'task 0 does not start'
kill -KILL "$(process_of 0)" || fail 'task 0 was not killed'
wait_for 60 is_training 2 || fail 'task 2 does not start'
scancel --signal=TERM "${job}_2" || fail 'task 2 was not told to stop'
wait_for 300 is_over || fail 'the array does not end'
for task in 0 1 2; do
    starts=$(grep -c '^task ' tasks/study-$task.log)
    echo "task $task: $starts starts: $(grep '^exit status' tasks/study-$task.log | cut -d : -f 1 | tr '\n' ',')"
    [ "$starts" -eq $((1 + (task != 1))) ] || fail "task $task was started $starts times"
    tail -n 1 tasks/study-$task.log | grep -q '^exit status 0:' || fail "task $task did not end well"
done
grep -q '^exit status 137:' tasks/study-0.log || fail 'task 0: not killed'
grep -q '^exit status 130:' tasks/study-2.log || fail 'task 2: not interrupted'

job=$(sbatch --parsable "$source/contrib/slurm/merge.sbatch" tasks 2>>stderr) || fail 'sbatch merge'
wait_for 60 is_over || fail 'the merge does not end'
cat slurm-"$job".out
# shellcheck disable=SC2086
"$vkgrid" search $options -o alone >stdout 2>stderr || fail 'the study of one process'
python3 "$source/tests/faults/compare_studies.py" --shards --ignore command alone tasks/merged || fail 'the studies differ'
[ $failed -eq 0 ] || for log in tasks/*.log slurm*.log; do tail -n 30 "$log" >&2; done
exit $failed
