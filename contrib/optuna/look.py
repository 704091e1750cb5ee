#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks at a vkgrid study through Optuna.

    look.py OUT [FOLDER]

Prints of each task the best trials and how much each hyper-parameter matters, and writes a plot of parallel coordinates to
FOLDER (default: the current one), as <task>.html where plotly is installed, else as <task>.png where matplotlib is.
"""
import os
import sys

import optuna_version  # noqa: F401 (first: what follows needs it)
import optuna
from optuna.trial import TrialState

SHOWN = 10


def print_best(study):
    complete = sorted(study.get_trials(states=[TrialState.COMPLETE]), key=lambda trial: trial.value)
    print(f"\n{study.study_name}: {len(complete)} of {len(study.trials)} trials are complete")
    for trial in complete[:SHOWN]:
        values = ", ".join(f"{name} {value}" for name, value in trial.params.items())
        print(f"  {trial.user_attrs['cell']}  dice loss {trial.value:.4f}  {values}")
    return len(complete)


def print_importances(study):
    try:
        importances = optuna.importance.get_param_importances(study)
    except ImportError:  # without scikit-learn
        importances = optuna.importance.get_param_importances(study, evaluator=optuna.importance.PedAnovaImportanceEvaluator())
    print("  importances: " + ", ".join(f"{name} {value:.3f}" for name, value in importances.items()))


def plot(study, folder):
    path = os.path.join(folder, study.study_name)
    if optuna.visualization.is_available():
        optuna.visualization.plot_parallel_coordinate(study).write_html(path + ".html")
        return path + ".html"
    if optuna.visualization.matplotlib.is_available():
        axes = optuna.visualization.matplotlib.plot_parallel_coordinate(study)
        axes.figure.savefig(path + ".png", bbox_inches="tight")
        return path + ".png"
    return None


def main(out, folder="."):
    storage = optuna.storages.RDBStorage(f"sqlite:///{os.path.join(out, 'study.db')}")
    for name in optuna.get_all_study_names(storage):
        study = optuna.load_study(study_name=name, storage=storage)
        if print_best(study) < 2:
            continue
        print_importances(study)
        print(f"  parallel coordinates: {plot(study, folder) or 'neither plotly nor matplotlib is installed'}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    main(*sys.argv[1:])
