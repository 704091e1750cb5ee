#!/bin/sh
# SPDX-License-Identifier: MIT
# vkgrid status over studies that were never trained: what it says, who is at work, damaged files. Needs no device.
# status_test.sh VKGRID MAKE_STUDY PYTHON
here=$(realpath "$(dirname "$0")")
make_study=$(realpath "$2") python=$3
. "$here/expect.sh"

# change FOLDER SQL: in its study.db, without any check.
change() {
    "$python" -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/study.db")
db.executescript("PRAGMA writable_schema = 1; PRAGMA ignore_check_constraints = 1;" + sys.argv[2])
db.commit()' "$1" "$2" || fail "the change \"$2\""
}

# copy NAME: of the good study.
copy() {
    rm -rf "$1"
    mkdir "$1"
    cp good/study.db "$1"
}

# says TEXT: a line of the last output, spaces in it squeezed.
says() {
    tr -s ' ' <stdout | grep -qxF -- "$1" || fail "no line \"$1\" in $(cat stdout)"
}

"$python" "$make_study" good --cells 40 --tasks 2 --epochs 6 --failures 2 --pruned 3 --waiting 10 --running 4 || exit 1
sum=$(md5sum good/study.db)

expect 0 'good: stopped' status good
says 'anat_area 21 4 2 3 10 40'
says 'full_area 26 4 0 0 10 40'
says 'all 47 8 2 3 20 80'
says ' grid00023 dice loss 0.1166 loss 0.1283 mean 0.1167 sd 0.0001 2 runs base_model=resnet34 lr=0.0025 gamma=0.9 bce_weight=0.5 batch_size=4'
says ' ranks 1, 3, 4 of 21 cannot be told apart by Dice (p > 0.05, n = 33)'
says 'importance: share of the variance of the dice loss, 21 cells'
says 'failed runs: 4'
says ' grid00003 run 1: device lost in conv_weight_grad (failed 1 time)'
says 'Nobody is at work and 28 cells are to do. The same vkgrid search with -o good goes on where it was stopped.'
grep -q "$(printf '\033')" stdout && fail 'colours in a file'
expect 0 '"state": "stopped"' status good --json
for count in '"total": 80' '"complete": 47' '"running": 8' '"failed": 2' '"pruned": 3' '"waiting": 20' '"outside": 0'; do
    expect 0 "$count" status --json good
done
"$python" -c 'import json
s = json.load(open("stdout"))
best = s["tasks"][1]["best"][0]
assert best["cell"] == 63 and best["dice_loss"] == best["dice"] > 0 and s["failed_runs"]["count"] == 4, s
assert s["holder"] is None and s["shard"] is None and s["version"] == "0.1.0", s' || fail JSON
cp stdout good.json
expect 0 'good: stopped' status good --watch
[ "$sum" = "$(md5sum good/study.db)" ] || fail 'study.db was changed'
[ "$(ls good)" = study.db ] || fail "more than study.db: $(ls good)"

