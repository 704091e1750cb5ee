# SPDX-License-Identifier: MIT
"""Lets Optuna's own pruners decide over random curves; prune_test.c repeats it.

Lines: "study KIND EPOCHS", then for each trial "value X DECISION" per step and "end STATE".
"""
import math
import random

import optuna
from optuna.trial import TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)
random.seed(4)
for epochs in (1, 7, 12, 30, 60):
    pruners = {
        "median": optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=epochs // 4),
        "asha": optuna.pruners.SuccessiveHalvingPruner(
            min_resource=max(1, epochs // 9), reduction_factor=3),
    }
    for kind, pruner in pruners.items():
        study = optuna.create_study(pruner=pruner)
        print("study", kind, epochs)
        for _ in range(25):
            trial, level, state = study.ask(), random.random(), TrialState.COMPLETE
            for step in range(epochs):
                value = round(level + random.gauss(0, 0.2) / (step + 1), 3)
                if random.random() < 0.03 or level < 0.05:
                    value = math.nan
                trial.report(value, step)
                decision = trial.should_prune()
                print("value", repr(value), int(decision))
                if decision:
                    state = TrialState.PRUNED
                elif random.random() < 0.1 / epochs:
                    state = TrialState.FAIL
                if state != TrialState.COMPLETE:
                    break
            study.tell(trial, 1.0 if state == TrialState.COMPLETE else None, state=state)
            print("end", state.name)
