# SPDX-License-Identifier: MIT
"""Optuna's storages for workers that may die at any moment: whose a trial is, heartbeats, a database that is away."""
import os
import sys
import threading
import time
import uuid

import optuna
from optuna.trial import Trial, TrialState

from vkgrid_lines import Stopped

OWNER = "vkgrid_worker"  # user attribute of a trial: who trains it
TAKING = "vkgrid_takes:"  # user attribute of the study, with the worker's name: which trial it takes just now
SETTLE_SECONDS = 2  # for another worker to name what it has taken


def away():
    """What the libraries raise when a storage cannot be reached."""
    errors = [optuna.exceptions.StorageInternalError, OSError]
    for module, name in ("sqlalchemy.exc", "SQLAlchemyError"), ("grpc", "RpcError"), ("redis.exceptions", "ConnectionError"):
        if module.split(".")[0] in sys.modules:
            errors.append(getattr(__import__(module, fromlist=[name]), name))
    return tuple(errors)


def patiently(stopping, seconds, call, *arguments, **named):
    """The call, again and again while the storage is away, so many seconds long or until `stopping` is set."""
    wait, until = 1, time.monotonic() + seconds
    while True:
        try:
            return call(*arguments, **named)
        except away() as error:
            if time.monotonic() > until:
                raise
            print(f"storage: {str(error).splitlines()[0][:200]}: tried again in {wait} s", file=sys.stderr)
        if stopping.wait(wait):
            raise Stopped
        wait = min(2 * wait, 30)


def open_storage(url, heartbeat, grace):
    """A database's URL; grpc://HOST:PORT; redis://...; journal:FILE, or the path of a file for Optuna's journal."""
    if url.startswith("grpc://"):
        if not hasattr(optuna.storages, "GrpcStorageProxy"):
            sys.exit(f"Optuna {optuna.__version__} has no gRPC proxy: 4.2 or newer is needed")
        host, _, port = url[len("grpc://"):].partition(":")
        return optuna.storages.GrpcStorageProxy(host=host, port=int(port or 13000))
    if "://" in url and not url.startswith("redis"):
        return optuna.storages.RDBStorage(url, engine_kwargs={"pool_pre_ping": True}, heartbeat_interval=heartbeat,
                                          grace_period=grace, failed_trial_callback=optuna.storages.RetryFailedTrialCallback())
    kind = "Redis" if url.startswith("redis") else "File"
    place = url[len("journal:"):] if url.startswith("journal:") else url
    try:  # Optuna 4
        from optuna.storages import journal
        backend = getattr(journal, f"Journal{kind}Backend")
    except ImportError:
        backend = getattr(optuna.storages, f"Journal{kind}Storage")
    return optuna.storages.JournalStorage(backend(place))


class Trials:
    """The trials of a study, for one worker."""

    def __init__(self, study, storage, owner, limit, stopping):
        self.study, self.storage, self.owner, self.limit, self.stopping = study, storage, owner, limit, stopping
        self.running = {}  # number -> Trial
        self.unsure = False  # whether a trial was taken whose answer never came
        self.found = []  # trials that it turned out to have
        self.beats = isinstance(storage, optuna.storages.RDBStorage)
        if self.beats:
            threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self):
        while not self.stopping.wait(self.storage.heartbeat_interval / 2):
            for trial in list(self.running.values()):
                try:
                    self.storage.record_heartbeat(trial._trial_id)
                except away():
                    pass

    def _hold(self, trial_id):
        if self.beats:
            self.storage.record_heartbeat(trial_id)
        self.storage.set_trial_user_attr(trial_id, OWNER, self.owner)
        trial = Trial(self.study, trial_id)
        self.running[trial.number] = trial
        return trial

    def left_over(self):
        """Trials that this worker was at when it was killed, or its storage went away."""
        taking = self.study.user_attrs.get(TAKING + self.owner)
        for wait in 0, SETTLE_SECONDS:
            found = []
            time.sleep(wait)
            for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                owner = trial.user_attrs.get(OWNER)
                nobodys = owner is None and trial.number == taking
                if trial.number not in self.running and (owner == self.owner or nobodys):
                    found.append((trial._trial_id, nobodys))
            if not any(nobodys for _, nobodys in found):
                break
        return [self._hold(trial_id) for trial_id, _ in found]

    def _take(self, waiting):
        """Whether the waiting trial is this worker's now. Who dies in here finds it by left_over()."""
        self.study.set_user_attr(TAKING + self.owner, waiting.number)
        if self.beats:
            self.storage.record_heartbeat(waiting._trial_id)
        return self.storage.set_trial_state_values(waiting._trial_id, state=TrialState.RUNNING)

    def _is_enough(self):
        trials = self.study.get_trials(deepcopy=False)
        return self.limit and sum(trial.state != TrialState.FAIL for trial in trials) >= self.limit

    def next(self):
        """The next trial that waits, else a new one; None: there are enough."""
        if self.unsure:  # the storage went away at that
            self.found += self.left_over()
            self.unsure = False
        if self.found:
            return self.found.pop()
        optuna.storages.fail_stale_trials(self.study)
        while not self.stopping.is_set():
            for waiting in self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
                self.unsure = True
                try:
                    trial = self._hold(waiting._trial_id) if self._take(waiting) else None
                except RuntimeError:  # another one was faster, and it is over
                    trial = None
                self.unsure = False
                if trial:
                    return trial
            if self._is_enough():
                return None
            self.study.add_trial(optuna.create_trial(state=TrialState.WAITING))
        return None

    def end(self, trial, state, value=None, attributes=None):
        """False: another worker has taken it for dead and put it into the queue again."""
        try:
            for key, attribute in (attributes or {}).items():
                trial.set_user_attr(key, attribute)
            self.study.tell(trial, value, state=state, skip_if_finished=True)
        except RuntimeError:  # it is over: by another worker, or the storage went away after it had taken this
            pass
        self.running.pop(trial.number, None)
        return self.storage.get_trial(trial._trial_id).state == state


def owner_of(out):
    """The name of the worker whose folder it is, wherever that is mounted."""
    path, name = os.path.join(out, "worker"), uuid.uuid4().hex
    unfinished = f"{path}.{name}"
    with open(unfinished, "x") as file:
        file.write(name)
    try:
        os.link(unfinished, path)  # whole or not at all
    except FileExistsError:
        pass
    finally:
        os.unlink(unfinished)
    with open(path) as file:
        return file.read().strip()
