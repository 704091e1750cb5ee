# SPDX-License-Identifier: MIT
"""Workers on one study of Optuna's: workers_test.py sixty|quality|stale|files|pruned VKGRID STORAGE

In a folder with ./python (which has Optuna), grid.json and data; whoever started it restarts the database when wanted-restart
is made.
"""
import collections
import json
import os
import pathlib
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import time

import optuna
from optuna.trial import TrialState

HERE = pathlib.Path(__file__).resolve().parent
WORKER = HERE.parent.parent / "contrib" / "optuna" / "worker.py"
TRIALS = 60
ALL = []  # workers
OVER = (TrialState.COMPLETE, TrialState.PRUNED)
optuna.logging.set_verbosity(optuna.logging.WARNING)


class Worker:
    def __init__(self, storage, study, out, program, *options):
        self.command = ["./python", WORKER, storage, study, "grid.json", "-d", "data", "-o", out, *options]
        self.environment = {**os.environ, "VKGRID": program, "PYTHONWARNINGS": "ignore"}
        self.out = out
        self.start()
        ALL.append(self)

    def start(self):
        self.log = open(self.out + ".log", "a")
        self.process = subprocess.Popen(self.command, env=self.environment, stdout=self.log, stderr=self.log)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def kill_vkgrid(self):
        os.kill(int(pathlib.Path(self.out, "lock").read_text().split()[0]), signal.SIGKILL)

    def end(self):
        return self.process.wait(timeout=600)

    def said(self):
        return pathlib.Path(self.out + ".log").read_text()


def storage_of(url):
    return optuna.storages.RDBStorage(url, engine_kwargs={"pool_pre_ping": True})


def wait_for(workers, study, count, states=OVER):
    """Until so many trials of the study are over."""
    while True:
        try:
            if len(study.get_trials(deepcopy=False, states=states)) >= count:
                return
        except optuna.exceptions.StorageInternalError:
            pass
        for worker in workers:
            assert worker.process.poll() in (None, 0, 1), (worker.out, worker.process.returncode)
        time.sleep(0.5)


def in_folder(out):
    """{id: (state, value, {step: value})} of a worker's study.db."""
    database = sqlite3.connect(f"file:{out}/study.db?mode=ro", uri=True)
    found = {}
    for trial, id, state, value in database.execute(
            "SELECT trial_id, json_extract(a.value_json, '$'), state, value FROM trials JOIN vkgrid_cells USING (trial_id) JOIN "
            "trial_user_attributes a USING (trial_id) LEFT JOIN trial_values USING (trial_id) WHERE a.key = 'request_id'"):
        steps = dict(database.execute("SELECT step, intermediate_value FROM trial_intermediate_values WHERE trial_id = ?",
                                      (trial,)))
        assert id not in found, id
        found[id] = (state, value, steps)
    return found


def dashboard(storage, name):
    """What optuna-dashboard asks a storage for."""
    summaries = [study for study in storage.get_all_studies() if study.study_name == name]
    assert len(summaries) == 1
    id = summaries[0]._study_id
    assert storage.get_study_name_from_id(id) == name and storage.get_study_id_from_name(name) == id
    assert storage.get_study_directions(id) == [optuna.study.StudyDirection.MINIMIZE]
    assert isinstance(storage.get_study_user_attrs(id), dict) and isinstance(storage.get_study_system_attrs(id), dict)
    trials = storage.get_all_trials(id, deepcopy=False)
    assert storage.get_n_trials(id) == len(trials) and storage.get_best_trial(id).value == min(
        trial.value for trial in trials if trial.state == TrialState.COMPLETE)
    for trial in trials:
        assert storage.get_trial(trial._trial_id).number == trial.number
        assert storage.get_trial_id_from_study_id_trial_number(id, trial.number) == trial._trial_id
        json.dumps([trial.user_attrs, trial.system_attrs, trial.params, trial.intermediate_values])
        if trial.state in OVER:
            assert trial.datetime_complete >= trial.datetime_start