# A search that holds the study, and writes.
copy held
change held "UPDATE vkgrid_study SET value = '{\"started\": 1e9, \"updated\": 1e9, \"work\": 100, \"work_done\": 42.5,
\"samples_per_second\": 1234.6, \"seconds_left\": 4000, \"packs\": [7, {\"device\": \"GPU \", \"label\": 7},
{\"device\": \"GPU\", \"label\": \"resnet18, 4 slots\", \"round\": 1, \"rounds\": 3, \"epoch\": 4, \"epochs\": 10,
\"fraction\": 0.425, \"samples_per_second\": 3.25}]}' WHERE key = 'progress';
UPDATE vkgrid_study SET value = '{\"shard\": [2, 3]}' WHERE key = 'settings'"
mkfifo pipe
"$python" -c 'import fcntl, sqlite3
lock = open("held/lock", "w")
lock.write("4711 some.host\n")
lock.flush()
fcntl.flock(lock, fcntl.LOCK_EX)
db = sqlite3.connect("held/study.db")
db.execute("BEGIN IMMEDIATE")
db.execute("UPDATE trials SET state = \"FAIL\"")
open("ready", "w").close()
open("pipe").read()
db.rollback()' &
holder=$!
while [ ! -e ready ]; do sleep 0.1; done
expect 0 'held: running, process 4711 on some.host, shard 2 of 3, last written' status held
says 'all 47 8 2 3 20 80'
says '42.5% of the work, 1235 samples/s, about 0 s left'
says ' 42% round 1/3 epoch 4/10, 3.2 samples/s, GPU: resnet18, 4 slots'
expect 0 '"holder": {"pid": 4711, "host": "some.host"}' status held --json
grep -q 'Nobody' stdout && fail 'somebody is at work'
echo >pipe
wait $holder
expect 0 'held: stopped' status held
change held "UPDATE vkgrid_study SET value = json_replace(value, '$.work_done', 100) WHERE key = 'progress';
UPDATE trials SET state = 'WAITING' WHERE state = 'RUNNING'"
expect 0 'held: finished, shard 2 of 3' status held

# Watched: the importance, for which all runs are read, holds for ten looks, and is whole in the last one.
copy watched
"$python" -c 'import fcntl, json, sqlite3, subprocess, sys
lock = open("watched/lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
watch = subprocess.Popen([sys.argv[1], "status", "watched", "--watch", "--json"], stdout=subprocess.PIPE)
looks = [json.loads(watch.stdout.readline())]
db = sqlite3.connect("watched/study.db")
db.execute("UPDATE trials SET state = \"WAITING\" WHERE state = \"COMPLETE\" AND trial_id % 2")
db.commit()
while looks[-1]["cells"] == looks[0]["cells"]:
    looks.append(json.loads(watch.stdout.readline()))
importance = lambda look: [task["importance"] for task in look["tasks"]]
assert len(looks) > 9 or importance(looks[-1]) == importance(looks[0]), looks
lock.close()
looks = [json.loads(line) for line in watch.stdout]
assert watch.wait() == 0 and looks[-1]["state"] == "stopped", looks
alone = json.loads(subprocess.run([sys.argv[1], "status", "watched", "--json"], stdout=subprocess.PIPE, check=True).stdout)
assert looks[-1] == alone and importance(alone) != importance(json.load(open("good.json"))), looks' "$vkgrid" || fail 'a watched study'

# A search that was killed while it wrote: what it had begun is undone.
copy killed
"$python" -c 'import os, sqlite3
db = sqlite3.connect("killed/study.db")
db.execute("PRAGMA cache_size = 1")
db.execute("UPDATE trials SET state = \"FAIL\"")
db.execute("UPDATE trial_intermediate_values SET intermediate_value = 1")
os._exit(0)'
[ -s killed/study.db-journal ] || fail 'no journal was left'
expect 0 'killed: stopped' status killed
says 'all 47 8 2 3 20 80'

# What is no study.
expect 2 'OUT: is missing' status
expect 1 'nowhere: no such folder' status nowhere
mkdir empty
expect 1 'empty is not the folder of a study' status empty
mkdir text
echo 'not a database, but longer than a header of one: 0123456789 0123456789 0123456789 0123456789 0123' >text/study.db
expect 1 'text/study.db: file is not a database' status text
copy foreign
change foreign "UPDATE vkgrid_study SET value = '6' WHERE key = 'format'"
expect 1 'foreign/study.db: has format 6: 2 to 5 are allowed' status foreign
copy other
change other 'DROP TABLE vkgrid_runs'
expect 1 'other/study.db: is not a study of vkgrid' status other

# Hostile contents: one line or none, never more.
copy types
change types "UPDATE vkgrid_cells SET options = x'00ff' WHERE cell = 23"
expect 1 'options' status types
copy list
change list "UPDATE vkgrid_cells SET options = '[1]' WHERE cell = 23"
expect 1 'options: is [1]' status list
copy state
change state "UPDATE trials SET state = 'HALF' || char(27) WHERE trial_id = 5"
expect 1 'state "HALF?"' status state
copy progress
change progress "UPDATE vkgrid_study SET value = '{' WHERE key = 'progress'"
expect 1 'progress: line 1' status progress
change progress "UPDATE vkgrid_study SET value = '[]' WHERE key = 'progress'; UPDATE vkgrid_study SET value = '[]' WHERE key = 'settings'"
expect 0 '"progress": null' status progress --json
change progress "UPDATE studies SET study_name = char(27) || '[2J' || char(10) || x'ff' WHERE study_id = 1; DELETE FROM studies WHERE study_id = 2;
UPDATE trial_values SET value = 'text' WHERE trial_id < 30; UPDATE trial_values SET value = 1e308 * 10 WHERE trial_id > 60;
UPDATE vkgrid_runs SET failure = char(27) || '[31m', attempts = 'many'; UPDATE trial_user_attributes SET value_json = '{'"
expect 0 'progress: stopped' status progress
grep -q "$(printf '\033')" stdout && fail 'escape codes of the database'
copy lock
mkfifo lock/lock
expect 0 'lock: stopped' status lock

# Torn and flipped bytes.
"$python" - "$vkgrid" <<'EOT' || fail 'damaged files'
import os, random, subprocess, sys
good, rng = open('good/study.db', 'rb').read(), random.Random(4)
os.mkdir('damaged')
for i in range(60):
    bad = bytearray(good[:rng.randrange(len(good))] if i % 3 == 0 else good)
    for _ in range(rng.choice([1, 20, 400])):
        if bad:
            at = rng.randrange(min(len(bad), 4096 if i % 2 else len(bad)))
            bad[at] = rng.randrange(256)
    open('damaged/study.db', 'wb').write(bad)
    run = subprocess.run([sys.argv[1], 'status', 'damaged'], capture_output=True, timeout=60)
    if run.returncode not in (0, 1) or run.stderr.count(b'\n') != run.returncode:
        sys.exit('damage %d: %d %r' % (i, run.returncode, run.stderr))
EOT
exit $failed
