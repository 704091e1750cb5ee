#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Optuna's TPE chooses, vkgrid trains.

    tpe.py GRID.json OUT [OPTIONS of vkgrid search...]

GRID.json is a grid file whose `hyper` has ranges for numbers and lists for names:

    "hyper": {"lr": {"min": 1e-4, "max": 1e-2, "log": true}, "batch_size": {"min": 2, "max": 8},
              "base_model": ["resnet18", "resnet34"]}

OUT/study.db is an Optuna study from the beginning: look at it with look.py or optuna-dashboard while it runs. The same command
goes on with a search that was stopped. ROUNDS, AT_ONCE and VKGRID in the environment say how often TPE is asked, for how many
trials (vkgrid trains them in packs, so a few at once cost little more than one), and where the program is. Any other sampler
of Optuna goes in TPE's place.
"""
import json
import os
import subprocess
import sys

import optuna_version  # noqa: F401 (first: what follows needs it)
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

ROUNDS = int(os.environ.get("ROUNDS", 10))
AT_ONCE = int(os.environ.get("AT_ONCE", 4))
VKGRID = os.environ.get("VKGRID", "vkgrid")


def distribution(key, axis):
    if isinstance(axis, list):
        return CategoricalDistribution(axis)
    kind = IntDistribution if key in ("batch_size", "num_epochs") else FloatDistribution
    return kind(axis["min"], axis["max"], log=axis.get("log", False))


def sampler_of(study):
    """TPE with what is complete; it spreads those that it is asked for at once."""
    memory = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=len(study.trials), constant_liar=True))
    memory.add_trials(study.get_trials(states=[TrialState.COMPLETE]))
    return memory


def fill_in(study, storage, space):
    """Trials that somebody has enqueued with some of their values get the others."""
    memory = sampler_of(study)
    for trial in study.get_trials(states=[TrialState.WAITING]):
        given = trial.system_attrs.get("fixed_params", {})
        if set(given) < set(space):
            memory.enqueue_trial(given)
            storage.set_trial_system_attr(trial._trial_id, "fixed_params", memory.ask(space).params)


def ask(study, space):
    """Puts the next trials into the queue."""
    memory = sampler_of(study)
    for _ in range(AT_ONCE):
        study.enqueue_trial(memory.ask(space).params)


def main(grid, out, *options):
    with open(grid) as file:
        hyper = json.load(file)["hyper"]
    tasks = [key for key in ("inputs", "prediction") if key in hyper]  # each pair of them is a study of its own
    space = {key: distribution(key, axis) for key, axis in hyper.items() if key not in tasks}
    search = [VKGRID, "search", grid, "--from-optuna", "-o", out, *options]
    if not os.path.exists(os.path.join(out, "study.db")):
        subprocess.run(search, check=True)  # makes the studies
    storage = optuna.storages.RDBStorage(f"sqlite:///{os.path.join(out, 'study.db')}")
    studies = [optuna.load_study(study_name=name, storage=storage) for name in optuna.get_all_study_names(storage)]
    for study in studies:
        fill_in(study, storage, space)
    subprocess.run(search, check=True)  # what is in the queue
    for _ in range(ROUNDS):
        for study in studies:
            ask(study, space)
        subprocess.run(search, check=True)
    for study in studies:
        complete = study.get_trials(states=[TrialState.COMPLETE])
        if complete:
            print(f"{study.study_name}: {len(complete)} trials, best {study.best_value:.4f}: {study.best_params}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    main(*sys.argv[1:])