def check_once(study, outs):
    """Every trial is over, and is what one folder says of it; no folder has one that Optuna does not know."""
    folders = [in_folder(out) for out in outs]
    ids = collections.Counter(id for folder in folders for id in folder)
    assert max(ids.values()) == 1, ids.most_common(3)
    for trial in study.trials:
        assert trial.state.is_finished(), trial
        if trial.state not in OVER:
            continue
        state, value, steps = next(folder[f"{study.study_name}/{trial.number}"] for folder in folders
                                   if f"{study.study_name}/{trial.number}" in folder)
        assert (state, steps) == (trial.state.name, trial.intermediate_values), (trial, state, steps)
        assert trial.state == TrialState.PRUNED or (value == trial.value and trial.user_attrs["cell"]), (trial, value)
    assert len(ids) == sum(trial.state in OVER for trial in study.trials), (len(ids), "ids")


def sixty(vkgrid, url):
    """Three workers, one killed twice, its vkgrid once, the database restarted: 60 trials are over, each once."""
    storage = storage_of(url)
    study = optuna.create_study(study_name="sixty", storage=storage)
    study.enqueue_trial({"lr": 0.003})
    study.enqueue_trial({"lr": 0.5})
    study.enqueue_trial({"learning_rate": 0.003})
    options = ["--at-once", "4", "--trials", str(TRIALS), "--pruner", 'MedianPruner:{"n_startup_trials": 5}', "--",
               "--device", "cpu", "--threads", "1", "-q", "--keep", "none"]
    workers = [Worker(url, "sixty", f"sixty-{i}", vkgrid, *options) for i in range(3)]
    wait_for(workers, study, 6)
    workers[0].kill()
    workers[0].start()
    wait_for(workers, study, 14)
    workers[0].kill()
    workers[0].start()
    wait_for(workers, study, 22)
    workers[1].kill_vkgrid()
    wait_for(workers, study, 30)
    os.mkdir("wanted-restart")
    statuses = [worker.end() for worker in workers]
    trials = study.trials
    states = collections.Counter(trial.state.name for trial in trials)
    over = states["COMPLETE"] + states["PRUNED"]
    print(f"{dict(states)}, exit statuses {statuses}")
    assert TRIALS <= over <= TRIALS + 2 * 4, states  # workers that count in the same moment ask for one each too many
    assert trials[0].params["lr"] == 0.003 and 0 <= trials[0].params["bce_weight"] <= 1 and trials[0].state in OVER, trials[0]
    failed = [trial for trial in trials if trial.state == TrialState.FAIL]
    assert [trial.number for trial in failed] == [1, 2], failed
    assert "0.0005 to 0.01 is allowed" in failed[0].user_attrs["failure"], failed
    assert "is no axis" in failed[1].user_attrs["failure"], failed
    text = "".join(worker.said() for worker in workers)
    assert text.count("trial 1 is refused: ") == text.count("trial 2 is refused: ") == 1 and set(statuses) <= {0, 1}, text
    check_once(study, [worker.out for worker in workers])
    dashboard(storage, "sixty")


def quality(vkgrid, url):
    """As good as random search with twice the trials, on a formula. (That of a TPE in one process: 0.100 to 0.121.)"""
    sys.path.insert(0, str(HERE))
    from fake_worker import objective
    options = ["--at-once", "2", "--trials", str(TRIALS), "--pruner", 'MedianPruner:{"n_startup_trials": 10}',
               "--sampler", 'TPESampler:{"constant_liar": true, "multivariate": true}']
    workers = [Worker(url, "quality", f"quality-{i}", "./fake", *options) for i in range(3)]
    statuses = [worker.end() for worker in workers]
    assert statuses == [0, 0, 0], statuses
    study = optuna.load_study(study_name="quality", storage=storage_of(url))
    assert all(trial.state in OVER for trial in study.trials)
    draw = random.Random(1)
    best = [min(objective({"lr": 10 ** draw.uniform(-4, -1), "bce_weight": draw.random(), "gamma": draw.uniform(0.5, 1)})
                for _ in range(2 * TRIALS)) for _ in range(1001)]
    print(f"{len(study.trials)} trials: best {study.best_value:.4f}; "
          f"random search with {2 * TRIALS}: {statistics.median(best):.4f}")
    assert study.best_value <= statistics.median(best)


