#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One of any number of workers on an Optuna study: Optuna chooses, vkgrid trains, as many trials at once as wanted.

    worker.py STORAGE STUDY GRID.json -d DATA -o OUT [--at-once N] [--trials N] ... [-- OPTIONS of vkgrid worker]

STORAGE is any of Optuna's: postgresql://..., mysql://..., sqlite:///study.db, journal:FILE, grpc://HOST:PORT. OUT is a folder of
this worker's own, which it needs again to go on. The hyper part of GRID.json says what is chosen between which bounds, as for
`vkgrid search --from-optuna`. docs/optuna-workers.md says more. $VKGRID is the program where it is not in PATH.
"""
import argparse
import json
import signal
import sys
import warnings

import optuna_version  # noqa: F401 (first: what follows needs it)
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, json_to_distribution
from optuna.trial import TrialState

from trial_storage import Trials, away, open_storage, owner_of, patiently
from vkgrid_lines import Failed, Stopped, Vkgrid


def named(module, text):
    """CLASS or CLASS:{"argument": value} of a module of Optuna's."""
    name, _, arguments = text.partition(":")
    if not hasattr(module, name):
        sys.exit(f"{text}: {module.__name__} has no {name}")
    return getattr(module, name)(**json.loads(arguments or "{}"))


def suggest(trial, name, distribution):
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    kind = trial.suggest_float if isinstance(distribution, FloatDistribution) else trial.suggest_int
    return kind(name, distribution.low, distribution.high, log=distribution.log)


REFUSED = 20  # in a row: grid and study do not fit


class Worker:
    def __init__(self, study, trials, vkgrid, at_once, patience):
        self.study, self.trials, self.vkgrid, self.at_once, self.patience = study, trials, vkgrid, at_once, patience
        self.axes = {name: json_to_distribution(json.dumps(axis)) for name, axis in vkgrid.hello["axes"].items()}
        self.refused_in_row = 0
        self.counts = dict.fromkeys(("complete", "pruned", "failed", "refused"), 0)

    def patiently(self, call, *arguments):
        return patiently(self.vkgrid.stopping, self.patience, call, *arguments)

    def values(self, trial):
        """A value for every axis: what the trial was enqueued with, the rest by the sampler."""
        given = self.trials.storage.get_trial(trial._trial_id).system_attrs.get("fixed_params", {})
        for key in given:
            if key not in self.axes:
                raise ValueError(f"{key}: is no axis of the grid: {', '.join(self.axes)} are allowed")
        return {name: suggest(trial, name, axis) for name, axis in self.axes.items()}

    def id_of(self, trial):
        """A trial that Optuna put into the queue again is the one that it was at first: it has a checkpoint."""
        attributes = self.trials.storage.get_trial(trial._trial_id).system_attrs
        return f"{self.study.study_name}/{attributes.get('failed_trial', trial.number)}"

    def end(self, trial, kind, state, value=None, attributes=None):
        if self.patiently(self.trials.end, trial, state, value, attributes):
            self.counts[kind] += 1
            more = (attributes or {}).get("failure") or (value is not None and f"dice loss {value:.4f}")
            print(f"trial {trial.number} is {kind}{f': {more}' if more else ''}", flush=True)
        else:
            print(f"trial {trial.number} was taken for dead and is in the queue again", flush=True)

    def refuse(self, trial, why):
        self.end(trial, "refused", TrialState.FAIL, attributes={"failure": why})
        self.refused_in_row += 1
        if self.refused_in_row == REFUSED:
            raise Failed(f"{REFUSED} trials in a row were refused, the last one: {why}")

    def report(self, trial, epoch, known):
        """The value at a step once all runs have it: that of the best of them or their mean, as the study ranks."""
        at_step = known["steps"].setdefault(epoch["step"], {})
        at_step[epoch["run"]] = epoch["dice_loss"]
        if len(at_step) < known["runs"] or epoch["step"] in known["told"]:
            return False
        values = [value for value in at_step.values() if value is not None]
        known["told"].add(epoch["step"])
        if not values:
            return False
        value = sum(values) / len(values) if self.vkgrid.hello.get("rank_by") == "mean" else min(values)
        self.patiently(trial.report, value, epoch["step"])
        return self.patiently(trial.should_prune)

    def train(self, batch):
        """batch: {id: (trial, values)}. Everything that vkgrid says of them goes to Optuna."""
        known = {}
        for kind, body in self.vkgrid.train({id: values for id, (_, values) in batch.items()}):
            if kind == "error":
                raise Failed(f"vkgrid did not understand: {body['why']}")
            trial = batch[body["id"]][0]
            if kind == "taken":
                told = self.patiently(self.trials.storage.get_trial, trial._trial_id).intermediate_values
                known[body["id"]] = {"runs": body["runs"], "told": set(told), "steps": {}}
            elif kind == "epoch":
                try:
                    if self.report(trial, body, known[body["id"]]):
                        self.vkgrid.prune(body["id"])
                except RuntimeError:  # taken for dead: it may come back to this worker, which has it then
                    pass
            else:
                self.finish(trial, kind, body)

    def finish(self, trial, kind, body):
        if kind != "refused":
            self.refused_in_row = 0
        attributes = {key: value for key, value in body.items() if key not in ("id", "value", "why")}
        if kind == "done" and body["value"] is not None:
            self.end(trial, "complete", TrialState.COMPLETE, body["value"], attributes)
        elif kind == "pruned":
            self.end(trial, "pruned", TrialState.PRUNED, attributes=attributes)
        elif kind == "refused":
            self.refuse(trial, body["why"])
        else:
            why = body.get("why", "the dice loss is no number")
            self.end(trial, "failed", TrialState.FAIL, attributes={**attributes, "failure": why})

    def gather(self):
        """The next batch: what was left over, then new trials."""
        trials, batch = self.patiently(self.trials.left_over), {}
        while trials or len(batch) < self.at_once:
            trial = trials.pop() if trials else self.patiently(self.trials.next)
            if trial is None:
                break
            try:
                batch[self.patiently(self.id_of, trial)] = (trial, self.patiently(self.values, trial))
            except (ValueError, TypeError, KeyError) as error:
                self.refuse(trial, str(error))
            except RuntimeError:  # taken for dead: another worker has it
                self.trials.running.pop(trial.number, None)
        return batch

    def run(self):
        while not self.vkgrid.stopping.is_set():
            batch = self.gather()
            if not batch:
                break
            self.train(batch)
        if self.vkgrid.stopping.is_set():
            raise Stopped


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage=argparse.SUPPRESS)
    parser.add_argument("storage")
    parser.add_argument("study")
    parser.add_argument("grid")
    parser.add_argument("-d", "--data", help="data set; default: the grid's data_cache_path")
    parser.add_argument("-o", "--out", default="vkgrid-worker", help="folder of this worker")
    parser.add_argument("--at-once", type=int, default=4, metavar="N", help="trials that are trained together (default: 4)")
    parser.add_argument("--trials", type=int, metavar="N", help="ask for no more when the study has N; default: for ever")
    parser.add_argument("--sampler", default='TPESampler:{"constant_liar": true}', help="class of optuna.samplers, and arguments")
    parser.add_argument("--pruner", default="NopPruner", help="class of optuna.pruners, such as MedianPruner")
    parser.add_argument("--heartbeat", type=int, default=60, metavar="SECONDS", help="between two signs of life (databases)")
    parser.add_argument("--grace", type=int, default=600, metavar="SECONDS", help="without one, then a trial is queued again")
    parser.add_argument("--patience", type=int, default=3600, metavar="SECONDS", help="to wait for a storage that is away")
    parser.add_argument("options", nargs="*", help="options of vkgrid worker, after --")
    return parser.parse_args()