def open_journal(name):
    try:  # Optuna 4
        backend = optuna.storages.journal.JournalFileBackend("journal.log")
    except AttributeError:
        backend = optuna.storages.JournalFileStorage("journal.log")
    return optuna.create_study(study_name=name, storage=optuna.storages.JournalStorage(backend), load_if_exists=True)


def stale(vkgrid, url):
    """A worker that does not come back: after the time of grace another one has Optuna queue its trials again."""
    os.environ["FAKE_SECONDS"] = "0.5"
    options = ["--at-once", "2", "--trials", "4", "--heartbeat", "1", "--grace", "3"]
    storage = storage_of(url)
    study = optuna.create_study(study_name="stale", storage=storage)
    lost = Worker(url, "stale", "stale-0", "./fake", *options)
    while not any(trial.intermediate_values for trial in study.trials):
        time.sleep(0.05)
    lost.kill()
    begun = [trial.number for trial in study.trials if trial.state == TrialState.RUNNING]
    time.sleep(5)
    other = Worker(url, "stale", "stale-1", "./fake", *options)
    assert other.end() == 0
    trials = study.trials
    failed = [trial.number for trial in trials if trial.state == TrialState.FAIL]
    again = [trial.system_attrs["failed_trial"] for trial in trials if "failed_trial" in trial.system_attrs]
    print(f"begun {begun}, queued again {again}")
    assert failed == begun == sorted(again) and sum(trial.state in OVER for trial in trials) == 4, trials


def set_epochs(count):
    grid = json.loads(pathlib.Path("grid.json").read_text())
    grid["static"]["num_epochs"] = count
    pathlib.Path("grid.json").write_text(json.dumps(grid))


def pruned(vkgrid, _):
    """A pruner that stops everything: no trial of a thousand epochs gets far."""
    set_epochs(1000)
    worker = Worker("journal:journal.log", "pruned", "pruned-0", vkgrid, "--at-once", "2", "--trials", "2", "--pruner",
                    'ThresholdPruner:{"upper": 0}', "--", "--device", "cpu", "--threads", "1", "-q")
    assert worker.end() == 0
    study = open_journal("pruned")
    assert [trial.state for trial in study.trials] == [TrialState.PRUNED] * 2, study.trials
    print(f"pruned after epochs {[trial.last_step + 1 for trial in study.trials]}")
    check_once(study, ["pruned-0"])


def files(vkgrid, _):
    """A journal file; SIGTERM leaves trials that the same command takes up again; another worker leaves them alone."""
    set_epochs(3)
    options = ["--at-once", "2", "--trials", "4", "--", "--device", "cpu", "--threads", "1", "-q", "--checkpoint", "always"]
    worker = Worker("journal:journal.log", "few", "few-0", vkgrid, *options)
    while not os.path.exists("few-0/worker"):
        assert worker.process.poll() is None
        time.sleep(0.1)
    study = open_journal("few")
    while not any(trial.intermediate_values for trial in study.trials):
        time.sleep(0.02)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.end() in (0, 130), worker.process.returncode
    begun = [trial.number for trial in study.trials if trial.state == TrialState.RUNNING]
    other = Worker("journal:journal.log", "few", "few-1", vkgrid, *options)
    assert other.end() == 0
    assert [trial.number for trial in study.trials if trial.state == TrialState.RUNNING] == begun
    worker.start()
    assert worker.end() == 0
    print(f"taken up again: {begun}")
    check_once(study, ["few-0", "few-1"])


try:
    globals()[sys.argv[1]](*sys.argv[2:])
except BaseException:
    for started in ALL:
        print(f"{started.out}: {started.said()[-2000:]}", file=sys.stderr)
    raise
finally:
    for started in ALL:
        started.process.kill()