def open_study(arguments):
    """The study, made where it is not there yet."""
    storage = open_storage(arguments.storage, arguments.heartbeat, arguments.grace)
    study = optuna.create_study(study_name=arguments.study, storage=storage, load_if_exists=True, direction="minimize",
                                sampler=named(optuna.samplers, arguments.sampler), pruner=named(optuna.pruners, arguments.pruner))
    if study.directions != [optuna.study.StudyDirection.MINIMIZE]:
        sys.exit(f"{arguments.study}: one direction, minimize, is needed: dice loss is lower where it is better")
    return storage, study


def main():
    arguments = read_arguments()
    options = [*(["-d", arguments.data] if arguments.data else []), *arguments.options]
    worker = None
    try:
        vkgrid = Vkgrid(arguments.grid, arguments.out, options)
        for number in signal.SIGTERM, signal.SIGINT:
            signal.signal(number, vkgrid.stop)
        storage, study = patiently(vkgrid.stopping, arguments.patience, open_study, arguments)
        trials = Trials(study, storage, owner_of(arguments.out), arguments.trials, vkgrid.stopping)
        worker = Worker(study, trials, vkgrid, arguments.at_once, arguments.patience)
        worker.run()
        vkgrid.close()
    except Stopped:
        print("stopped: the same command goes on from here", flush=True)
        return 130
    except (Failed, *away()) as error:
        print(f"worker: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    print(", ".join(f"{count} {kind}" for kind, count in worker.counts.items()), flush=True)
    return 1 if worker.counts["failed"] or worker.counts["refused"] else 0


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sys.exit(main())
